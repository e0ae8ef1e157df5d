WITH weekly AS (
    SELECT
        week_start,
        coalesce(country, 'not stated') AS country,
        sum(records) AS records
    FROM mart.weekly_count
    WHERE
        week_certainty = 'week'
        AND /* filters */ true
    GROUP BY ALL
),

frequent AS (
    SELECT country FROM weekly
    GROUP BY country
    ORDER BY sum(records) DESC, country
    LIMIT 5
)

SELECT
    week_start,
    coalesce(frequent.country, 'all others') AS country,
    sum(records)::BIGINT AS records
FROM weekly
LEFT JOIN frequent USING (country)
GROUP BY week_start, frequent.country
ORDER BY week_start, records DESC, country
