-- A row per source, as published.
SELECT * FROM mart.source_status ORDER BY source;
