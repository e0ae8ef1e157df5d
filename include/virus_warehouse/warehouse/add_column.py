"""Adding a column at a given position, for migrations: DuckDB itself adds columns only at the end."""

import sqlalchemy as sa

from virus_warehouse.sql_file import sql_text

_COLUMNS = """
    SELECT column_name, data_type, is_nullable, comment
    FROM duckdb_columns()
    WHERE database_name = current_database() AND schema_name = 'main' AND table_name = $1
    ORDER BY column_index
"""
_COMMENT = """
    SELECT comment FROM duckdb_tables()
    WHERE database_name = current_database() AND schema_name = 'main' AND table_name = $1
"""


def add_column(connection: sa.Connection, table: str, after: str, name: str, kind: str, comment: str) -> None:
    """Rewrite a table of the schema main with one more column, NULL in every row.

    Args:
        connection: within the transaction of a migration.
        table: name of the table. Other changes of the same migration are kept.
        after: the preceding column.
        name: name of the new column.
        kind: its DuckDB type.
        comment: its comment.
    """
    held = [tuple(row) for row in connection.exec_driver_sql(_COLUMNS, (table,))]
    place = [column[0] for column in held].index(after) + 1
    columns = [*held[:place], (name, kind, True, comment), *held[place:]]
    table_comment = connection.exec_driver_sql(_COMMENT, (table,)).scalar()
    defined = ", ".join(
        f'"{column}" {data_type}{"" if nullable else " NOT NULL"}' for column, data_type, nullable, _ in columns
    )
    connection.exec_driver_sql(f"CREATE TABLE {table}_new ({defined})")
    connection.exec_driver_sql(f"INSERT INTO {table}_new BY NAME FROM {table}")
    connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql(f"ALTER TABLE {table}_new RENAME TO {table}")
    if table_comment:
        connection.exec_driver_sql(f"COMMENT ON TABLE {table} IS {sql_text(table_comment)}")
    for column, _, _, column_comment in columns:
        if column_comment:
            connection.exec_driver_sql(f'COMMENT ON COLUMN {table}."{column}" IS {sql_text(column_comment)}')
