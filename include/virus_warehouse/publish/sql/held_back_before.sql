-- What a held-back source needs besides its own rows: the taxa that they name, and since when it has been held back. A
-- taxon that is known keeps the lineage that it has now: two of them would count its records twice.
-- Reads the attached database published; held_back(source, reason, since).
INSERT INTO taxon
SELECT before.*
FROM published.taxon AS before
ANTI JOIN taxon USING (tax_id);

INSERT INTO taxon_lineage
SELECT before.*
FROM published.taxon_lineage AS before
ANTI JOIN taxon_lineage USING (descendant_tax_id);

UPDATE held_back
SET since = before.held_back_since
FROM published.ops.source_status AS before
WHERE before.source = held_back.source AND before.held_back_since IS NOT NULL;
