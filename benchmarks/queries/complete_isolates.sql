-- Number of isolates with and without all segments.
SELECT virus_name, is_complete, count(*) AS isolates
FROM mart.segment_completeness
GROUP BY ALL;
