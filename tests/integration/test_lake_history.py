"""A history in a lake: its runs leave what they leave in a file, and a back-up of it has all rows and answers."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.backups import restored_in, sources
from tests.support.fake_ncbi import BadLine, FakeNcbi
from tests.support.followed import DENGUE, FIRST_DAY, HUMAN_MPOX, Followed, comparable
from tests.support.kept_data_folder import FOLLOWED, rows_of
from tests.support.lakes import NEEDS_LAKES, migrated_lake, new_lake
from tests.support.warehouses import opened, query
from virus_warehouse.backup.make import make_backup
from virus_warehouse.backup.verify import verify_backup
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.publication import publish
from virus_warehouse.transfer import transfer
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_storage import LakeStorage
from virus_warehouse.warehouse.storage import Storage

__all__ = ["sources"]

pytestmark = [pytest.mark.slow, NEEDS_LAKES, pytest.mark.usefixtures("small_loads")]

Play = Callable[[Followed], object]


def run_each_way_once(followed: Followed) -> None:
    """What `run_everything` has, in as few runs as possible: each takes a lake a second."""
    world = followed.ncbi.world
    world.annotates = True
    world.further = {"annotation_report": ["{"]}
    for number in range(12):
        followed.show(f"PX{number}", number % 3, host="human" if number % 2 else None)
    world.strays.append((0, BadLine("{")))
    followed.run()
    followed.run(DENGUE)
    followed.show("PX1", 2, length=2)
    followed.show("PX12", 2)
    followed.run(mode="window", since=FIRST_DAY + timedelta(days=1), until=FIRST_DAY + timedelta(days=3))
    withdrawn, missing = world.records.pop("PX3"), world.records.pop("PX5")
    followed.run(mode="census")
    world.show(missing)
    followed.run(mode="census")
    world.show(withdrawn)
    world.strays.append((0, BadLine('{"accession":"PX77.1","updateDate":"soon"}')))
    followed.run(HUMAN_MPOX)
    followed.run(HUMAN_MPOX, mode="replay")


def played(play: Play, root: Path, storage: Storage | None = None) -> Followed:
    with FakeNcbi() as ncbi:
        followed = Followed(ncbi, root, storage)
        play(followed)
    return followed


@pytest.fixture(
    scope="module",
    params=[run_each_way_once, pytest.param(Followed.run_everything, marks=pytest.mark.long)],
    ids=lambda play: play.__name__,
)
def play(request: pytest.FixtureRequest) -> Play:
    chosen: Play = request.param
    return chosen


@pytest.fixture(scope="module")
def original(play: Play, catalog: str, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """Sources with a history in a lake; tests that change it copy it."""
    folder = tmp_path_factory.mktemp("original")
    return played(play, folder / "data", LakeStorage(migrated_lake(catalog, folder)))


@pytest.fixture
def followed(original: Followed, ncbi: FakeNcbi, tmp_path: Path) -> Followed:
    return original.copy_to(tmp_path / "data", ncbi)


@pytest.fixture
def lake(followed: Followed) -> LakeAddress:
    assert isinstance(followed.storage, LakeStorage)
    return followed.storage.address


def test_a_history_is_the_same_in_a_lake_and_in_a_file(play, original, tmp_path):
    contents = []
    for name, followed in (("file", played(play, tmp_path / "data")), ("lake", original)):
        copy = tmp_path / f"{name}.duckdb"
        with followed.warehouse.unchanging() as state:
            state.copy_to(copy)
        with opened(copy) as connection:
            contents.append(comparable(connection))
    assert contents[0] == contents[1]
    ended_by = query(tmp_path / "lake.duckdb", "SELECT DISTINCT ended_by FROM virus_genome_history ORDER BY ALL")
    assert ended_by == [("filter",), ("revision",), ("withdrawal",)]
    assert contents[0]["ops.quarantine"] != []
    assert contents[0]["ops.census_missing"] != []


def records_as_of(place: Path | LakeAddress, moments: list[datetime]) -> list[list[tuple[Any, ...]]]:
    with opened(place) as connection:
        as_of = "FROM virus_genome_as_of(?) ORDER BY ALL"
        return [connection.execute(as_of, [moment]).fetchall() for moment in moments]


def restored(followed: Followed, folder: Path) -> DataFolder:
    """What a back-up of the sources has, restored."""
    made = make_backup(followed.warehouse, followed.data, folder / "backups")
    assert made.left_out == ("Airflow's database: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN is not set",)
    assert verify_backup(made.path).differences == ()
    return restored_in(folder / "elsewhere", made.path)


def test_what_is_restored_has_the_rows_and_answers_of_the_lake(followed, lake, tmp_path):
    publish(followed.warehouse, followed.data, FOLLOWED)
    data = restored(followed, tmp_path)
    assert rows_of(data.warehouse) == rows_of(lake)
    assert rows_of(data.snapshot) == rows_of(followed.data.snapshot)
    ended = query(data.warehouse, "SELECT ended_at FROM ops.ingest_run WHERE status = 'success'")
    moments = [moment for (moment,) in ended]
    answers = records_as_of(data.warehouse, moments)
    assert answers == records_as_of(lake, moments)
    assert len(answers) >= 6
    assert [] not in answers


@pytest.mark.long  # `test_migrate.py` has the short form, of another file
def test_what_is_restored_becomes_a_lake_again(followed, lake, catalog, tmp_path):
    expected = rows_of(lake)
    data = restored(followed, tmp_path)
    again = LakeStorage(new_lake(catalog, tmp_path / "again"))
    transfer(Warehouse(data.warehouse), Warehouse(again), data)
    assert rows_of(again.address) == expected
    followed.data, followed.storage = data, again
    followed.show("PX99", 9)
    followed.run(HUMAN_MPOX)
    followed.show("PX101", 9)
    result = followed.run(HUMAN_MPOX)
    assert (result.mode, result.counts["inserted"]) == ("incremental", 1)
