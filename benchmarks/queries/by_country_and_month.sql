-- How many records of each country were collected in each month, partial dates counted with their first day.
SELECT country, date_trunc('month', collection_date_min)::DATE AS month, count(*) AS records
FROM virus_genome
GROUP BY ALL
ORDER BY ALL;
