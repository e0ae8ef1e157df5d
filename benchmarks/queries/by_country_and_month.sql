-- Number of records by country and month of collection. Partial dates count with their first day.
SELECT country, date_trunc('month', collection_date_min)::DATE AS month, count(*) AS records
FROM virus_genome
GROUP BY ALL
ORDER BY ALL;
