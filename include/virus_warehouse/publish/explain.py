"""Comments on the columns of views, from the tables that they show."""

from pathlib import Path

import duckdb

from virus_warehouse.private_files import without_world_access
from virus_warehouse.shortage import shortages_told
from virus_warehouse.sql_file import read_sql, sql_text


@without_world_access()
def explain_columns(candidate: Path) -> None:
    """Give the columns of views that have no comment the one of the table column of their name.

    A view that shows a column of a record as it is need not explain it again: one text cannot contradict itself.

    Args:
        candidate: a snapshot that is not published yet.

    Raises:
        DiskFull: when there is no space for it.
    """
    with shortages_told(candidate.parent), duckdb.connect(candidate) as connection:
        silent = connection.execute(read_sql("publish/sql/silent_view_columns.sql")).fetchall()
        for schema, view, column, comment in silent:
            connection.execute(f'COMMENT ON COLUMN "{schema}"."{view}"."{column}" IS {sql_text(comment)}')
