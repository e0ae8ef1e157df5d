-- Adds the lineages of a readable part, lineage_look, to those of the parts before it -> lineage_given.
INSERT INTO lineage_given
SELECT tax_id, name, lineage FROM lineage_look
EXCEPT
SELECT tax_id, name, lineage FROM lineage_given;
