-- The lineages of a report, once per taxon -> lineage_given. Reads data_report and lineage_folded.
CREATE OR REPLACE TEMP TABLE lineage_given AS
WITH organism AS (
    SELECT virus_tax_id AS tax_id, virus_name AS name, virus_lineage AS given FROM data_report
    UNION ALL
    SELECT host_tax_id, host_name, host_lineage FROM data_report
),

distinct_organism AS (
    SELECT DISTINCT tax_id, name, given
    FROM organism
    WHERE tax_id IS NOT NULL OR given IS NOT NULL
)

SELECT
    distinct_organism.tax_id,
    distinct_organism.name,
    coalesce(folded.lineage, distinct_organism.given::VARCHAR) AS lineage
FROM distinct_organism
LEFT JOIN lineage_folded AS folded ON distinct_organism.given = '"' || folded.reference || '"';
