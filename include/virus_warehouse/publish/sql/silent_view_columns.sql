-- View columns without a comment, with the comment of the table column of the same name in main; virus_genome's comes
-- first.
WITH table_column AS (
    SELECT explained.column_name, arg_min(explained.comment, explained.table_name <> 'virus_genome') AS comment
    FROM duckdb_columns() AS explained
    WHERE
        explained.table_oid IN (SELECT table_oid FROM duckdb_tables() WHERE schema_name = 'main')
        AND explained.comment IS NOT NULL
    GROUP BY explained.column_name
)

SELECT silent.schema_name, silent.table_name, silent.column_name, table_column.comment
FROM duckdb_columns() AS silent
INNER JOIN duckdb_views() AS view_ ON silent.table_oid = view_.view_oid AND NOT view_.internal
INNER JOIN table_column USING (column_name)
WHERE silent.comment IS NULL
ORDER BY ALL;
