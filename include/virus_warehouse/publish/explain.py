"""Comments on columns that follow from what is told elsewhere: where reports fill them, and what views show."""

from duckdb import DuckDBPyConnection

from virus_warehouse.publish.origins import ORIGINS
from virus_warehouse.sql_file import read_sql, sql_text


def explain_columns(candidate: DuckDBPyConnection) -> None:
    """Tell in their comments where columns come from, and give silent columns of views those of the tables they show.

    A view that shows a column of a record as it is need not explain it again: one text cannot contradict itself.

    Args:
        candidate: from `open_candidate`.
    """
    candidate.begin()
    for table, (report, paths) in ORIGINS.items():
        meanings = dict(candidate.execute(_COMMENTS, [table]).fetchall())
        for column, path in paths.items():
            _comment(candidate, "main", table, column, f"{meanings[column]} [{report}: {path}]")
    silent = candidate.execute(read_sql("publish/sql/silent_view_columns.sql")).fetchall()
    for schema, view, column, comment in silent:
        _comment(candidate, schema, view, column, comment)
    candidate.commit()


_COMMENTS = "SELECT column_name, comment FROM duckdb_columns() WHERE schema_name = 'main' AND table_name = ?"


def _comment(connection: DuckDBPyConnection, schema: str, relation: str, column: str, comment: str) -> None:
    connection.execute(f'COMMENT ON COLUMN "{schema}"."{relation}"."{column}" IS {sql_text(comment)}')
