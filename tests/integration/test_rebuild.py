"""The warehouse made anew from its archived packages equals the one that was lost."""

import copy
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.fake_ncbi import BadLine, FakeNcbi, World
from tests.support.followed import TABLES, Followed, content
from tests.support.warehouses import query
from virus_warehouse import rebuild as rebuilding
from virus_warehouse.database_file import log_of
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.rebuild import RebuildError, rebuild
from virus_warehouse.run_result import IngestResult
from virus_warehouse.warehouse.connection import WarehouseDamaged


@dataclass(frozen=True)
class Life:
    """All that can happen to sources: where it left its data, what NCBI shows then, and the results of the runs."""

    root: Path
    world: World
    results: list[IngestResult]


@pytest.fixture(scope="module")
def life(ncbi: FakeNcbi, tmp_path_factory: pytest.TempPathFactory) -> Life:
    ncbi.world = World()
    followed = Followed(ncbi, tmp_path_factory.mktemp("life") / "data")
    results = followed.live_through_everything()
    return Life(followed.data.root, copy.deepcopy(ncbi.world), results)


@pytest.fixture
def lived(life: Life, followed: Followed) -> Followed:
    """A copy of it, to go on from there."""
    shutil.copytree(life.root, followed.data.root, dirs_exist_ok=True)
    followed.ncbi.world = copy.deepcopy(life.world)
    return followed


def test_rebuilt_warehouse_equals_the_original(lived: Followed, life: Life) -> None:
    followed = lived
    original = content(followed.data.warehouse)
    ended_by = {row[0] for row in query(followed.data.warehouse, "SELECT ended_by FROM virus_genome_history")}
    assert ended_by == {"revision", "withdrawal", "filter"}
    assert [table for table in TABLES if not original[table] and table != "ops.schema_drift"] == []

    rebuilt = rebuild(followed.data, from_oldest=True)
    assert (rebuilt.gaps, rebuilt.differences, rebuilt.replaced) == ([], [], None)
    assert rebuilt.loads == [result.run_id for result in life.results]
    assert content(rebuilt.path) == original
    assert content(followed.data.warehouse) == original
    assert query(rebuilt.path, gates_sql()) == []
    assert list(followed.data.temporary.iterdir()) == []


def test_since_the_newest_full_package_rows_history_and_quarantine_are_equal(lived: Followed, life: Life) -> None:
    followed, results = lived, [*life.results]
    full = results[9]
    assert (full.source, full.mode) == ("mpox", "full")
    followed.show("PX1", 6, length=3)
    followed.ncbi.world.strays.append((0, BadLine("[")))
    results.append(followed.run())
    rebuilt = rebuild(followed.data)
    assert rebuilt.loads[-3:] == [full.run_id, results[10].run_id, results[11].run_id]
    since = query(followed.data.warehouse, "SELECT ended_at FROM ops.ingest_run WHERE run_id = ?", full.run_id)[0][0]
    for sql in (
        "FROM virus_genome WHERE source = 'mpox' AND valid_from > ?",
        # Not those that are missing, which the newest full package does not list.
        "SELECT * EXCLUDE (valid_from, run_id) FROM virus_genome "
        "WHERE source = 'mpox' AND valid_from <= ? AND status = 'live'",
        "SELECT accession, valid_to, ended_by FROM virus_genome_history WHERE source = 'mpox' AND valid_to > ?",
        "SELECT raw, last_run_id FROM ops.quarantine WHERE source = 'mpox' AND ?::TIMESTAMPTZ IS NOT NULL",
    ):
        told = [sorted(query(path, sql, since), key=repr) for path in (rebuilt.path, followed.data.warehouse)]
        assert told[0] == told[1] != []
    # The next run goes on from there.
    rebuild(followed.data, replace=True)
    assert followed.run().counts["unchanged"] > 0


def test_rebuilt_warehouse_takes_the_old_ones_place_only_when_asked(followed: Followed) -> None:
    followed.show("PX1", 1)
    followed.run()
    with duckdb.connect(followed.data.warehouse) as connection:
        connection.execute("DELETE FROM virus_genome")
    rebuild(followed.data)
    assert query(followed.data.warehouse, "FROM virus_genome") == []
    rebuilt = rebuild(followed.data, replace=True)
    assert len(query(followed.data.warehouse, "FROM virus_genome")) == 1
    assert rebuilt.replaced is not None
    assert query(rebuilt.replaced, "FROM virus_genome") == []
    assert not rebuilt.path.exists()


@pytest.mark.parametrize("loss", ["deleted", "not a database"])
def test_lost_warehouse_is_rebuilt(followed: Followed, loss: str) -> None:
    followed.show("PX1", 1)
    followed.run()
    followed.show("PX1", 2, length=2)
    followed.run()
    original = content(followed.data.warehouse)
    followed.data.warehouse.unlink()
    if loss == "not a database":
        followed.data.warehouse.write_bytes(b"rubbish" * 1000)
    rebuild(followed.data, replace=True, from_oldest=True)
    assert content(followed.data.warehouse) == original


LEAVES_A_LOG = """
import os, sys
import duckdb

connection = duckdb.connect()
connection.execute(f"ATTACH '{sys.argv[1]}' AS warehouse")
connection.execute("CREATE TABLE warehouse.main.left_behind AS SELECT range AS number FROM range(1000)")
os._exit(0)
"""


def leave_a_log(file: Path) -> Path:
    """What a process leaves that commits and is killed before its checkpoint."""
    subprocess.run([sys.executable, "-c", LEAVES_A_LOG, file], check=True)
    assert log_of(file).exists()
    return log_of(file)


def test_damaged_log_is_told_with_the_way_out_and_the_way_works(followed: Followed) -> None:
    followed.show("PX1", 1)
    followed.run()
    original = content(followed.data.warehouse)
    log = leave_a_log(followed.data.warehouse)
    damaged = bytearray(log.read_bytes())
    damaged[60] ^= 255
    log.write_bytes(damaged)
    with pytest.raises(WarehouseDamaged, match=r"duckdb.wal, is damaged. `virus-warehouse rebuild --replace`"):
        followed.run()
    rebuilt = rebuild(followed.data, replace=True)
    assert rebuilt.replaced is not None
    assert log_of(rebuilt.replaced).read_bytes() == damaged
    assert not log.exists()
    assert content(followed.data.warehouse) == original
    followed.run()


def test_log_that_outlived_its_file_does_not_reach_the_new_one(followed: Followed) -> None:
    followed.show("PX1", 1)
    followed.run()
    leave_a_log(followed.data.warehouse)
    followed.data.warehouse.unlink()
    leave_a_log(followed.data.warehouse.with_name("warehouse.rebuilt.duckdb"))
    rebuild(followed.data, replace=True)
    tables = query(followed.data.warehouse, "SELECT table_name FROM duckdb_tables()")
    assert ("virus_genome",) in tables
    assert ("left_behind",) not in tables
    assert not log_of(followed.data.warehouse).exists()


def test_load_whose_run_died_before_it_was_recorded_is_repeated(followed: Followed) -> None:
    followed.show("PX1", 1)
    followed.run()
    followed.show("PX2", 2)
    died = followed.run()
    (followed.data.packages / "mpox" / "loads" / f"{died.run_id}.json").unlink()
    original = content(followed.data.warehouse)
    rebuilt = rebuild(followed.data, replace=True)
    assert died.run_id in rebuilt.loads
    assert content(followed.data.warehouse) == original


def test_runs_that_committed_meanwhile_keep_the_old_file_in_place(
    followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed.show("PX1", 1)
    followed.run()
    meanwhile: list[IngestResult] = []

    def replace_late(*arguments: Any) -> Path | None:
        meanwhile.append(followed.run())
        return replace(*arguments)

    replace = rebuilding._replace
    monkeypatch.setattr(rebuilding, "_replace", replace_late)
    with pytest.raises(RebuildError, match=r"has runs that it lacks: .*\. .*Pause the DAGs") as refused:
        rebuild(followed.data, replace=True)
    [late] = meanwhile
    assert late.run_id in str(refused.value)
    assert late.run_id in rebuild(followed.data).loads


@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_package_that_cannot_be_used_is_named_with_what_it_means(followed: Followed, fault: str) -> None:
    followed.show("PX1", 1)
    first = followed.run()
    followed.show("PX2", 2)
    second = followed.run()
    followed.show("PX3", 3)
    followed.run()
    package = followed.package(second)
    if fault == "missing":
        package.unlink()
    else:
        package.write_bytes(package.read_bytes()[:-30])
    rebuilt = rebuild(followed.data)
    [gap] = rebuilt.gaps
    assert (gap.source, gap.run_id) == ("mpox", second.run_id)
    assert fault in gap.reason
    assert f"rebuilt up to run {first.run_id} (watermark 2025-03-02)" in gap.meaning
    assert query(rebuilt.path, "SELECT accession FROM virus_genome") == [("PX1",)]
    with pytest.raises(RebuildError, match=r"it lacks loads.*states in between are lost"):
        rebuild(followed.data, replace=True)
    # Nothing is lost for good: from that watermark NCBI is asked again.
    rebuilt.path.replace(followed.data.warehouse)
    assert followed.run().counts["inserted"] == 2


def test_damaged_full_package_sends_back_to_the_one_before(followed: Followed) -> None:
    followed.show("PX1", 1)
    first = followed.run()
    followed.show("PX2", 2)
    second = followed.run(mode="full")
    followed.package(second).write_bytes(b"PK")
    rebuilt = rebuild(followed.data)
    assert rebuilt.loads == [first.run_id]
    assert [gap.run_id for gap in rebuilt.gaps] == [second.run_id]
    followed.package(first).unlink()
    with pytest.raises(RebuildError, match=r"nothing to rebuild from: mpox: .*its next run loads it in full"):
        rebuild(followed.data)


def test_empty_archive_has_nothing_to_rebuild_from(followed: Followed) -> None:
    with pytest.raises(RebuildError, match="has no load records"):
        rebuild(followed.data)


def test_difference_in_reading_is_told(followed: Followed) -> None:
    followed.show("PX1", 1)
    run = followed.run()
    record = followed.data.packages / "mpox" / "loads" / f"{run.run_id}.json"
    record.write_text(record.read_text().replace('"inserted": 1', '"inserted": 2'))
    assert rebuild(followed.data).differences == [f"mpox: run {run.run_id}: inserted 1 instead of 2"]
