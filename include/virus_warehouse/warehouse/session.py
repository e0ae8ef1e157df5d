"""The private DuckDB of one run: in memory, spilling to a folder of its own, forgotten at the end."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import run_sql


@contextmanager
def private_session(temporary: Path) -> Iterator[DuckDBPyConnection]:
    """A DuckDB in memory in which a run stages its reports.

    `VIRUS_MEMORY_LIMIT` (such as `1GB`) and `VIRUS_THREADS` bound it; DuckDB's own defaults, most of the
    machine, apply otherwise.

    Args:
        temporary: folder to spill to; whoever made it removes it.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {"temp_directory": str(temporary)}
    if memory_limit := os.environ.get("VIRUS_MEMORY_LIMIT"):
        settings["memory_limit"] = memory_limit
    if threads := os.environ.get("VIRUS_THREADS"):
        settings["threads"] = threads
    session = duckdb.connect(":memory:", config=settings)
    try:
        session.execute("SET TimeZone = 'UTC'")  # as a connection setting it fails: the icu part loads later
        run_sql(session, "reports/macros.sql")
        run_sql(session, "reports/line_macros.sql")
        yield session
    finally:
        session.close()
