-- Surveillance: How long do genomes take from collection to release, and until we see them?
-- A date such as `2026-03` gives bounds: the median of the fewest and of the most days. The last columns show how many
-- records NCBI listed later than their release date, and by how many days at most, which is why a run looks back 14
-- days.
SELECT
    country,
    count(*) AS genomes,
    median(days_collection_to_release_min)::INTEGER AS median_days_at_least,
    median(days_collection_to_release_max)::INTEGER AS median_days_at_most,
    count(*) FILTER (days_release_to_first_seen > 1) AS shown_late,
    max(days_release_to_first_seen) AS latest_days
FROM mart.submission_lag
WHERE country IS NOT NULL
GROUP BY country
ORDER BY genomes DESC, country;
