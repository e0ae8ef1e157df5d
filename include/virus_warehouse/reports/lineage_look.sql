-- The lineages of a part, each once -> lineage_look.
-- Reads the variable report_path.
-- A look of its own at the file: carried in every row the arrays would double the load and triple the warehouse. It is
-- taken for a part that names a taxon not seen before, or does not hold what was expected; mostly that is the first.
CREATE OR REPLACE TEMP TABLE lineage_look AS
WITH organism AS (
    SELECT unnest([virus, host]) AS organism
    FROM read_json(
        getvariable('report_path'),
        format = 'newline_delimited', maximum_object_size = 16777216,
        columns = {
            virus: 'STRUCT(taxId VARCHAR, organismName VARCHAR, lineage JSON)',
            host: 'STRUCT(taxId VARCHAR, organismName VARCHAR, lineage JSON)'
        }
    )
)

SELECT
    whole_number(organism.taxId) AS tax_id,
    organism.organismName AS name,
    organism.lineage::VARCHAR AS lineage,
    count(*) AS occurrences
FROM organism
WHERE organism.taxId IS NOT NULL OR organism.lineage IS NOT NULL
GROUP BY ALL;
