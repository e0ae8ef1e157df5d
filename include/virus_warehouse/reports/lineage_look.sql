-- The lineages that a part gives, each once for a taxon -> lineage_look. Reads part and lineage_folded.
CREATE OR REPLACE TEMP TABLE lineage_look AS
WITH organism AS (
    SELECT virus_tax_id AS tax_id, virus_name AS name, virus_lineage AS given FROM part
    UNION ALL
    SELECT host_tax_id, host_name, host_lineage FROM part
),

counted AS (
    SELECT tax_id, name, given, count(*) AS occurrences
    FROM organism
    WHERE tax_id IS NOT NULL OR given IS NOT NULL
    GROUP BY ALL
)

SELECT
    counted.tax_id,
    counted.name,
    coalesce(folded.lineage, counted.given::VARCHAR) AS lineage,
    counted.occurrences,
    folded.reference IS NOT NULL AS is_folded
FROM counted
LEFT JOIN lineage_folded AS folded ON counted.given = '"' || folded.reference || '"';
