WITH monthly AS (
    SELECT
        month_start,
        pango_lineage AS lineage,
        sum(records) AS records
    FROM mart.lineage_count
    WHERE
        month_certainty = 'month'
        AND pango_lineage IS NOT NULL
        AND /* filters */ true
    GROUP BY ALL
),

frequent AS (
    SELECT lineage FROM monthly
    GROUP BY lineage
    ORDER BY sum(records) DESC, lineage
    LIMIT 5
)

SELECT
    month_start,
    coalesce(frequent.lineage, 'all others') AS lineage,
    sum(records)::BIGINT AS records,
    sum(sum(records)) OVER (PARTITION BY month_start)::BIGINT AS records_of_month,
    round(100 * sum(records) / sum(sum(records)) OVER (PARTITION BY month_start), 1) AS percent
FROM monthly
LEFT JOIN frequent USING (lineage)
GROUP BY month_start, frequent.lineage
ORDER BY month_start, records DESC, lineage
