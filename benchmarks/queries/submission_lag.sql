-- Median time from collection to release, by country.
SELECT country, median(days_collection_to_release_min) AS fewest, median(days_collection_to_release_max) AS most
FROM mart.submission_lag
GROUP BY country;
