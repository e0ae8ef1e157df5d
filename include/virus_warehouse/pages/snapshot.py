"""The published snapshot, opened for one response."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.data_folder import DataFolder, NoSnapshot
from virus_warehouse.sql_file import sql_text

MEMORY_LIMIT = "256MB"
"""DuckDB's limit for one response, as Airflow's API server has other requests to serve. What does not fit is spilled,
which does not slow down the plots of nine million records."""


Edition = tuple[int, int]
"""Identifies a published snapshot."""


def edition(data: DataFolder) -> Edition:
    """The edition of the current snapshot: cached answers are valid as long as it does not change.

    Raises:
        NoSnapshot: when nothing has been published yet.
    """
    try:
        published = data.snapshot.stat()
    except FileNotFoundError:
        raise NoSnapshot(data) from None
    return published.st_ino, published.st_mtime_ns


@contextmanager
def reading(data: DataFolder) -> Iterator[DuckDBPyConnection]:
    """A connection on which the snapshot's tables have their plain names.

    The snapshot is attached to a new database: a second connection to the same path would reuse the file that the
    first one has open, even after a new publication.

    Raises:
        NoSnapshot: when nothing has been published yet.
    """
    if not data.snapshot.exists():
        raise NoSnapshot(data)
    with (
        tempfile.TemporaryDirectory(prefix="virus-warehouse-answer-") as spilled,
        duckdb.connect(config={"threads": 2, "memory_limit": MEMORY_LIMIT, "temp_directory": spilled}) as connection,
    ):
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH {sql_text(data.snapshot)} AS s (READ_ONLY)")
        connection.execute("USE s")
        yield connection
