SELECT
    virus_tax_id,
    virus_name,
    sum(records)::BIGINT AS records
FROM mart.weekly_count
GROUP BY virus_tax_id, virus_name
ORDER BY records DESC, virus_name
LIMIT 100
