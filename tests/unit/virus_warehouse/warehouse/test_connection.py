import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from tests.support.warehouses import Store, query
from virus_warehouse.warehouse.connection import Warehouse, WarehouseLocked

HOLD_FILE = """
import sys, time
import duckdb

connection = duckdb.connect(sys.argv[1])
print("holding", flush=True)
time.sleep(float(sys.argv[2]))
connection.close()
"""

ADD_TAXON = """
import sys
from pathlib import Path
import duckdb
from virus_warehouse.warehouse.connection import Warehouse

warehouse = Warehouse(Path(sys.argv[1]), lock_timeout=120)
for _ in range(5):
    with duckdb.connect() as session, warehouse.transaction(session):
        session.execute("INSERT INTO warehouse.main.taxon SELECT count(*), 'taxon' FROM warehouse.main.taxon")
"""

CREATE_TABLE_AND_DIE = """
import os, sys
import duckdb

connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE t (i INTEGER)")
os._exit(0)
"""

COUNT_TAXA = """
import sys
import duckdb

with duckdb.connect(sys.argv[1], read_only=True) as connection:
    print(connection.execute("SELECT count(*) FROM taxon").fetchone()[0])
"""


@contextmanager
def held_by_another_process(path: Path, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """Another process has the file open."""
    command = [sys.executable, "-c", HOLD_FILE, str(path), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        try:
            yield process
        finally:
            process.kill()


def count_in_another_process(path: Path) -> int:
    """The number of taxa that another process sees."""
    counted = subprocess.run(
        [sys.executable, "-c", COUNT_TAXA, str(path)], check=True, capture_output=True, text=True, timeout=120
    )
    return int(counted.stdout)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Store(tmp_path).warehouse.path


def add_taxon(warehouse: Warehouse, tax_id: int) -> None:
    with duckdb.connect() as session, warehouse.transaction(session):
        session.execute("INSERT INTO warehouse.main.taxon VALUES (?, 'taxon')", [tax_id])


@pytest.mark.slow
def test_transaction_waits_for_the_lock_and_continues(path: Path) -> None:
    started = time.monotonic()
    with held_by_another_process(path, 0.7):
        add_taxon(Warehouse(path, lock_timeout=120), 1)
    assert time.monotonic() - started > 0.5
    assert query(path, "SELECT tax_id FROM taxon") == [(1,)]


@pytest.mark.slow
def test_transaction_times_out_and_names_the_lock_holder(path: Path) -> None:
    started = time.monotonic()
    with held_by_another_process(path, 600) as holder, pytest.raises(WarehouseLocked) as locked:
        add_taxon(Warehouse(path, lock_timeout=0.5), 1)
    assert 0.4 < time.monotonic() - started < 100
    message = str(locked.value)
    assert message.startswith(f"{path} stayed in use for ")
    assert f"PID {holder.pid}" in message
    assert "published snapshot" in message
    assert query(path, "SELECT tax_id FROM taxon") == []


@pytest.mark.slow
def test_exclusive_hold_also_waits(path: Path) -> None:
    with held_by_another_process(path, 0.5), Warehouse(path, lock_timeout=120).exclusive() as connection:
        assert connection.execute("SELECT count(*) FROM taxon").fetchone() == (0,)
    with (
        held_by_another_process(path, 600),
        pytest.raises(WarehouseLocked),
        Warehouse(path, lock_timeout=0.2).exclusive(),
    ):
        pass


@pytest.mark.slow
def test_file_is_migrated_once_the_lock_is_free(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with held_by_another_process(path, 0.5):
        add_taxon(Warehouse(path, lock_timeout=120), 1)
    assert query(path, "SELECT tax_id FROM taxon") == [(1,)]


def test_another_connection_of_this_process_also_waits(path: Path) -> None:
    release = threading.Event()
    entered = threading.Event()

    def hold() -> None:
        with duckdb.connect() as session, Warehouse(path).transaction(session):
            entered.set()
            release.wait(120)

    holder = threading.Thread(target=hold)
    holder.start()
    assert entered.wait(60)
    with pytest.raises(WarehouseLocked):
        add_taxon(Warehouse(path, lock_timeout=0.2), 1)
    threading.Timer(0.3, release.set).start()
    add_taxon(Warehouse(path, lock_timeout=120), 2)
    holder.join()
    assert query(path, "SELECT tax_id FROM taxon") == [(2,)]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_error_rolls_back_and_releases_the_file(path: Path, error: type[BaseException]) -> None:
    with duckdb.connect() as session:
        with pytest.raises(error), Warehouse(path).transaction(session):  # noqa: PT012
            session.execute("INSERT INTO warehouse.main.taxon VALUES (1, 'one')")
            raise error
        assert count_in_another_process(path) == 0
        with Warehouse(path).transaction(session):  # and the session is still usable
            session.execute("INSERT INTO warehouse.main.taxon VALUES (2, 'two')")
    assert query(path, "SELECT tax_id FROM taxon") == [(2,)]


def test_failed_statement_rolls_back(path: Path) -> None:
    insert = "INSERT INTO warehouse.main.taxon VALUES"
    with (
        duckdb.connect() as session,
        pytest.raises(duckdb.ConstraintException),
        Warehouse(path).transaction(session),
    ):
        session.execute(f"{insert} (1, 'one'); {insert} (NULL, 'none')")
    assert count_in_another_process(path) == 0


def test_readers_elsewhere_see_each_commit_between_transactions(path: Path) -> None:
    with duckdb.connect() as session:
        for number in (1, 2):
            with Warehouse(path).transaction(session):
                session.execute("INSERT INTO warehouse.main.taxon VALUES (?, 'taxon')", [number])
            assert count_in_another_process(path) == number


def test_exclusive_hold_is_exclusive_within_a_process(path: Path) -> None:
    with (
        Warehouse(path).exclusive(),
        pytest.raises(WarehouseLocked),
        Warehouse(path, lock_timeout=0.2).exclusive(),
    ):
        pass


def test_exclusive_hold_checkpoints_the_file(path: Path) -> None:
    subprocess.run([sys.executable, "-c", CREATE_TABLE_AND_DIE, str(path)], check=True)
    log = path.with_name(f"{path.name}.wal")
    assert log.exists()
    with Warehouse(path).exclusive() as connection:
        connection.execute("CHECKPOINT")
        assert not log.exists() or log.stat().st_size == 0
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_exclusive_hold_ends_with_its_block(path: Path) -> None:
    with Warehouse(path).exclusive() as connection:
        connection.execute("CHECKPOINT")
    assert count_in_another_process(path) == 0


@pytest.mark.long  # the next test's writers are serialized, too
def test_writers_are_serialized(path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", ADD_TAXON, str(path)]) for _ in range(2)]
    assert [writer.wait(200) for writer in writers] == [0, 0]
    assert query(path, "SELECT tax_id FROM taxon ORDER BY 1") == [(number,) for number in range(10)]


@pytest.mark.slow
def test_concurrent_first_users_of_a_missing_file_succeed(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    writers = [subprocess.Popen([sys.executable, "-c", ADD_TAXON, str(path)]) for _ in range(2)]
    assert [writer.wait(200) for writer in writers] == [0, 0]
    assert query(path, "SELECT tax_id FROM taxon ORDER BY 1") == [(number,) for number in range(10)]


def test_invalid_file_fails_without_waiting(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_text("no DuckDB file" * 1000)
    started = time.monotonic()
    with pytest.raises(duckdb.Error, match="not a valid DuckDB database file"):
        add_taxon(Warehouse(path, lock_timeout=600), 1)
    assert time.monotonic() - started < 100
    assert path.read_text() == "no DuckDB file" * 1000
