-- Surveillance: How precise are the collection dates, and how wrong would a naive count be?
-- `2026-03` allows 31 days and `2025` a whole year: `collection_date_min` and `collection_date_max` are the bounds.
-- Casting the text to a date puts all of them on the first day (the last column), which creates artificial peaks.
SELECT
    coalesce(collection_date_precision, 'unknown') AS precision,
    count(*) AS genomes,
    round(100 * count(*) / sum(count(*)) OVER (), 1) AS percent,
    max(collection_date_max - collection_date_min + 1) AS most_days_allowed,
    count(*) FILTER (collection_date_max > collection_date_min) AS put_on_a_first_day
FROM virus_genome_distinct
GROUP BY collection_date_precision
ORDER BY genomes DESC;
