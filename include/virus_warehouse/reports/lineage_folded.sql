-- Adds folded lineages -> lineage_folded. Reads the variables new_references and new_lineages, of equal length.
INSERT INTO lineage_folded
SELECT unnest(getvariable('new_references')), unnest(getvariable('new_lineages'));
