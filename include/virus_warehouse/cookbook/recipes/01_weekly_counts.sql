-- Surveillance: How many genomes were collected in each week, by country and virus?
-- Weeks are ISO 8601 weeks, from Monday. A genome counts in a week only if all its possible collection dates are in
-- that week; the others are `unsure`, in rows of their own with their possible span. Here from September 2026 on.
SELECT
    coalesce(iso_week, 'unsure') AS week,
    span_start,
    span_end,
    country,
    virus_name,
    sum(records) AS genomes
FROM mart.weekly_count
WHERE span_end >= DATE '2026-09-01'
GROUP BY iso_week, span_start, span_end, country, virus_name
ORDER BY iso_week DESC NULLS FIRST, span_start, country, virus_name;
