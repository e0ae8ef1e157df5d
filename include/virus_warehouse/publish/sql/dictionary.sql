-- The tables, views and macros of a snapshot with their comments and columns; virus_genome first, since other tables
-- share its columns.
WITH relation AS (
    SELECT schema_name, table_name AS name, 'table' AS kind, []::VARCHAR[] AS parameters, comment, table_oid
    FROM duckdb_tables()
    UNION ALL
    SELECT schema_name, view_name, 'view', [], comment, view_oid
    FROM duckdb_views()
    WHERE NOT internal
    UNION ALL
    SELECT schema_name, function_name, replace(function_type, '_', ' '), parameters, comment, NULL
    FROM duckdb_functions()
    WHERE NOT internal
),

explained AS (
    SELECT table_oid, list((column_name, data_type, comment) ORDER BY column_index) AS columns
    FROM duckdb_columns()
    WHERE NOT internal
    GROUP BY table_oid
)

SELECT
    relation.schema_name,
    relation.name,
    relation.kind,
    relation.parameters,
    coalesce(relation.comment, ''),
    coalesce(explained.columns, [])
FROM relation
LEFT JOIN explained USING (table_oid)
ORDER BY
    relation.schema_name,
    relation.name <> 'virus_genome',
    relation.name;
