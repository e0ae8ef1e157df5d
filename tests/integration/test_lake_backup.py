"""Back-ups of a warehouse in a lake, and what is restored from them: a file, which can become a lake again.

`test_lake_history.py` compares all rows.
"""

import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.support.backups import restored_in, sources
from tests.support.buckets import NEEDS_BUCKETS
from tests.support.fake_ncbi import FakeNcbi, World
from tests.support.followed import Followed
from tests.support.kept_data_folder import FOLLOWED
from tests.support.lakes import NEEDS_LAKES, migrated_lake
from tests.support.program import command
from tests.support.warehouses import query
from virus_warehouse.backup.folder import backups_in
from virus_warehouse.backup.make import make_backup
from virus_warehouse.backup.manifest import BackupError
from virus_warehouse.backup.pins import Pins
from virus_warehouse.backup.verify import verify_backup
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.publication import publish
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.lake_storage import LakeNotMigrated, LakeStorage

__all__ = ["sources"]

pytestmark = [pytest.mark.slow, NEEDS_LAKES, pytest.mark.usefixtures("small_loads")]

RECORDS = "SELECT accession, length FROM virus_genome ORDER BY ALL"


@pytest.fixture(scope="module")
def loaded(catalog: str, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Sources whose warehouse is a lake with one record; tests copy them."""
    folder = tmp_path_factory.mktemp("loaded")
    with FakeNcbi() as ncbi:
        followed = Followed(ncbi, folder / "data", LakeStorage(migrated_lake(catalog, folder)))
        followed.show("PX1", 0)
        followed.run()
    return followed


@pytest.fixture
def followed(loaded: Followed, ncbi: FakeNcbi, tmp_path: Path) -> Followed:
    return loaded.copy_to(tmp_path / "data", ncbi)


@pytest.fixture
def storage(followed: Followed) -> LakeStorage:
    """The lake."""
    assert isinstance(followed.storage, LakeStorage)
    return followed.storage


def contents(data: DataFolder) -> dict[str, bytes]:
    """The files of a data folder that a back-up has."""
    files = (path for name in ("packages", "runs", "published") for path in (data.root / name).rglob("*"))
    return {
        str(path.relative_to(data.root)): path.read_bytes()
        for path in files
        if path.is_file() and not path.name.startswith(".") and data.candidates not in path.parents
    }


def test_writers_do_not_wait_while_it_is_copied(followed, tmp_path):
    copy_to, packages = LakeStorage.copy_to, []

    def beside(self: LakeStorage, *arguments: Any, **options: Any) -> None:
        with patch.object(LakeStorage, "copy_to", copy_to):
            followed.show("PX2", 1)
            packages.append(followed.package(followed.run()).name)
        copy_to(self, *arguments, **options)

    with patch.object(LakeStorage, "copy_to", beside):
        made = make_backup(followed.warehouse, followed.data, tmp_path / "backups")
    data = restored_in(tmp_path / "elsewhere", made.path)
    assert query(data.warehouse, RECORDS) == [("PX1", 1)], "of the moment at which the writers could go on"
    assert query(followed.storage.address, RECORDS) == [("PX1", 1), ("PX2", 1)]
    assert [path.name for path in data.packages.glob("*/*.zip") if path.name in packages] == []


def test_a_lake_of_an_earlier_version_is_refused(followed, storage, tmp_path):
    with Warehouse(storage).exclusive() as session:
        session.execute("UPDATE ops.alembic_version SET version_num = '0013'")
    with pytest.raises(LakeNotMigrated, match="has schema revision 0013, and is copied with revision"):
        make_backup(followed.warehouse, followed.data, tmp_path / "backups")
    assert backups_in(tmp_path / "backups") == []


def test_a_folder_that_the_lake_tidies_up_is_refused(followed, storage):
    with pytest.raises(BackupError, match="where housekeeping removes whatever is not of the lake"):
        make_backup(followed.warehouse, followed.data, storage.folder / "backups")


def test_commands_say_how_it_becomes_a_lake_again(followed, storage, tmp_path):
    settings = {"VIRUS_DATA": str(followed.data.root), "VIRUS_WAREHOUSE": storage.setting}
    done = command("backup", str(tmp_path / "backups"), **settings)
    assert (done.returncode, "The warehouse was locked for 0." in done.stdout) == (0, True), done.stdout + done.stderr
    elsewhere = {"VIRUS_DATA": str(tmp_path / "elsewhere")}
    done = command("restore", str(tmp_path / "backups"), **elsewhere, VIRUS_WAREHOUSE=storage.setting)
    assert done.returncode == 2
    assert "run it without VIRUS_WAREHOUSE" in done.stderr
    assert storage.address.password not in done.stderr
    done = command("restore", str(tmp_path / "backups"), **elsewhere)
    assert done.returncode == 0, done.stderr
    assert query(tmp_path / "elsewhere/warehouse.duckdb", RECORDS) == [("PX1", 1)]


@NEEDS_BUCKETS
@pytest.mark.parametrize("days", [1, pytest.param(3, marks=pytest.mark.long)])
def test_a_data_folder_in_a_bucket_is_fetched_whole(ncbi, catalog, bucket, tmp_path, days):
    ncbi.world = World()
    storage = LakeStorage(migrated_lake(catalog, tmp_path))
    followed = Followed(ncbi, tmp_path / "unused", storage)
    settings = {"VIRUS_DATA": f"s3://{bucket}/data", "VIRUS_WAREHOUSE": storage.setting}

    def on(host: str) -> DataFolder:
        """The copy of a host's."""
        with patch.dict(os.environ, settings | {"VIRUS_DATA_COPY": str(tmp_path / host)}):
            return DataFolder.from_environment()

    with patch.dict(os.environ, settings):
        followed.data = on("one")
        for day in range(days):
            followed.show(f"PX{day}", day)
            followed.run()
        publish(followed.warehouse, followed.data, FOLLOWED)

        two = on("two")
        hollow = Pins(two, tmp_path / "pins")
        hollow.renew(two.packages)
        assert [path for path in hollow.files() if path.endswith(".zip")] == [], "it has not fetched one yet"
        made = make_backup(followed.warehouse, two, tmp_path / "backups")
        assert verify_backup(made.path).differences == ()
    data = restored_in(tmp_path / "elsewhere", made.path)
    assert contents(data) == contents(followed.data)
    assert len(contents(data)) > 3 * days
    assert query(data.snapshot, RECORDS) == [(f"PX{day}", 1) for day in range(days)]
