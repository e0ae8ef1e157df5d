-- The tables of main in an open snapshot, and whether each has a source. Tables that describe the snapshot itself, such
-- as _about, begin with an underscore.
SELECT
    table_name,
    bool_or(column_name = 'source') AS has_source
FROM duckdb_columns()
WHERE
    database_name = current_database()
    AND schema_name = 'main'
    AND NOT starts_with(table_name, '_')
    AND table_oid IN (SELECT table_oid FROM duckdb_tables() WHERE database_name = current_database())
GROUP BY table_name
ORDER BY table_name;
