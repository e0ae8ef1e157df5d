-- The taxa of held-back sources, and since when each has been held back. A taxon that already exists keeps its current
-- lineage: a second one would duplicate its records in joins.
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
