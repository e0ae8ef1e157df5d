SELECT DISTINCT country
FROM mart.weekly_count
WHERE country IS NOT NULL
ORDER BY country
