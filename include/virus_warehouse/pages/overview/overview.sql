-- A row a source, as it was published.
SELECT * FROM mart.source_status ORDER BY source;
