-- Adds the lineages of a readable part, lineage_look, to those of the parts before it -> lineage_given; and tells how
-- much stands in the lineage of each taxon of which one is known -> lineage_size.
INSERT INTO lineage_given
SELECT tax_id, name, lineage FROM lineage_look
EXCEPT
SELECT tax_id, name, lineage FROM lineage_given;

CREATE OR REPLACE TEMP TABLE lineage_size AS
SELECT
    tax_id,
    coalesce(any_value(lineage_names(lineage)), 0) AS names,
    coalesce(any_value(lineage_texts(lineage)), 0) AS texts
FROM lineage_given
WHERE tax_id IS NOT NULL
GROUP BY tax_id
HAVING count(DISTINCT coalesce(lineage, '')) = 1;
