WITH weekly AS (
    SELECT
        week_start,
        virus_tax_id,
        coalesce(virus_name, 'not stated') AS virus,
        sum(records) AS records
    FROM mart.weekly_count
    WHERE
        week_certainty = 'week'
        AND /* filters */ true
    GROUP BY ALL
),

frequent AS (
    SELECT virus_tax_id, virus FROM weekly
    GROUP BY virus_tax_id, virus
    ORDER BY sum(records) DESC, virus
    LIMIT 5
)

SELECT
    week_start,
    coalesce(frequent.virus, 'all others') AS virus,
    sum(records)::BIGINT AS records
FROM weekly
LEFT JOIN frequent
    ON weekly.virus_tax_id IS NOT DISTINCT FROM frequent.virus_tax_id AND weekly.virus = frequent.virus
GROUP BY week_start, frequent.virus
ORDER BY week_start, records DESC, virus
