"""A warehouse is copied from a file to a lake and back with every row, or says what is wrong."""

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.integration.test_kept_data_folder import ZIPS
from tests.integration.test_kept_data_folder import catalog as catalog_of_file
from tests.support.fake_ncbi import FakeNcbi, World
from tests.support.followed import FIRST_DAY, Followed
from tests.support.kept_data_folder import FOLDER, FOLLOWED
from tests.support.killed_maintenance import HALF_COPIED, LAST_COPIED, MIGRATE_MOMENTS, stopped
from tests.support.lakes import NEEDS_LAKES, migrated_lake, new_lake, reading_lake
from tests.support.program import command
from tests.support.tiers import some_of
from virus_warehouse import transfer as transferring
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.failure import UsageError
from virus_warehouse.publish.publication import publish
from virus_warehouse.run_file import run_lock
from virus_warehouse.transfer import CopyDiffers, RunWorking, TargetRefused, transfer
from virus_warehouse.warehouse import ledger, migrate
from virus_warehouse.warehouse.connection import Warehouse, warehouse_at
from virus_warehouse.warehouse.incomplete_copy import IncompleteCopy
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_storage import LakeStorage
from virus_warehouse.warehouse.table_copy import TableName, tables_in

pytestmark = [pytest.mark.slow, NEEDS_LAKES]

OF_A_TYPE = {
    "VARCHAR": "'it''s [a, b]'",
    "BIGINT": "7",
    "BLOB": r"'\xAA\x00'::BLOB",
    "BOOLEAN": "true",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ '2026-01-02 03:04:05.678901+00'",
}
"""A value for a column of a table that no run has filled."""

Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """A data folder whose warehouse has rows in every table; tests copy it.

    It is one that was kept, because to fill one takes fifteen runs; this version has migrated it.
    """
    folder = tmp_path_factory.mktemp("filled")
    with zipfile.ZipFile(ZIPS[-1]) as archive:
        archive.extractall(folder)
    data = DataFolder(folder / FOLDER)
    with duckdb.connect() as session, Warehouse(data.warehouse).transaction(session):
        for table in tables_in(session, "warehouse"):
            name = table.within("warehouse")
            if session.execute(f"FROM {name} LIMIT 1").fetchall() == []:
                columns = session.execute(f"DESCRIBE {name}").fetchall()
                values = ", ".join(OF_A_TYPE.get(kind, "NULL") for _, kind, *_ in columns)
                session.execute(f"INSERT INTO {name} VALUES ({values})")
    return data


@pytest.fixture
def data(filled: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    root = tmp_path / "data"
    shutil.copytree(filled.root, root, symlinks=True)
    monkeypatch.setenv("VIRUS_DATA", str(root))
    monkeypatch.delenv("VIRUS_WAREHOUSE", raising=False)
    return DataFolder(root)


@pytest.fixture
def lake(catalog: str, tmp_path: Path) -> LakeAddress:
    return new_lake(catalog, tmp_path)


@contextmanager
def reading(place: Path | LakeAddress) -> Iterator[duckdb.DuckDBPyConnection]:
    if isinstance(place, LakeAddress):
        with reading_lake(place) as session:
            yield session
        return
    with duckdb.connect() as session:
        session.execute(f"ATTACH '{place}' AS warehouse (READ_ONLY); USE warehouse; SET TimeZone = 'UTC'")
        yield session


def rows_of(place: Path | LakeAddress) -> Rows:
    """All rows, and the schema revision."""
    with reading(place) as session:
        names = [*tables_in(session, "warehouse"), TableName("ops", "alembic_version")]
        return {str(name): sorted(session.execute(f"FROM {name}").fetchall(), key=repr) for name in names}


def copy(data: DataFolder, source: Path | LakeAddress, target: Path | LakeAddress) -> transferring.Transferred:
    return transfer(warehouse_at(source), warehouse_at(target), data)


def assert_it_works(data: DataFolder, place: Path | LakeAddress, tmp_path: Path) -> None:
    """Runs, a census, a publication and a question about the past work on a warehouse, beside a data folder."""
    own = DataFolder(tmp_path / f"beside-{type(place).__name__}")
    shutil.copytree(data.root, own.root)
    warehouse = warehouse_at(place)
    with FakeNcbi() as ncbi:
        ncbi.world = World()
        followed = Followed(ncbi, tmp_path / "unused", warehouse.storage)
        followed.data = own
        followed.show("PX1", 80, length=9)
        followed.show("PX200", 80)
        result = followed.run()
        assert result.mode == "incremental", "the watermark came along"
        assert (result.counts["inserted"], result.counts["revised"]) == (1, 1)
        for number in range(12):
            followed.show(f"PX{number}", number % 3)
        followed.run(mode="census")
        publish(warehouse, own, FOLLOWED)
    with duckdb.connect(own.snapshot, read_only=True) as snapshot:
        assert snapshot.execute("SELECT count(*) FROM virus_genome WHERE accession = 'PX200'").fetchall() == [(1,)]
        [(first, now)] = snapshot.execute("SELECT min(valid_from), now() FROM virus_genome_history").fetchall()
        as_of = "SELECT count(*) > 0 FROM virus_genome_as_of(?)"
        for moment in (first, now):
            assert snapshot.execute(as_of, [moment]).fetchall() == [(True,)]


def test_from_a_file_to_a_lake_and_back_every_row_is_the_same_and_the_lake_works(data, lake, tmp_path):
    original = rows_of(data.warehouse)
    assert all(original.values()), "every table has rows"
    before = data.warehouse.read_bytes()
    done = copy(data, data.warehouse, lake)
    assert len(done.copied) == len(done.rows) == len(original) - 1
    assert sum(done.rows.values()) == sum(map(len, original.values())) - 1
    assert data.warehouse.read_bytes() == before, "the old place is untouched"
    assert rows_of(lake) == original
    back = tmp_path / "elsewhere/warehouse.duckdb"
    copy(data, lake, back)
    assert rows_of(back) == original
    assert catalog_of_file(back) == catalog_of_file(data.warehouse), "comments, views and macros, too"
    assert_it_works(data, lake, tmp_path)


@pytest.mark.long  # the file is the same as the one before, which works in `test_kept_data_folder.py`
def test_a_file_that_was_a_lake_works(data, lake, tmp_path):
    back = tmp_path / "elsewhere/warehouse.duckdb"
    copy(data, data.warehouse, lake)
    copy(data, lake, back)
    assert_it_works(data, back, tmp_path)


def test_the_command_says_what_to_set_and_no_password(data, lake, tmp_path):
    done = command("migrate", "--to", lake.setting)
    assert done.returncode == 0, done.stderr
    assert f"to {lake.shown_setting}" in done.stdout
    assert ":***@" in done.stdout
    assert f"{data.warehouse} is as it was" in done.stdout
    again = command("migrate", "--to", lake.setting)
    assert again.returncode == 0, again.stderr
    assert "copied now: 0." in again.stdout
    back = command("migrate", "--to", str(tmp_path / "back.duckdb"), VIRUS_WAREHOUSE=lake.setting)
    assert back.returncode == 0, back.stderr
    assert f"to {tmp_path / 'back.duckdb'}" in back.stdout
    assert lake.password not in done.stdout + done.stderr + again.stdout + again.stderr + back.stdout + back.stderr
    assert rows_of(tmp_path / "back.duckdb") == rows_of(data.warehouse)


@pytest.mark.long
def test_a_password_in_the_environment_is_enough(data, lake, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", lake.password)
    without = lake.setting.replace(f":{lake.password}@", "@")
    done = command("migrate", "--to", without)
    assert done.returncode == 0, done.stderr
    assert rows_of(lake) == rows_of(data.warehouse)


@pytest.mark.parametrize("kind", ["lake", "file"])
@pytest.mark.parametrize("moment", some_of(MIGRATE_MOMENTS, one_in=5, first=2))
def test_a_killed_copy_is_no_warehouse_and_goes_on(data, lake, tmp_path, moment, kind):
    place = lake if kind == "lake" else tmp_path / "copy.duckdb"
    setting = warehouse_at(place).storage.setting
    with stopped("migrate", moment, setting if kind == "lake" else place, data.root) as process:
        process.kill()
    if moment == "before anything is written":
        assert not warehouse_at(place).storage.exists()
    else:
        assert_refused(place, setting, tmp_path)
    original = rows_of(data.warehouse)
    done = copy(data, data.warehouse, place)
    assert rows_of(place) == original
    names = [str(table) for table in done.copied]
    if moment in ("before anything is written", "before a table is copied"):
        assert len(names) == len(original) - 1
    elif moment == "within a table":
        assert HALF_COPIED in names, "a table that was copied in part begins again"
        assert "main.taxon" not in names, "a table that was copied is not copied again"
    elif moment == "between two tables":
        assert HALF_COPIED not in names
        assert LAST_COPIED in names
    else:
        assert names == []


def assert_refused(place: Path | LakeAddress, setting: str, tmp_path: Path) -> None:
    refused = pytest.raises(IncompleteCopy, match="virus-warehouse migrate --to")
    with refused, duckdb.connect() as session, warehouse_at(place).transaction(session):
        pass
    for arguments in (["publish"], ["housekeeping"], ["backup", str(tmp_path / "backups")], ["doctor"]):
        done = command(*arguments, VIRUS_WAREHOUSE=setting, NCBI_DATASETS_URL="http://127.0.0.1:9")
        assert done.returncode != 0, arguments
        if isinstance(place, Path) or arguments != ["backup", str(tmp_path / "backups")]:
            assert "incomplete copy of" in done.stdout + done.stderr, arguments


@pytest.mark.long
def test_what_was_loaded_between_two_tries_is_copied(data, lake):
    with stopped("migrate", "before it is complete", lake.setting, data.root) as process:
        process.kill()
    with duckdb.connect() as session, Warehouse(data.warehouse).transaction(session):
        session.execute("UPDATE warehouse.main.taxon SET name = 'renamed' WHERE tax_id = 10244")
    done = copy(data, data.warehouse, lake)
    assert [str(table) for table in done.copied] == ["main.taxon"]
    assert rows_of(lake) == rows_of(data.warehouse)


class TestRefused:
    """Nothing is changed, and the message says what to do."""

    def test_a_working_run(self, data, tmp_path):
        with duckdb.connect() as session, Warehouse(data.warehouse).transaction(session):
            session.execute(
                "UPDATE warehouse.ops.ingest_run SET status = 'running' WHERE run_id = "
                "(SELECT max(run_id) FROM warehouse.ops.ingest_run)"
            )
            [run_id] = ledger.open_runs(session)
        place = tmp_path / "copy.duckdb"
        with run_lock(data.runs, run_id), pytest.raises(RunWorking, match=f"{run_id} would commit after"):
            copy(data, data.warehouse, place)
        assert not place.exists()
        copy(data, data.warehouse, place)  # a dead one is closed by the next run, wherever that is

    def test_a_working_run_of_another_host_in_a_lake(self, data, catalog, tmp_path):
        lake = migrated_lake(catalog, tmp_path)
        with duckdb.connect() as session, Warehouse(LakeStorage(lake)).transaction(session):
            ledger.insert(
                session,
                {
                    "run_id": "elsewhere",
                    "source": "mpox",
                    "mode": "full",
                    "fingerprint": "f",
                    "status": "running",
                    "started_at": FIRST_DAY,
                },
            )
        with LakeStorage(lake).hold_run("elsewhere"), pytest.raises(RunWorking, match="elsewhere would commit after"):
            copy(data, lake, tmp_path / "back.duckdb")

    def test_no_warehouse(self, data, lake, tmp_path):
        with pytest.raises(UsageError, match="nothing to migrate"):
            copy(data, tmp_path / "none.duckdb", lake)

    def test_the_same_place(self, data, catalog, tmp_path):
        (tmp_path / "link.duckdb").symlink_to(data.warehouse)
        with pytest.raises(UsageError, match="is the warehouse itself"):
            copy(data, data.warehouse, tmp_path / "link.duckdb")
        lake = migrated_lake(catalog, tmp_path)
        with pytest.raises(UsageError, match="is the warehouse itself"):
            copy(data, lake, lake)

    def test_files_of_another_lake(self, data, catalog, tmp_path):
        lake = migrated_lake(catalog, tmp_path)
        beside = LakeAddress(lake.catalog, f"{lake.data_path}/below", "another_schema")
        with pytest.raises(UsageError, match="housekeeping of one would remove the files of the other"):
            copy(data, lake, beside)

    def test_the_snapshot(self, data):
        with pytest.raises(UsageError, match="is the published snapshot"):
            copy(data, data.warehouse, data.snapshot)

    @pytest.mark.parametrize("kind", some_of(["lake", "file"], one_in=2))
    def test_a_warehouse_with_other_rows(self, data, catalog, tmp_path, kind):
        if kind == "lake":
            place: Path | LakeAddress = migrated_lake(catalog, tmp_path)
        else:
            place = tmp_path / "other.duckdb"
            migrate.upgrade(tmp_path / "other.duckdb")
        with pytest.raises(TargetRefused, match=r"is a warehouse with other rows in main\.biosample"):
            copy(data, data.warehouse, place)
        assert rows_of(place)["main.taxon"] == []

    def test_a_warehouse_of_another_schema(self, data, tmp_path):
        place = tmp_path / "other.duckdb"
        migrate.upgrade(place)
        with duckdb.connect(place) as connection:
            connection.execute("UPDATE ops.alembic_version SET version_num = '0010'")
        with pytest.raises(TargetRefused, match="is a warehouse of schema revision 0010"):
            copy(data, data.warehouse, place)

    def test_something_else(self, data, tmp_path):
        file = tmp_path / "other.duckdb"
        file.write_text("notes")
        with pytest.raises(TargetRefused, match="is no DuckDB file"):
            copy(data, data.warehouse, file)
        file.unlink()
        with duckdb.connect(file) as connection:
            connection.execute("CREATE TABLE notes (note VARCHAR)")
        with pytest.raises(TargetRefused, match="none of a warehouse"):
            copy(data, data.warehouse, file)

    def test_a_table_that_was_added_by_hand(self, data, tmp_path):
        with duckdb.connect(data.warehouse) as connection:
            connection.execute("CREATE TABLE notes (note VARCHAR)")
        with pytest.raises(TargetRefused, match=r"main\.notes\.note VARCHAR"):
            copy(data, data.warehouse, tmp_path / "copy.duckdb")

    def test_an_incomplete_copy_of_another_warehouse(self, data, tmp_path):
        place = tmp_path / "copy.duckdb"
        with stopped("migrate", "between two tables", place, data.root) as process:
            process.kill()
        other = tmp_path / "other.duckdb"
        migrate.upgrade(other)
        with pytest.raises(TargetRefused, match=f"is an incomplete copy of {data.warehouse}"):
            copy(data, other, place)
        with pytest.raises(IncompleteCopy):
            copy(data, place, tmp_path / "third.duckdb")

    @pytest.mark.parametrize("kind", ["file", pytest.param("lake", marks=pytest.mark.long)])
    def test_a_copy_that_differs(self, data, lake, tmp_path, monkeypatch, kind):
        place = lake if kind == "lake" else tmp_path / "copy.duckdb"

        def lossy(session: duckdb.DuckDBPyConnection, table: TableName, target: str) -> None:
            name = table.within(target)
            session.execute(f"INSERT INTO {name} BY NAME FROM {table.within('warehouse')}")
            if str(table) == HALF_COPIED:
                session.execute(f"UPDATE {name} SET bioprojects = [] WHERE bioprojects IS NULL")

        with monkeypatch.context() as patch:
            patch.setattr(transferring, "copy_table", lossy)
            with pytest.raises(CopyDiffers, match=r"main\.virus_genome differs"):
                copy(data, data.warehouse, place)
        with pytest.raises(IncompleteCopy), duckdb.connect() as session, warehouse_at(place).transaction(session):
            pass
        copy(data, data.warehouse, place)
        assert rows_of(place) == rows_of(data.warehouse)
