"""The guards of a lake: each stands before a way to wrong answers, which is shown without it."""

import logging
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import duckdb_extension_httpfs
import psycopg
import pytest

from tests.support.fake_ncbi import FakeNcbi
from tests.support.followed import Followed
from tests.support.lakes import (
    LOCK_HOLDERS,
    NEEDS_LAKES,
    attach_lake,
    end_connections,
    migrated_lake,
    new_lake,
    reading_lake,
    run_in_catalog,
)
from tests.support.waiting import until
from virus_warehouse.run_file import read_state
from virus_warehouse.warehouse import lake_storage
from virus_warehouse.warehouse.connection import Warehouse, WarehouseLocked
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_catalog import CatalogUnavailable, connected
from virus_warehouse.warehouse.lake_lock import LockLost
from virus_warehouse.warehouse.lake_storage import LakeStorage, LakeUnsafe, create_secrets, load_extensions

pytestmark = [pytest.mark.slow, NEEDS_LAKES]

INSERT_UNLESS_HELD = (
    "INSERT INTO warehouse.main.taxon SELECT 1, 'a' WHERE 1 NOT IN (SELECT tax_id FROM warehouse.main.taxon)"
)
DELETE_AND_INSERT = (
    "DELETE FROM warehouse.main.taxon WHERE tax_id = 1; INSERT INTO warehouse.main.taxon VALUES (1, 'a')"
)
WRITES_ONCE = pytest.mark.parametrize(
    "write",
    [
        pytest.param(INSERT_UNLESS_HELD, id="unless held"),
        pytest.param(DELETE_AND_INSERT, id="replaced"),
    ],
)
"""Statements after which there is one row, however often they are run one after the other."""

COUNT = "SELECT count(*) FROM main.taxon"


@pytest.fixture
def lake(catalog: str, tmp_path: Path) -> LakeAddress:
    """A lake without rows."""
    return migrated_lake(catalog, tmp_path)


def attach_to_write(session: duckdb.DuckDBPyConnection, address: LakeAddress, options: str = "") -> None:
    """Attach a lake as DuckLake does it without this project."""
    load_extensions(session, address)
    create_secrets(session, address)
    session.execute(
        f"ATTACH 'ducklake:virus_warehouse_lake' AS warehouse (METADATA_SCHEMA '{address.schema}'{options})"
    )


class TestOneWriter:
    @WRITES_ONCE
    def test_without_the_lock_a_key_is_there_twice(self, lake, write):
        """What DuckLake itself allows: if this fails, the lock may no longer be needed."""
        with duckdb.connect() as first, duckdb.connect() as second:
            for session in (first, second):
                attach_to_write(session, lake)
                session.execute("BEGIN TRANSACTION")
                session.execute(write)
            first.execute("COMMIT")
            second.execute("COMMIT")
        with reading_lake(lake) as reader:
            assert reader.execute(COUNT).fetchone() == (2,)

    @WRITES_ONCE
    def test_with_the_lock_the_second_writer_waits_and_sees_the_first(self, lake, write):
        with duckdb.connect() as first, Warehouse(LakeStorage(lake)).transaction(first):
            first.execute(write)
            second = threading.Thread(target=run_in_lake, args=(lake, write))
            second.start()
            with pytest.raises(WarehouseLocked, match=r"virus-warehouse on .*, process \d+"):
                insert_unless_held(lake, lock_timeout=0.2)
        second.join(120)
        with reading_lake(lake) as reader:
            assert reader.execute(COUNT).fetchone() == (1,)

    def test_writers_that_wait_get_the_lock_in_the_order_in_which_they_came(self, lake):
        """Sixteen hosts that tried now and then left one of them without the lock for ten minutes."""
        came: list[int] = []
        writers = [
            threading.Thread(target=insert_unless_held, args=(lake, 600, partial(came.append, number)))
            for number in range(3)
        ]
        with duckdb.connect() as first, Warehouse(LakeStorage(lake)).transaction(first):
            for number, writer in enumerate(writers, start=1):
                writer.start()
                until(lambda number=number: waiting_for_locks(lake) == number, 120)
        for writer in writers:
            writer.join(120)
        assert came == [0, 1, 2]

    def test_lock_of_another_lake_in_the_database_is_another(self, lake, tmp_path):
        other = new_lake(lake.catalog.render_as_string(hide_password=False), tmp_path / "other")
        with duckdb.connect() as session, Warehouse(LakeStorage(lake)).transaction(session):
            insert_unless_held(other, lock_timeout=0)
        with reading_lake(other) as reader:
            assert reader.execute(COUNT).fetchone() == (1,)

    def test_the_lock_of_a_lost_host_ends_within_a_minute(self, lake):
        with connected(lake) as connection:
            settings = "SELECT name, setting::INTEGER FROM pg_settings WHERE name LIKE 'tcp_keepalives_%'"
            of = dict(connection.execute(settings).fetchall())
        assert 0 < of["tcp_keepalives_idle"] + of["tcp_keepalives_interval"] * of["tcp_keepalives_count"] <= 60

    def test_a_writer_that_has_lost_the_lock_commits_nothing(self, lake):
        with pytest.raises(LockLost, match="nothing was committed"):
            insert_unless_held(lake, then=lambda: end_connections(lake, LOCK_HOLDERS))
        insert_unless_held(lake)
        with reading_lake(lake) as reader:
            assert reader.execute(COUNT).fetchone() == (1,)

    def test_an_error_rolls_back_and_releases_the_lock(self, lake):
        with pytest.raises(ZeroDivisionError):
            insert_unless_held(lake, then=lambda: 1 // 0)
        with reading_lake(lake) as reader:
            assert reader.execute(COUNT).fetchone() == (0,)
        insert_unless_held(lake, lock_timeout=0)

    def test_readers_do_not_wait_and_see_what_is_committed(self, lake):
        with duckdb.connect() as writer, Warehouse(LakeStorage(lake)).transaction(writer):
            writer.execute(INSERT_UNLESS_HELD)
            with reading_lake(lake) as reader:
                assert reader.execute(COUNT).fetchone() == (0,)
        with reading_lake(lake) as reader:
            assert reader.execute(COUNT).fetchone() == (1,)

    def test_a_copy_is_of_one_moment_and_writers_do_not_wait_for_it(self, lake, tmp_path):
        copy = tmp_path / "copy.duckdb"
        with Warehouse(LakeStorage(lake)).unchanging() as state:
            insert_unless_held(lake, lock_timeout=0)
            state.copy_to(copy)
        with duckdb.connect(copy, read_only=True) as opened:
            assert opened.execute(COUNT).fetchone() == (0,)
            named = opened.execute(
                "SELECT comment FROM duckdb_functions() WHERE function_name = 'taxon_name'"
            ).fetchone()
        assert named is not None
        assert "scientific name" in named[0], "a lake has no comments on macros, a copy has"


class TestInlining:
    """DuckLake's default lets two transactions delete the same row and both commit, or crashes."""

    def test_with_it_two_deletions_of_a_row_commit_and_deleted_rows_are_read(self, catalog, tmp_path):
        """What DuckLake itself allows: if this fails, the limit may no longer be needed."""
        address = new_lake(catalog, tmp_path)
        assert delete_twice(address, "") is None
        with reading_lake(address) as reader:
            counted = reader.execute("SELECT count(*) FROM deleted").fetchone()
            read = reader.execute("SELECT number FROM deleted").fetchall()
        assert counted == (49,), "50 of 100 rows were deleted, one of them twice"
        assert len(read) == 96, "and most of them are read"

    def test_without_it_the_second_deletion_is_refused(self, catalog, tmp_path):
        address = new_lake(catalog, tmp_path)
        assert "Transaction conflict" in str(delete_twice(address, ", DATA_INLINING_ROW_LIMIT 0"))
        with reading_lake(address) as reader:
            assert reader.execute("SELECT count(*) FROM deleted").fetchone() == (99,)
            assert len(reader.execute("SELECT number FROM deleted").fetchall()) == 99

    def test_a_lake_that_may_inline_is_refused(self, lake):
        run_in_catalog(
            lake, f"UPDATE {lake.schema}.ducklake_metadata SET value = '10' WHERE key = 'data_inlining_row_limit'"
        )
        with pytest.raises(LakeUnsafe, match=r"is 10, and must be 0.*CALL warehouse.set_option"):
            insert_unless_held(lake)

    @pytest.mark.parametrize("limits", [(10, 0), (0, 10)])
    def test_a_table_that_may_be_inlined_is_refused(self, lake, limits):
        with Warehouse(LakeStorage(lake)).exclusive() as session:
            for table, limit in zip(("virus_genome", "taxon"), limits, strict=True):
                session.execute(
                    f"CALL warehouse.set_option('data_inlining_row_limit', {limit}, schema => 'main', "
                    f"table_name => '{table}')"
                )
        with pytest.raises(LakeUnsafe, match="is 10, and must be 0"):
            insert_unless_held(lake)

    def test_a_lake_of_somebody_else_is_refused(self, catalog, tmp_path):
        address = new_lake(catalog, tmp_path)
        with duckdb.connect() as session:
            attach_to_write(session, address)
        with pytest.raises(LakeUnsafe, match="is not set, and must be 0"):
            insert_unless_held(address)


class TestExtensions:
    def test_another_version_of_duckdb_is_refused(self, lake, monkeypatch):
        monkeypatch.setattr(lake_storage.duckdb, "__version__", "1.5.4")
        with pytest.raises(LakeUnsafe, match=r"DuckDB is v1\.5\.4, and duckdb-extension-\S+ is for v1\.5\.5"):
            insert_unless_held(lake)

    def test_a_missing_package_is_named(self, lake, monkeypatch):
        monkeypatch.setitem(lake_storage.EXTENSIONS, "ducklake", "duckdb_extension_missing")
        with pytest.raises(LakeUnsafe, match=r"duckdb-extension-missing is not installed. .*virus-warehouse\[lake\]"):
            insert_unless_held(lake)

    def test_nothing_is_downloaded(self, lake):
        with reading_lake(lake) as reader:
            installed = reader.execute(
                "FROM duckdb_extensions() WHERE loaded AND install_mode = 'REPOSITORY'"
            ).fetchall()
        assert installed == []

    def test_those_of_a_lake_are_the_last_unsigned_ones_of_a_session(self, lake, tmp_path):
        httpfs = next(Path(duckdb_extension_httpfs.__file__).parent.rglob("httpfs.duckdb_extension"))
        unsigned = tmp_path / httpfs.name
        unsigned.write_bytes(httpfs.read_bytes()[:-256] + bytes(256))
        with Warehouse(LakeStorage(lake)).exclusive() as session:
            with pytest.raises(duckdb.Error, match="signature is either missing or invalid"):
                session.execute(f"LOAD '{unsigned}'")
            with pytest.raises(duckdb.Error, match="allow_unsigned_extensions"):
                session.execute("SET allow_unsigned_extensions = true")

    def test_sessions_of_a_file_take_no_unsigned_ones(self, tmp_path):
        with Warehouse(tmp_path / "warehouse.duckdb").session() as session:
            assert session.execute("SELECT current_setting('allow_unsigned_extensions')").fetchall() == [(False,)]


class TestSecrets:
    def test_the_password_is_nowhere(self, catalog, tmp_path, caplog):
        caplog.set_level(logging.DEBUG)
        address = new_lake(catalog, tmp_path)
        with FakeNcbi() as ncbi:
            followed = Followed(ncbi, tmp_path / "data", LakeStorage(address))
            followed.show("PX1", 0)
            result = followed.run()
        state = read_state(followed.data.runs / f"{result.run_id}.json")
        with reading_lake(address) as reader:
            ledger = reader.execute("FROM ops.ingest_run").fetchall()
        assert address.password not in f"{state} {ledger} {caplog.text} {address} {followed.warehouse.location}"

    def test_a_wrong_password_is_explained_without_it(self, lake):
        wrong = LakeAddress(lake.catalog.set(password="secret-and-wrong"), lake.data_path, lake.schema)
        with pytest.raises(CatalogUnavailable, match="VIRUS_WAREHOUSE") as unavailable:
            insert_unless_held(wrong)
        assert "secret-and-wrong" not in str(unavailable.value)

    def test_a_session_shows_no_password(self, lake):
        with duckdb.connect() as session:
            attach_lake(session, lake)
            shown = (
                session.execute("FROM duckdb_databases()").fetchall(),
                session.execute("FROM duckdb_secrets()").fetchall(),
            )
        assert lake.password not in str(shown)


def waiting_for_locks(lake: LakeAddress) -> int:
    """How many wait for a lock of a lake."""
    with psycopg.connect(lake.catalog.render_as_string(hide_password=False)) as connection:
        row = connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone()
    return int(row[0]) if row else 0


def delete_twice(lake: LakeAddress, options: str) -> duckdb.Error | None:
    """Two transactions delete a row at once, one of them more rows, too; returns the error of the second commit."""
    with duckdb.connect() as first, duckdb.connect() as second:
        attach_to_write(first, lake, options)
        first.execute("CREATE TABLE warehouse.main.deleted AS SELECT range AS number FROM range(100)")
        attach_to_write(second, lake, options)
        for session, rows in ((first, "number = 3"), (second, "number < 50")):
            session.execute("BEGIN TRANSACTION")
            session.execute(f"DELETE FROM warehouse.main.deleted WHERE {rows}")
        first.execute("COMMIT")
        try:
            second.execute("COMMIT")
        except duckdb.Error as conflict:
            return conflict
    return None


def insert_unless_held(lake: LakeAddress, lock_timeout: float = 120, then: Callable[[], object] = lambda: None) -> None:
    """Add the taxon 1 unless it is there, and do something before the commit."""
    run_in_lake(lake, INSERT_UNLESS_HELD, lock_timeout, then)


def run_in_lake(
    lake: LakeAddress, sql: str, lock_timeout: float = 120, then: Callable[[], object] = lambda: None
) -> None:
    """Run a statement in a transaction of the product's, and do something before the commit."""
    with duckdb.connect() as session, Warehouse(LakeStorage(lake), lock_timeout=lock_timeout).transaction(session):
        session.execute(sql)
        then()
