"""The published snapshot, opened for one answer."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.sql_file import sql_text

MEMORY_LIMIT = "256MB"
"""What DuckDB may take for one answer: Airflow's API server has others to serve. What does not fit is spilled, and the
plots of nine million records take no longer for it."""


class NoSnapshot(FileNotFoundError):
    """Nothing has been published yet.

    Args:
        data: where it would be.
    """

    def __init__(self, data: DataFolder) -> None:
        super().__init__(f"nothing has been published to {data.snapshot} yet: let a source's DAG run once")


Edition = tuple[int, int]
"""What tells a published snapshot from those before and after it."""


def edition(data: DataFolder) -> Edition:
    """Which snapshot is published now: what is kept of an answer holds as long as that does not change.

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
    """A connection on which the snapshot's tables have their plain names, closed at the end.

    The snapshot is attached to a database of this connection's own: DuckDB would hand a second connection to the
    same path the file that the first one has open, though another has been published since.

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
