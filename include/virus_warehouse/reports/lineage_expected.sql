-- How many names and texts the lineages of a part hold if each is the one seen of its taxon before.
-- Reads part and lineage_size.
WITH organism AS (
    SELECT virus_tax_id AS tax_id, count(*) AS occurrences FROM part GROUP BY ALL
    UNION ALL
    SELECT host_tax_id, count(*) FROM part GROUP BY ALL
)

SELECT
    coalesce(sum(organism.occurrences * lineage_size.names), 0)::BIGINT,
    coalesce(sum(organism.occurrences * lineage_size.texts), 0)::BIGINT
FROM organism INNER JOIN lineage_size USING (tax_id);
