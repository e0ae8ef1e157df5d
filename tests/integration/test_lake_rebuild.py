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
from tests.support.warehouses import opened
from virus_warehouse import rebuild as rebuilding
from virus_warehouse.failure import UsageError
from virus_warehouse.rebuild import rebuild
from virus_warehouse.sequences.store import REBUILD
from virus_warehouse.warehouse.connection import NeedsFile, Warehouse
from virus_warehouse.warehouse.findings import acknowledge
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_storage import LakeStorage
from virus_warehouse.warehouse.losses import Lost

pytestmark = pytest.mark.usefixtures("small_loads")


@pytest.fixture(scope="module")
def original_lake(catalog: str, tmp_path_factory: pytest.TempPathFactory) -> LakeAddress:
    return migrated_lake(catalog, tmp_path_factory.mktemp("original"))


@pytest.fixture(scope="module")
def original(ncbi: FakeNcbi, original_lake: LakeAddress, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """A source that had a full load, bad lines, a revision, and a record that two censuses withdrew.

    People have acknowledged, accepted and answered something.
    """
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
        session.execute(
            "INSERT INTO warehouse.ops.approval "
            "VALUES ('mpox', 'shrinkage', 'a third', 'keep', 'somebody', '2025-03-09 12:00:00+00')"
        )
        session.execute(
            "INSERT INTO warehouse.ops.acceptance SELECT source, max(run_id), 'missing' FROM warehouse.ops.ingest_run "
            "GROUP BY ALL"
        )
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
        return {table: sorted_rows(connection, table) for table in (*TABLES, *SEQUENCE_TABLES)}


def sorted_rows(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[object, ...]]:
    return connection.execute(f"FROM {table} ORDER BY ALL").fetchall()


def said(connection: duckdb.DuckDBPyConnection) -> list[list[tuple[object, ...]]]:
    """What people have accepted and answered."""
    return [sorted_rows(connection, table) for table in ("ops.acceptance", "ops.approval")]


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
    with reading_lake(lake) as connection, opened(file) as rebuilt:
        assert said(rebuilt) == said(connection) != [[], []]

    another = new_lake(catalog, tmp_path / "another")
    *settings, program, subcommand, option, _ = done.stdout.splitlines()[-1].split()
    assert program == "virus-warehouse"
    environment = dict(setting.split("=") for setting in settings)
    migrated = command(subcommand, option, another.setting, **environment)
    assert migrated.returncode == 0, migrated.stdout + migrated.stderr
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


@pytest.mark.parametrize("lose", [lose_files, lose_catalog, pytest.param(stop_server, marks=pytest.mark.long)])
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
    problem = "does not exist" if lose is lose_catalog else "the old warehouse cannot be read"
    assert problem in caplog.text


def test_a_lake_is_never_replaced(followed: Followed) -> None:
    with pytest.raises(NeedsFile, match="Leave out --replace"):
        rebuild(followed.data, warehouse=followed.warehouse, replace=True)
    assert not followed.warehouse.rebuilt_file(followed.data).exists()


def test_what_commits_meanwhile_is_named(followed: Followed, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile = []

    def find_losses(*arguments: object) -> dict[str, Lost]:
        meanwhile.append(followed.run().run_id)
        return {}

    monkeypatch.setattr(rebuilding, "find_losses", find_losses)
    assert rebuild(followed.data, warehouse=followed.warehouse).committed_meanwhile == meanwhile


def test_a_rebuilt_file_is_not_rebuilt_onto_itself(followed: Followed) -> None:
    file = rebuild(followed.data, warehouse=followed.warehouse).path
    with pytest.raises(UsageError, match="move it elsewhere first"):
        rebuild(followed.data, warehouse=Warehouse(file))
    assert file.exists()


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
