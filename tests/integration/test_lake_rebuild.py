"""A lake is rebuilt from archived packages: in a file, which becomes a new lake."""

import copy
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from tests.support.fake_ncbi import BadLine, FakeNcbi, Line, World, as_annotation
from tests.support.followed import FIRST_DAY, SEQUENCE_TABLES, TABLES, Followed, content
from tests.support.lakes import copy_lake, migrated_lake, new_lake, reading_lake, run_in_catalog
from tests.support.program import command
from tests.support.tiers import some_of
from virus_warehouse.rebuild import rebuild
from virus_warehouse.sequences.store import REBUILD
from virus_warehouse.transfer import transfer
from virus_warehouse.warehouse.connection import NeedsFile, Warehouse
from virus_warehouse.warehouse.findings import acknowledge
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_storage import LakeStorage


@pytest.fixture(scope="module")
def original_lake(catalog: str, tmp_path_factory: pytest.TempPathFactory) -> LakeAddress:
    return migrated_lake(catalog, tmp_path_factory.mktemp("original"))


@pytest.fixture(scope="module")
def original(ncbi: FakeNcbi, original_lake: LakeAddress, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """A source that had a full load, bad lines, a revision, and a record that two censuses withdrew."""
    ncbi.world = World()
    ncbi.world.annotates = True
    ncbi.world.further = {"annotation_report": ["{", as_annotation(Line("PY1", 1, FIRST_DAY, 1, None, None))]}
    ncbi.world.strays.append((0, BadLine("{")))
    followed = Followed(ncbi, tmp_path_factory.mktemp("data") / "data", LakeStorage(original_lake))
    for number in range(4):
        followed.show(f"PX{number}", number)
    followed.run()
    followed.show("PX1", 4, length=2)
    followed.run()
    ncbi.world.records.pop("PX2")
    followed.run(mode="census")
    followed.run(mode="census")
    with followed.warehouse.session() as session, followed.warehouse.transaction(session):
        acknowledge(session, "mpox", datetime.now(UTC))
    return followed


@pytest.fixture(scope="module")
def world(original: Followed) -> World:
    """What NCBI shows in the end."""
    return copy.deepcopy(original.ncbi.world)


@pytest.fixture
def lake(original: Followed, original_lake: LakeAddress, tmp_path: Path) -> LakeAddress:
    """A copy of the lake that a test can change."""
    return copy_lake(original_lake, tmp_path / "copy")


@pytest.fixture
def followed(original: Followed, world: World, lake: LakeAddress, tmp_path: Path) -> Followed:
    """A copy of the source, with the lake."""
    original.ncbi.world = copy.deepcopy(world)
    followed = Followed(original.ncbi, tmp_path / "data", LakeStorage(lake))
    shutil.copytree(original.data.root, followed.data.root, dirs_exist_ok=True)
    return followed


def rows(lake: LakeAddress) -> dict[str, list[tuple[object, ...]]]:
    """The contents of a lake, as `content` reads them from a file."""
    with reading_lake(lake) as connection:
        return {table: _sorted(connection, table) for table in (*TABLES, *SEQUENCE_TABLES)}


def _sorted(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[object, ...]]:
    return connection.execute(f"FROM {table} ORDER BY ALL").fetchall()


def test_the_file_has_all_rows_of_the_lake_and_becomes_a_new_lake(
    followed: Followed, lake: LakeAddress, catalog: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(lake)
    filled = ("virus_genome", "virus_genome_history", "virus_annotation", "ops.quarantine", "ops.ingest_run")
    assert [table for table in filled if not before[table]] == []
    monkeypatch.setenv("VIRUS_DATA", str(followed.data.root))
    monkeypatch.setenv("VIRUS_WAREHOUSE", lake.setting)
    done = command("rebuild", "--from-oldest")
    assert done.returncode == 0, done.stdout + done.stderr
    file = followed.warehouse.rebuilt_file(followed.data)
    assert f"The rebuilt warehouse is {file}; " in done.stdout
    assert lake.password not in done.stdout + done.stderr
    assert content(file) == before == rows(lake)

    another = new_lake(catalog, tmp_path / "another")
    transfer(Warehouse(file), Warehouse(LakeStorage(another)), followed.data)
    assert rows(another) == before
    followed.storage = LakeStorage(another)
    followed.show("PX9", 9)
    result = followed.run()
    assert (result.mode, result.counts["inserted"]) == ("incremental", 1)


def test_what_the_file_lacks_beside_the_lake_is_reported(followed: Followed) -> None:
    [loss] = rebuild(followed.data, warehouse=followed.warehouse).losses
    assert loss.source == "mpox"
    assert loss.lost is not None
    assert loss.lost.history > 0
    assert loss.older_loads > 0


def lose_catalog(lake: LakeAddress) -> None:
    run_in_catalog(lake, f"DROP SCHEMA {lake.schema} CASCADE")


def lose_files(lake: LakeAddress) -> None:
    shutil.rmtree(lake.data_path)


def stop_server(lake: LakeAddress) -> None:
    """For everybody who connects from now on."""
    elsewhere = replace(lake, catalog=lake.catalog.set(database="postgres"))
    run_in_catalog(elsewhere, f"ALTER DATABASE {lake.catalog.database} ALLOW_CONNECTIONS false")


@pytest.mark.parametrize("lose", some_of([lose_files, lose_catalog, stop_server], one_in=3))
def test_a_lake_that_cannot_be_read_is_rebuilt_without_it(
    followed: Followed, lake: LakeAddress, lose: Callable[[LakeAddress], None], caplog: pytest.LogCaptureFixture
) -> None:
    before = rows(lake)
    lose(lake)
    rebuilt = rebuild(followed.data, warehouse=followed.warehouse, from_oldest=True)
    assert (rebuilt.gaps, rebuilt.differences) == ([], [])
    after = content(rebuilt.path)
    for table in ("virus_genome", "virus_genome_history", "ops.ingest_run"):
        assert after[table] == before[table]
    assert ("the old warehouse cannot be read" in caplog.text) == (lose is not lose_catalog)


def test_a_lake_is_never_replaced(followed: Followed) -> None:
    with pytest.raises(NeedsFile, match="Leave out --replace"):
        rebuild(followed.data, warehouse=followed.warehouse, replace=True)
    assert not followed.warehouse.rebuilt_file(followed.data).exists()


def test_the_rebuilt_sequences_stay_as_long_as_the_file(followed: Followed) -> None:
    file, part = followed.warehouse.rebuilt_file(followed.data), followed.data.sequences / f"{REBUILD}-1.parquet"
    for path in (file, part):
        path.touch()
    os.utime(part, (0, 0))
    followed.run()
    assert part.exists()
    file.unlink()
    followed.run()
    assert not part.exists()
