-- How many records of each country were collected in each month.
SELECT country, date_trunc('month', collection_date_min) AS month, count(*) AS records
FROM virus_genome
GROUP BY ALL
ORDER BY ALL;
