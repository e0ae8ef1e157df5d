-- Only records whose collection date is a day: of a month or a year, the lag cannot be told.
SELECT
    date_trunc('month', release_date)::DATE AS release_month,
    count(*) AS records,
    round(quantile_cont(days_collection_to_release_min, 0.25))::INTEGER AS quarter_within_days,
    round(quantile_cont(days_collection_to_release_min, 0.5))::INTEGER AS half_within_days,
    round(quantile_cont(days_collection_to_release_min, 0.75))::INTEGER AS three_quarters_within_days
FROM mart.submission_lag
WHERE
    collection_date_min = collection_date_max
    AND days_collection_to_release_min >= 0
    AND /* filters */ true
GROUP BY release_month
ORDER BY release_month
