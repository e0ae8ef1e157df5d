-- The lineages that a report gives, each once for a taxon, and what is new in their steps -> lineage_given, drift.
-- Reads the variable report, staged_record and lineage_folded. What was folded is written as NCBI writes it, and has
-- nothing new.
CREATE OR REPLACE TEMP TABLE lineage_given AS
WITH organism AS (
    SELECT virus_tax_id AS tax_id, virus_name AS name, virus_lineage AS given FROM staged_record
    UNION ALL
    SELECT host_tax_id, host_name, host_lineage FROM staged_record
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

INSERT INTO drift
WITH step AS (
    SELECT occurrences, unnest(json_extract(lineage, '$[*]')) AS step FROM lineage_given WHERE NOT is_folded
),

step_name AS (
    SELECT step, occurrences, unnest(json_keys(step)) AS name FROM step WHERE json_type(step) = 'OBJECT'
),

found AS (
    SELECT
        'lineage[*].' || name AS path,
        json_extract(step, '/' || replace(replace(name, '~', '~0'), '/', '~1'))::VARCHAR AS value,
        occurrences
    FROM step_name
    WHERE name NOT IN ('taxId', 'name')
)

SELECT
    getvariable('report') AS report,
    left(path, 1000) AS path,
    sum(occurrences)::BIGINT AS occurrences,
    left(min(value), 200) AS sample
FROM found
GROUP BY ALL
ORDER BY occurrences DESC, path
LIMIT 1000;
