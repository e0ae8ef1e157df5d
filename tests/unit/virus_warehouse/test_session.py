"""A run's private DuckDB session: settings changed by a block are restored, and no error is hidden."""

from pathlib import Path

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from virus_warehouse.session import all_threads, private_session


def threads_of(session: DuckDBPyConnection) -> int:
    ((threads,),) = session.execute("SELECT current_setting('threads')").fetchall()
    return int(threads)


def test_all_threads_are_used_only_within_the_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    with private_session(tmp_path) as session:
        assert threads_of(session) == 2
        with all_threads(session):
            assert threads_of(session) == 3
        assert threads_of(session) == 2


def test_error_that_ends_the_transaction_is_raised(tmp_path: Path) -> None:
    with private_session(tmp_path) as session:
        session.execute("BEGIN TRANSACTION")
        with pytest.raises(duckdb.InvalidInputException, match="no room"), all_threads(session):
            session.execute("SELECT error('no room')").fetchall()
        session.execute("ROLLBACK")
        assert session.execute("SELECT 1").fetchall() == [(1,)]
