-- Adds lineages that were folded -> lineage_folded. Reads the variables new_references and new_lineages, of one length.
INSERT INTO lineage_folded
SELECT unnest(getvariable('new_references')), unnest(getvariable('new_lineages'));
