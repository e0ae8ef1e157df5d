"""The private DuckDB of one run: in memory, spilling to a folder of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.settings import SettingError
from virus_warehouse.sql_file import run_sql, sql_text

SessionSettings = dict[str, str | bool | int | float | list[str]]
"""Settings of DuckDB, by name, as `duckdb.connect` takes them."""

MEMORY_LIMIT, MOST_THREADS = "350MB", 3
"""DuckDB takes about 100 MB per thread: with eight threads, a load of a million records exceeds this limit."""

MOST_THREADS_GIVEN = 1000
"""What `VIRUS_THREADS` may be at most."""

MEMORY_LIMIT_OF_A_CLOSER_LOOK = "1500MB"
"""For the rare line-by-line check: one line of 16 MiB can hold a million objects."""


@contextmanager
def private_session(temporary: Path, further: SessionSettings | None = None) -> Iterator[DuckDBPyConnection]:
    """A DuckDB in memory in which a run stages its reports.

    `VIRUS_MEMORY_LIMIT` (such as `1GB`) and `VIRUS_THREADS` limit it. What does not fit is spilled: by default a run
    needs little memory, whatever the package's size, and leaves a processor for decompression.

    Args:
        temporary: folder to spill to, removed by the caller.
        further: settings of DuckDB that a warehouse needs, from `Warehouse.session_settings`.
    """
    settings: SessionSettings = {
        "temp_directory": str(temporary),
        "memory_limit": memory_limit(),
        "threads": threads_beside(1),
        **(further or {}),
    }
    session = duckdb.connect(":memory:", config=settings)
    try:
        session.execute("SET TimeZone = 'UTC'")  # as a connection setting it fails: the icu part loads later
        run_sql(session, "reports/macros.sql")
        run_sql(session, "reports/missing_values.sql")
        run_sql(session, "reports/findings.sql")
        yield session
    finally:
        session.close()


@contextmanager
def all_threads(session: DuckDBPyConnection) -> Iterator[None]:
    """Let a private session use the processor that was reserved for decompression.

    In a transaction that fails, their number stays raised, unless `kept_threads` is around the transaction.
    """
    with kept_threads(session):
        session.execute(f"SET threads = {threads_beside(0)}")
        yield


@contextmanager
def kept_threads(session: DuckDBPyConnection) -> Iterator[None]:
    """Give a session the number of threads in the end that it had before."""
    ((before,),) = session.execute("SELECT current_setting('threads')").fetchall()
    try:
        yield
    finally:
        # In a failed transaction DuckDB accepts only a rollback; the original error is the one to report.
        with suppress(duckdb.TransactionException):
            session.execute(f"SET threads = {before}")


def memory_limit() -> str:
    """DuckDB's memory limit, for a load or the check of a snapshot.

    Raises:
        SettingError: when `VIRUS_MEMORY_LIMIT` is no size.
    """
    limit = os.environ.get("VIRUS_MEMORY_LIMIT")
    if not limit:
        return MEMORY_LIMIT
    try:
        with duckdb.connect() as any_session:
            any_session.execute(f"SET memory_limit = {sql_text(limit)}")
    except duckdb.OutOfMemoryException:
        pass  # a size, but too small: the work that it is too small for says so
    except duckdb.Error as error:
        raise SettingError(
            f"VIRUS_MEMORY_LIMIT is {limit!r}; it must be a size such as {MEMORY_LIMIT} or 1.5GB"
        ) from error
    return limit


def threads_beside(others: int) -> int:
    """The number of threads of a session, beside this many other threads of the run.

    Raises:
        SettingError: when `VIRUS_THREADS` is no number of threads.
    """
    given = os.environ.get("VIRUS_THREADS")
    if not given:
        return max(1, min(MOST_THREADS, (os.cpu_count() or 1) - others))
    # DuckDB starts as many as it is asked for, and takes the machine down with a million.
    if not (given.isdecimal() and 1 <= int(given) <= MOST_THREADS_GIVEN):
        raise SettingError(f"VIRUS_THREADS is {given!r}; it must be a whole number from 1 to {MOST_THREADS_GIVEN}")
    return int(given)


@contextmanager
def closer_look(session: DuckDBPyConnection) -> Iterator[None]:
    """Give a private session more memory, unless `VIRUS_MEMORY_LIMIT` is set."""
    if os.environ.get("VIRUS_MEMORY_LIMIT"):
        yield
        return
    session.execute(f"SET memory_limit = '{MEMORY_LIMIT_OF_A_CLOSER_LOOK}'")
    try:
        yield
    finally:
        session.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
