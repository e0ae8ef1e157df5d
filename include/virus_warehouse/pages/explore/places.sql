SELECT
    coalesce(country, 'not stated') AS country,
    sum(records)::BIGINT AS records,
    round(100 * sum(records) / sum(sum(records)) OVER (), 1) AS percent,
    count(DISTINCT virus_tax_id) AS viruses,
    sum(sum(records)) OVER ()::BIGINT AS all_records
FROM mart.weekly_count
WHERE
    /* filters */ true
GROUP BY mart.weekly_count.country
ORDER BY records DESC, country
LIMIT 25
