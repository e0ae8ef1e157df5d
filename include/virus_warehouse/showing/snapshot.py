"""The published snapshot, opened for one answer."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.sql_file import sql_text


class NoSnapshot(FileNotFoundError):
    """Nothing has been published yet."""


@contextmanager
def reading(data: DataFolder) -> Iterator[DuckDBPyConnection]:
    """A connection on which the snapshot's tables have their plain names, closed at the end.

    The snapshot is attached to a database of this connection's own: DuckDB would hand a second connection to the
    same path the file that the first one has open, though another has been published since.

    Raises:
        NoSnapshot: when nothing has been published yet.
    """
    if not data.snapshot.exists():
        raise NoSnapshot(f"nothing has been published to {data.snapshot} yet: let a source's DAG run once")
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"ATTACH {sql_text(data.snapshot)} AS s (READ_ONLY)")
        connection.execute("USE s")
        yield connection
