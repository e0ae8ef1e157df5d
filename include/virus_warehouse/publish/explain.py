"""Comments on columns that follow from what is told elsewhere: where reports fill them, and what views show."""

from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.private_files import without_world_access
from virus_warehouse.publish.origins import ORIGINS
from virus_warehouse.shortage import shortages_told
from virus_warehouse.sql_file import read_sql, sql_text


@without_world_access()
def explain_columns(candidate: Path) -> None:
    """Tell in their comments where columns come from, and give silent columns of views those of the tables they show.

    A view that shows a column of a record as it is need not explain it again: one text cannot contradict itself.

    Args:
        candidate: a snapshot that is not published yet.

    Raises:
        DiskFull: when there is no space for it.
    """
    with shortages_told(candidate.parent), duckdb.connect(candidate) as connection:
        connection.begin()
        for table, (report, paths) in ORIGINS.items():
            meanings = dict(connection.execute(_COMMENTS, [table]).fetchall())
            for column, path in paths.items():
                _comment(connection, "main", table, column, f"{meanings[column]} [{report}: {path}]")
        silent = connection.execute(read_sql("publish/sql/silent_view_columns.sql")).fetchall()
        for schema, view, column, comment in silent:
            _comment(connection, schema, view, column, comment)
        connection.commit()


_COMMENTS = "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = ?"


def _comment(connection: DuckDBPyConnection, schema: str, relation: str, column: str, comment: str) -> None:
    connection.execute(f'COMMENT ON COLUMN "{schema}"."{relation}"."{column}" IS {sql_text(comment)}')
