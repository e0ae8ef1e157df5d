"""A run's private DuckDB: what a block changes of it is as before afterwards, and hides no error."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from virus_warehouse.warehouse.session import all_threads, one_thread, private_session

Threads = Callable[[DuckDBPyConnection], AbstractContextManager[None]]


def threads_of(session: DuckDBPyConnection) -> int:
    ((threads,),) = session.execute("SELECT current_setting('threads')").fetchall()
    return int(threads)


@pytest.mark.parametrize(("threads", "within"), [(all_threads, 3), (one_thread, 1)])
def test_threads_are_others_within_the_block_alone(
    threads: Threads, within: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    with private_session(tmp_path) as session:
        assert threads_of(session) == 2
        with threads(session):
            assert threads_of(session) == within
        assert threads_of(session) == 2


@pytest.mark.parametrize("threads", [all_threads, one_thread])
def test_error_that_ends_the_transaction_is_the_one_that_is_told(threads: Threads, tmp_path: Path) -> None:
    with private_session(tmp_path) as session:
        session.execute("BEGIN TRANSACTION")
        with pytest.raises(duckdb.InvalidInputException, match="no room"), threads(session):
            session.execute("SELECT error('no room')").fetchall()
        session.execute("ROLLBACK")
        assert session.execute("SELECT 1").fetchall() == [(1,)]
