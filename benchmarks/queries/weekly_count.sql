-- Records by week, country, virus and host. Partial dates are in no week.
SELECT week_start, country, virus_tax_id, host_tax_id, sum(records)::BIGINT AS records
FROM mart.weekly_count
GROUP BY ALL;
