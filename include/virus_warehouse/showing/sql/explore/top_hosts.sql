SELECT
    coalesce(host_name, 'not stated') AS host,
    sum(records)::BIGINT AS records,
    count(DISTINCT virus_tax_id) AS viruses
FROM mart.weekly_count
WHERE
    /* filters */ true
GROUP BY host_name
ORDER BY records DESC, host
LIMIT 20
