SELECT
    coalesce(host_name, 'not stated') AS host,
    sum(records)::BIGINT AS records,
    round(100 * sum(records) / sum(sum(records)) OVER (), 1) AS percent,
    count(DISTINCT virus_tax_id) AS viruses,
    sum(sum(records)) OVER ()::BIGINT AS all_records
FROM mart.weekly_count
WHERE
    /* filters */ true
GROUP BY host_tax_id, host_name
ORDER BY records DESC, host
LIMIT 20
