-- The share of each lineage by month, over all countries.
WITH monthly AS (
    SELECT month_start, pango_lineage, sum(records)::BIGINT AS records
    FROM mart.lineage_count
    WHERE month_start IS NOT NULL AND pango_lineage IS NOT NULL
    GROUP BY ALL
)

SELECT *, records / sum(records) OVER (PARTITION BY month_start) AS share
FROM monthly;
