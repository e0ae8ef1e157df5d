WITH weekly AS (
    SELECT
        week_start,
        coalesce(virus_name, 'not stated') AS virus,
        sum(records) AS records
    FROM mart.weekly_count
    WHERE
        week_certainty = 'week'
        AND /* filters */ true
    GROUP BY ALL
),

frequent AS (
    SELECT virus FROM weekly
    GROUP BY virus
    ORDER BY sum(records) DESC, virus
    LIMIT 5
)

SELECT
    week_start,
    coalesce(frequent.virus, 'all others') AS virus,
    sum(records)::BIGINT AS records
FROM weekly
LEFT JOIN frequent USING (virus)
GROUP BY week_start, frequent.virus
ORDER BY week_start, records DESC, virus
