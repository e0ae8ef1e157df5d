-- Only records with an exact day of collection, because a month or a year gives no lag in days.
WITH released AS (
    SELECT
        date_trunc('month', release_date)::DATE AS release_month,
        count(*) AS records,
        quantile_cont(days_collection_to_release_min::INTEGER, [0.25, 0.5, 0.75]) AS quarters
    FROM mart.submission_lag
    WHERE
        collection_date_min = collection_date_max
        AND days_collection_to_release_min >= 0
        AND /* filters */ true
    GROUP BY release_month
)

SELECT
    release_month,
    records,
    round(quarters[1])::INTEGER AS quarter_within_days,
    round(quarters[2])::INTEGER AS half_within_days,
    round(quarters[3])::INTEGER AS three_quarters_within_days
FROM released
ORDER BY release_month
