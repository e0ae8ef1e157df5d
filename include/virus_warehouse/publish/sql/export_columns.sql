-- The tables of main, whether they have a source, and each column's expression per format: lists and objects are JSON
-- in CSV, and JSON columns are text in Parquet.
SELECT
    table_name,
    bool_or(column_name = 'source' AND table_name <> '_about') AS has_source,
    list({
        'parquet': CASE data_type WHEN 'JSON' THEN name || '::VARCHAR AS ' || name ELSE name END,
        'csv': CASE
            WHEN data_type LIKE '%]' OR data_type LIKE 'STRUCT(%'
                THEN 'to_json(' || name || ') AS ' || name
            ELSE name
        END
    } ORDER BY column_index) AS columns
FROM (SELECT *, '"' || column_name || '"' AS name FROM duckdb_columns())
WHERE
    schema_name = 'main'
    AND table_name IN (SELECT table_name FROM duckdb_tables())
GROUP BY table_name
ORDER BY table_name;
