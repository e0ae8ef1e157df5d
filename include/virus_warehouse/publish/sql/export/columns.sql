-- The tables of main; what chooses rows of a table that has a source, by source and accession; and each column's
-- expression per format: lists and objects are JSON in CSV, and JSON columns are text in Parquet.
SELECT
    table_name,
    CASE
        WHEN NOT bool_or(column_name = 'source' AND table_name <> '_about') THEN NULL
        WHEN starts_with(table_name, 'biosample') THEN 'selected_sample'
        ELSE 'selected_record'
    END AS chosen_by,
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
    AND database_name = current_database()
    AND table_name IN (SELECT table_name FROM duckdb_tables())
GROUP BY table_name
ORDER BY table_name;
