"""The warehouse rebuilt from archived packages equals the lost one."""

import copy
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.fake_ncbi import BadLine, FakeNcbi, World
from tests.support.followed import DENGUE, TABLES, Followed, content
from tests.support.tiers import some_of
from tests.support.warehouses import query
from virus_warehouse import rebuild as rebuilding
from virus_warehouse.archive import Archive
from virus_warehouse.database_file import log_of
from virus_warehouse.publish.approval import KEEP, record_answer
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.rebuild import RebuildError, rebuild
from virus_warehouse.run_result import IngestResult
from virus_warehouse.warehouse.connection import Warehouse, WarehouseDamaged
from virus_warehouse.warehouse.findings import acknowledge
from virus_warehouse.warehouse.losses import Lost
from virus_warehouse.warehouse.migrate import SchemaTooOld

pytestmark = pytest.mark.usefixtures("small_loads")


@dataclass(frozen=True)
class RecordedHistory:
    """Sources after every kind of run: their data, the records that NCBI shows then, and the results of the runs."""

    root: Path
    world: World
    results: list[IngestResult]


# `test_kept_data_folder.py` rebuilds the runs of `run_everything` in `make test`.
@pytest.fixture(
    scope="module",
    params=[Followed.run_briefly, pytest.param(Followed.run_everything, marks=pytest.mark.long)],
    ids=lambda play: play.__name__,
)
def recorded(
    request: pytest.FixtureRequest, ncbi: FakeNcbi, small_loads: None, tmp_path_factory: pytest.TempPathFactory
) -> RecordedHistory:
    ncbi.world = World()
    followed = Followed(ncbi, tmp_path_factory.mktemp("recorded") / "data")
    results = request.param(followed)
    return RecordedHistory(followed.data.root, copy.deepcopy(ncbi.world), results)


@pytest.fixture
def restored(recorded: RecordedHistory, followed: Followed) -> Followed:
    """A copy of it that a test can change."""
    return copied(recorded, followed)


def copied(history: RecordedHistory, followed: Followed) -> Followed:
    shutil.copytree(history.root, followed.data.root, dirs_exist_ok=True)
    followed.ncbi.world = copy.deepcopy(history.world)
    return followed


def test_rebuilt_warehouse_equals_the_original(restored: Followed, recorded: RecordedHistory) -> None:
    followed = restored
    original = content(followed.data.warehouse)
    ended_by = {row[0] for row in query(followed.data.warehouse, "SELECT ended_by FROM virus_genome_history")}
    assert ended_by == {"revision", "withdrawal", "filter"}
    assert [table for table in TABLES if not original[table] and table != "ops.schema_drift"] == []

    rebuilt = rebuild(followed.data, from_oldest=True)
    assert (rebuilt.gaps, rebuilt.differences, rebuilt.replaced) == ([], [], None)
    assert rebuilt.loads == [result.run_id for result in recorded.results]
    assert content(rebuilt.path) == original
    assert content(followed.data.warehouse) == original
    assert query(rebuilt.path, gates_sql()) == []
    assert list(followed.data.temporary.iterdir()) == []


def test_since_the_newest_full_package_rows_history_and_quarantine_are_equal(
    restored: Followed, recorded: RecordedHistory
) -> None:
    followed = restored
    full, replay = recorded.results[-2:]
    assert (full.source, full.mode, replay.mode) == ("mpox", "full", "replay")
    followed.show("PX1", 6, length=3)
    followed.ncbi.world.strays.append((0, BadLine("[")))
    last = followed.run()
    rebuilt = rebuild(followed.data, replace=True)
    assert rebuilt.loads[-3:] == [full.run_id, replay.run_id, last.run_id]
    assert rebuilt.replaced is not None
    since = query(followed.data.warehouse, "SELECT ended_at FROM ops.ingest_run WHERE run_id = ?", full.run_id)[0][0]
    for sql in (
        "FROM virus_genome WHERE source = 'mpox' AND valid_from > ?",
        # Without missing records, which the newest full package does not list.
        "SELECT * EXCLUDE (valid_from, run_id) FROM virus_genome "
        "WHERE source = 'mpox' AND valid_from <= ? AND status = 'live'",
        "SELECT accession, valid_to, ended_by FROM virus_genome_history WHERE source = 'mpox' AND valid_to > ?",
        "SELECT raw, last_run_id FROM ops.quarantine WHERE source = 'mpox' AND ?::TIMESTAMPTZ IS NOT NULL",
    ):
        answers = [sorted(query(path, sql, since), key=repr) for path in (followed.data.warehouse, rebuilt.replaced)]
        assert answers[0] == answers[1] != []
    # The next run continues from there.
    assert followed.run().counts["unchanged"] > 0


@pytest.fixture(scope="module")
def recorded_losses(ncbi: FakeNcbi, small_loads: None, tmp_path_factory: pytest.TempPathFactory) -> RecordedHistory:
    """A source with history, a withdrawn, a missing and a live record, and a census as its newest load."""
    ncbi.world = World()
    followed = Followed(ncbi, tmp_path_factory.mktemp("losses") / "data")
    for number in range(3):
        followed.show(f"PX{number}", number)
    followed.run()
    followed.show("PX0", 4, length=2)
    followed.ncbi.world.records.pop("PX1")
    followed.run(mode="census")
    followed.ncbi.world.records.pop("PX2")
    followed.show("PX5", 5)
    followed.run(mode="census")
    return RecordedHistory(followed.data.root, copy.deepcopy(ncbi.world), [])


@pytest.fixture
def with_losses(recorded_losses: RecordedHistory, followed: Followed) -> Followed:
    """A copy of it that a test can change."""
    return copied(recorded_losses, followed)


def test_old_file_is_kept_and_named_is_what_a_rebuild_from_the_newest_full_load_lacks(
    with_losses: Followed, caplog: pytest.LogCaptureFixture
) -> None:
    original = content(with_losses.data.warehouse)
    assert rebuild(with_losses.data, from_oldest=True).losses == []
    rebuilt = rebuild(with_losses.data, replace=True)
    [loss] = rebuilt.losses
    assert loss.lost == Lost(records=1, missing=1, history=2, withdrawn=1, runs=2)
    assert loss.older_loads == 2
    assert (
        "mpox: the new file lacks what the old one has (held records: 1, missing records: 1, history rows: 2, "
        "withdrawn records: 1, runs: 2). `--from-oldest` repeats older loads, too: 2."
    ) in caplog.messages
    assert rebuilt.replaced is not None
    assert content(rebuilt.replaced) == original
    assert rebuild(with_losses.data, replace=True, from_oldest=True).losses == []
    assert content(with_losses.data.warehouse) == original


def test_losses_that_nothing_in_the_archive_can_spare_are_named_and_the_file_is_replaced(
    with_losses: Followed, caplog: pytest.LogCaptureFixture
) -> None:
    archive = Archive(with_losses.data.packages, "mpox")
    for load in archive.loads()[:-1]:
        archive.path(str(load.package)).unlink()
        (with_losses.data.packages / "mpox" / "loads" / f"{load.run['run_id']}.json").unlink()
    rebuilt = rebuild(with_losses.data, replace=True)
    assert rebuilt.replaced is not None
    assert [(loss.source, loss.older_loads) for loss in rebuilt.losses] == [("mpox", 0)]
    assert "history rows: 2" in caplog.text
    assert "The archive has no older load that can be repeated." in caplog.text


def test_older_loads_with_a_damaged_package_between_do_not_stop_a_replacement(with_losses: Followed) -> None:
    """From the oldest load on, the rebuild would end before the newest one."""
    archive = Archive(with_losses.data.packages, "mpox")
    archive.path(str(archive.loads()[1].package)).unlink()
    rebuilt = rebuild(with_losses.data, replace=True)
    assert [(loss.lost is not None, loss.older_loads) for loss in rebuilt.losses] == [(True, 0)]


@pytest.mark.parametrize("loss", some_of(["deleted", "not a database"], one_in=2))
def test_without_an_old_file_to_compare_older_loads_are_named(with_losses: Followed, loss: str) -> None:
    original = content(with_losses.data.warehouse)
    with_losses.data.warehouse.unlink()
    if loss == "not a database":
        with_losses.data.warehouse.write_bytes(b"rubbish" * 1000)
    [lost] = rebuild(with_losses.data, replace=True).losses
    assert "there is no old one to compare. `--from-oldest` repeats older loads, too: 2." in str(lost)
    rebuild(with_losses.data, replace=True, from_oldest=True)
    assert content(with_losses.data.warehouse) == original


def test_rebuilt_warehouse_replaces_the_old_one_only_on_request(followed: Followed) -> None:
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


@pytest.mark.parametrize("loss", some_of(["deleted", "not a database"], one_in=2))
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


AS_OF_0008 = (
    "DROP TABLE ops.history_thinned; DROP TABLE ops.approval; DROP TABLE ops.acceptance; "
    "ALTER TABLE ops.source_status DROP held_back_since; "
    "ALTER TABLE ops.source_status DROP held_back_reason; UPDATE ops.alembic_version SET version_num = '0008'; "
)
AS_OF_0005 = AS_OF_0008 + (
    "DROP TABLE ops.source_status; ALTER TABLE ops.quarantine DROP resolved_at; "
    "ALTER TABLE ops.quarantine DROP acknowledged_at; ALTER TABLE ops.schema_drift DROP resolved_at; "
    "ALTER TABLE ops.schema_drift DROP acknowledged_at; ALTER TABLE ops.schema_drift DROP last_run_id; "
    "ALTER TABLE virus_genome DROP country_code; ALTER TABLE virus_genome_history DROP country_code; "
    "UPDATE ops.alembic_version SET version_num = '0005'; "
)


def make_older(followed: Followed, changes: str) -> None:
    """Give the warehouse the schema that it had at a revision from which nothing is migrated any more."""
    with duckdb.connect(followed.data.warehouse) as connection:
        connection.execute(changes)


# The older of the two is the newer with more changes.
@pytest.mark.parametrize(
    ("history", "changes"),
    [
        pytest.param("restored", AS_OF_0008, marks=pytest.mark.long),
        pytest.param("restored", AS_OF_0005, marks=pytest.mark.long),
        ("with_losses", AS_OF_0005),
    ],
    ids=["0008", "0005", "short history of 0005"],
)
def test_warehouse_that_is_no_longer_migrated_is_rebuilt(
    request: pytest.FixtureRequest, history: str, changes: str
) -> None:
    restored: Followed = request.getfixturevalue(history)
    original = content(restored.data.warehouse)
    make_older(restored, changes)
    before = restored.data.warehouse.read_bytes()
    with pytest.raises(SchemaTooOld, match="virus-warehouse rebuild --replace --from-oldest"):
        restored.run()
    beside = rebuild(restored.data, from_oldest=True)
    assert (beside.gaps, beside.differences, beside.replaced) == ([], [], None)
    assert content(beside.path) == original
    assert restored.data.warehouse.read_bytes() == before

    rebuilt = rebuild(restored.data, replace=True, from_oldest=True)
    assert rebuilt.replaced is not None
    assert query(rebuilt.replaced, "SELECT count(*) FROM virus_genome") == [(len(original["virus_genome"]),)]
    assert content(restored.data.warehouse) == original
    assert restored.run().counts["unchanged"] > 0


def test_what_only_a_ledger_that_is_no_longer_migrated_knows_is_rebuilt_too(followed: Followed) -> None:
    followed.show("PX1", 1)
    followed.ncbi.world.strays.append((0, BadLine("{")))
    followed.run()
    followed.show("PX2", 2)
    died = followed.run()
    with duckdb.connect() as session, Warehouse(followed.data.warehouse).transaction(session):
        acknowledge(session, "mpox", datetime.now(UTC))
    original = content(followed.data.warehouse)
    (followed.data.packages / "mpox" / "loads" / f"{died.run_id}.json").unlink()
    make_older(followed, AS_OF_0008)
    assert died.run_id in rebuild(followed.data, replace=True).loads
    assert content(followed.data.warehouse) == original
    assert query(followed.data.warehouse, "SELECT count(acknowledged_at) FROM ops.quarantine") == [(1,)]


def test_answers_of_people_are_kept(followed: Followed) -> None:
    followed.show("PX1", 1)
    followed.run()
    findings = [("shrinkage", "shrinkage of mpox: of 2 published records, 1 is missing")]
    record_answer(Warehouse(followed.data.warehouse), "mpox", findings, KEEP, "ada")
    rebuild(followed.data, replace=True)
    assert query(followed.data.warehouse, "SELECT finding, answer, answered_by FROM ops.approval") == [
        (findings[0][1], "keep", "ada")
    ]


def test_runs_that_a_rebuild_lacks_keep_a_warehouse_that_is_no_longer_migrated_in_place(followed: Followed) -> None:
    followed.show("PX1", 1)
    followed.run()
    followed.show("PX1", 1, length=2)
    lost = followed.run(DENGUE)
    shutil.rmtree(followed.data.packages / "dengue")
    make_older(followed, AS_OF_0005)
    with pytest.raises(RebuildError, match=lost.run_id):
        rebuild(followed.data, replace=True)
    assert query(followed.data.warehouse, "SELECT version_num FROM ops.alembic_version") == [("0005",)]


LEAVES_A_LOG = """
import os, sys
import duckdb

connection = duckdb.connect()
connection.execute(f"ATTACH '{sys.argv[1]}' AS warehouse")
connection.execute("CREATE TABLE warehouse.main.left_behind AS SELECT range AS number FROM range(1000)")
os._exit(0)
"""


def leave_a_log(file: Path) -> Path:
    """Leave the files of a process that commits and is killed before its checkpoint."""
    subprocess.run([sys.executable, "-c", LEAVES_A_LOG, file], check=True)
    assert log_of(file).exists()
    return log_of(file)


def test_damaged_log_is_reported_with_instructions_that_work(followed: Followed) -> None:
    followed.show("PX1", 1)
    followed.run()
    original = content(followed.data.warehouse)
    log = leave_a_log(followed.data.warehouse)
    damaged = bytearray(log.read_bytes())
    damaged[60] ^= 255
    log.write_bytes(damaged)
    with pytest.raises(WarehouseDamaged, match=r"duckdb.wal, is damaged. `virus-warehouse rebuild --replace --from-o"):
        followed.run()
    rebuilt = rebuild(followed.data, replace=True)
    assert rebuilt.replaced is not None
    assert log_of(rebuilt.replaced).read_bytes() == damaged
    assert not log.exists()
    assert content(followed.data.warehouse) == original
    followed.run()


def test_leftover_log_is_not_applied_to_the_new_file(followed: Followed) -> None:
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


def test_load_of_a_run_killed_before_it_was_recorded_is_repeated(followed: Followed) -> None:
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


@pytest.mark.parametrize("fault", some_of(["missing", "damaged"], one_in=2))
def test_unusable_package_is_named_with_its_consequences(followed: Followed, fault: str) -> None:
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
    # Nothing is lost: the next run requests everything since that watermark.
    rebuilt.path.replace(followed.data.warehouse)
    assert followed.run().counts["inserted"] == 2


def test_damaged_full_package_falls_back_to_the_previous_one(followed: Followed) -> None:
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


def test_difference_in_counts_is_reported(followed: Followed) -> None:
    followed.show("PX1", 1)
    run = followed.run()
    record = followed.data.packages / "mpox" / "loads" / f"{run.run_id}.json"
    record.write_text(record.read_text().replace('"inserted": 1', '"inserted": 2'))
    assert rebuild(followed.data).differences == [f"mpox: run {run.run_id}: inserted 1 instead of 2"]
