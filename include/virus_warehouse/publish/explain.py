"""Derived comments on columns: their origin in the reports, and the columns of views."""

from duckdb import DuckDBPyConnection

from virus_warehouse.publish.origins import ORIGINS
from virus_warehouse.sql_file import read_sql, sql_text


def explain_columns(candidate: DuckDBPyConnection) -> None:
    """Add the origin to the comments of columns, and copy comments to the columns of views that have none.

    View columns that show a table column unchanged share its comment, so that the two cannot contradict each other.

    Args:
        candidate: from `open_candidate`.
    """
    meanings = {(table, column): comment for table, column, comment in candidate.execute(_COMMENTS).fetchall()}
    origins = (
        _comment("main", table, column, f"{meanings[table, column]} [{report}: {path}]")
        for table, (report, paths) in ORIGINS.items()
        for column, path in paths.items()
    )
    candidate.begin()
    candidate.execute(";".join(origins))
    silent = candidate.execute(read_sql("publish/sql/silent_view_columns.sql")).fetchall()
    candidate.execute(";".join(_comment(*column) for column in silent))
    candidate.commit()


_COMMENTS = "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'main'"


def _comment(schema: str, relation: str, column: str, comment: str) -> str:
    return f'COMMENT ON COLUMN "{schema}"."{relation}"."{column}" IS {sql_text(comment)}'
