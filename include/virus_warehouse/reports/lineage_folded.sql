-- Adds folded lineages -> lineage_folded. Reads the variables new_references and new_lineages, of equally many lines.
INSERT INTO lineage_folded
SELECT
    unnest(string_split(getvariable('new_references'), chr(10))),
    unnest(string_split(getvariable('new_lineages'), chr(10)));
