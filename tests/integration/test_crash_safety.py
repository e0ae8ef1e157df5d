"""Killed processes, full disks and too little memory: the warehouse stays consistent, and the next run recovers.

`make test-long` kills at hundreds of further random moments.
"""

import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.fake_ncbi import BadLine, FakeNcbi, LineBroken, Redated, Released, Revised, World
from tests.support.killed_process import MOMENTS, WAREHOUSE_MADE, KilledProcesses, ingest_day, publish, run_day
from tests.support.lakes import (
    FILE,
    LAKE,
    DataBesideLake,
    beside_new_lake,
    copy_data,
    on_file_and_lake,
    place_of,
    warehouse_beside,
)
from tests.support.no_pandas import hide_pandas
from tests.support.seeds import session_seed
from tests.support.small_disk import empty, fill, small_disk
from tests.support.tiers import all_long, some_of
from tests.support.warehouses import dicts, made_data, opened, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish import publication
from virus_warehouse.publish.candidate import KEPT_CANDIDATE_SECONDS
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.publish.places import LocalFile
from virus_warehouse.publish.verify import verify
from virus_warehouse.shortage import DiskFull, MemoryTooSmall, translate_resource_errors
from virus_warehouse.warehouse.connection import CommitFailed, Warehouse
from virus_warehouse.warehouse.lake_address import LakeAddress

KILLS = range(4, 6)
"""Seeds of two moments in a day, neither of which is near its end."""
LONG_KILLS = 500
"""At random moments of a day."""
YESTERDAY = date(2025, 6, 1)

BEFORE_ARCHIVED = {
    "before anything is written",
    "while the run file is replaced",
    "open",
    "within the opening transaction",
    "after the opening commit",
    "download",
    "at the end of the download",
    "archive",
    "between package and sidecar",
}
"""The moments before the package is archived."""

BEFORE_COMMIT = BEFORE_ARCHIVED | {
    "stage",
    "merge",
    "while the sequences are read",
    "while the part is written",
    "before the part is in its place",
    "after the part is written",
    "while the sequences are merged",
    "within the merge",
    "before the commit",
}
"""The moments before anything is loaded."""

STATE = {
    "virus_genome": "SELECT * EXCLUDE (valid_from, run_id) FROM virus_genome",
    "history": "SELECT * EXCLUDE (valid_from, valid_to, run_id, ended_run_id) FROM virus_genome_history",
    "taxon": "FROM taxon",
    "taxon_lineage": "FROM taxon_lineage",
    "sequences": "SELECT * EXCLUDE (valid_from, valid_to, run_id) FROM ops.sequence WHERE valid_to IS NULL",
    "letters": "SELECT sha256, length, ambiguous FROM ops.sequence_letters",
    "mismatches": "SELECT * EXCLUDE (first_run_id, last_run_id) FROM ops.sequence_mismatch",
    "quarantine": "SELECT * EXCLUDE (first_run_id, last_run_id) FROM ops.quarantine",
    "watermark": "SELECT source, max(watermark) FROM ops.ingest_run WHERE status = 'success' GROUP BY source",
}


DAMAGED_SEQUENCES = """
SELECT count(*) FROM virus_sequence WHERE sequence IS NULL OR sha256(sequence) <> sequence_sha256
"""


ROWS_OF_NO_RUN = """
WITH row_of (run_id) AS (
    SELECT run_id FROM virus_genome UNION ALL SELECT ended_run_id FROM virus_genome_history
    UNION ALL SELECT run_id FROM ops.sequence UNION ALL SELECT last_run_id FROM ops.quarantine
)
FROM row_of ANTI JOIN (SELECT run_id FROM ops.ingest_run WHERE status = 'success') USING (run_id)
"""


def state(place: Path | LakeAddress) -> dict[str, list[tuple[Any, ...]]]:
    """The contents of a warehouse or a snapshot without runs and times; it passes all gates."""
    with opened(place) as connection:
        assert connection.execute(gates_sql()).fetchall() == []
        return {name: connection.execute(f"{sql} ORDER BY ALL").fetchall() for name, sql in STATE.items()}


def show_yesterday(world: World) -> None:
    for number in range(30):
        Released(f"PX{number}", YESTERDAY - timedelta(days=number % 3), "human").happen(world)


def show_today(world: World) -> None:
    for number in range(30, 35):
        Released(f"PX{number}", YESTERDAY + timedelta(days=1), None).happen(world)
    for number in range(5):
        Revised(number, {"length": 7}, days=1).happen(world)
        Redated(number + 10, days=2).happen(world)
    LineBroken(BadLine("{"), 3).happen(world)


def show_large_today(world: World) -> None:
    """Incompressible names, so that stored data need space."""
    random_text = random.Random(0).randbytes
    show_today(world)
    for number in range(35):
        Revised(number, {"isolate": random_text(10_000).hex()}, days=0).happen(world)


@dataclass(frozen=True)
class Days:
    """A data folder after yesterday's run, and the contents of a warehouse before and after an undisturbed day."""

    url: str
    data: DataFolder
    before: dict[str, list[tuple[Any, ...]]]
    after: dict[str, list[tuple[Any, ...]]]

    def begin(self, root: Path) -> DataFolder:
        """A copy for today's run."""
        return copy_data(self.data, root)


@pytest.fixture(scope="module")
def ncbi() -> Iterator[FakeNcbi]:
    with FakeNcbi() as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Settings that save time, here and in the killed processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIRUS_THREADS", "1")
        patch.setenv("VIRUS_KEEP_SNAPSHOTS", "2")
        hide_pandas(patch)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("days")


@pytest.fixture
def root(folder: Path) -> Iterator[Path]:
    """The path of a test's data folder, which does not exist yet."""
    yield folder / "data"
    shutil.rmtree(folder / "data", ignore_errors=True)


@pytest.fixture(scope="module")
def new_data(request: pytest.FixtureRequest) -> Callable[[Path, str], DataFolder]:
    """Makes a data folder whose warehouse does not exist yet."""

    def make(root: Path, kept: str) -> DataFolder:
        if kept == LAKE:
            return beside_new_lake(root, request.getfixturevalue("catalog"))
        data = DataFolder(root)
        data.create()
        return data

    return make


@pytest.fixture(scope="module")
def days_kept(ncbi: FakeNcbi, new_data: Callable[[Path, str], DataFolder], folder: Path) -> Callable[[str], Days]:
    """The days in a file or in a lake, which are made once, in whatever order the tests run."""

    @cache
    def make(kept: str) -> Days:
        root = folder / kept / "yesterday"
        return days_of(ncbi, made_data(root) if kept == FILE else new_data(root, kept), show_today)

    return make


@pytest.fixture(scope="module")
def days(kept: str, days_kept: Callable[[str], Days]) -> Days:
    return days_kept(kept)


def days_of(ncbi: FakeNcbi, data: DataFolder, show: Callable[[World], None]) -> Days:
    """Run yesterday in this data folder and, undisturbed, today in a copy of it."""
    ncbi.world = World()
    show_yesterday(ncbi.world)
    run_day(data, ncbi.url, dag_run="scheduled__yesterday")
    before = state(place_of(data))
    show(ncbi.world)
    undisturbed = copy_data(data, data.root.with_name("undisturbed"))
    run_day(undisturbed, ncbi.url)
    assert state(undisturbed.snapshot) == state(place_of(undisturbed))
    return Days(ncbi.url, data, before, state(place_of(undisturbed)))


@pytest.fixture(scope="module")
def processes() -> KilledProcesses:
    return KilledProcesses()


@pytest.fixture(scope="module")
def seconds(days: Days, processes: KilledProcesses, tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds that a day takes if it is not killed."""
    data = days.begin(tmp_path_factory.mktemp("life") / "data")
    with processes.living(data, days.url) as living:
        lived = living.seconds()
    assert state(data.snapshot) == days.after
    return lived


def ledger(data: DataFolder) -> list[dict[str, Any]]:
    return dicts(place_of(data), "FROM ops.ingest_run ORDER BY started_at")


def assert_whole(data: DataFolder, days: Days) -> bool:
    """After a kill, warehouse, ledger and snapshot are readable and consistent. Returns whether today is loaded."""
    committed = [row["status"] for row in ledger(data)][1:] == ["success"]
    assert state(place_of(data)) == (days.after if committed else days.before)
    shown = state(data.snapshot)
    assert shown == days.before or (committed and shown == days.after)
    return committed


def assert_next_run_recovers(data: DataFolder, days: Days) -> None:
    """The next run completes with the result of an undisturbed one."""
    seen = ledger(data)
    dead_files = {path.stem for path in data.runs.glob("*.json")}
    result = run_day(data, days.url)
    assert state(place_of(data)) == state(data.snapshot) == days.after
    assert query(data.snapshot, DAMAGED_SEQUENCES) == [(0,)]
    assert query(place_of(data), ROWS_OF_NO_RUN) == []
    rows = {row["run_id"]: row for row in ledger(data)}
    for before in seen:
        row = rows[before["run_id"]]
        assert row["status"] == ("success" if before["status"] == "success" else "failed")
        assert row["ended_at"] is not None
    assert rows[result.run_id]["status"] == "success"
    for run_id in {*dead_files, result.run_id}:
        run_file = json.loads((data.runs / f"{run_id}.json").read_text())
        row = rows.get(run_id, {"status": "failed"})
        assert (run_file["status"], run_file["stage"]) == (
            row["status"],
            "finished" if row["status"] == "success" else "failed",
        )
    assert leftovers(data) == []
    if isinstance(data, DataBesideLake):
        remove_files_of_no_state(data)
        assert state(place_of(data)) == days.after
    assert_published_files_are_whole(data)
    recorded = {path.stem for path in (data.packages / "mpox" / "loads").iterdir()}
    assert recorded == {run_id for run_id, row in rows.items() if row["status"] == "success"}


def remove_files_of_no_state(data: DataBesideLake) -> None:
    """Remove the files that a killed merge wrote to a lake, at once: the product waits for two days."""
    with warehouse_beside(data).exclusive() as session:
        session.execute("CALL ducklake_delete_orphaned_files('warehouse', older_than => now())")


def assert_published_files_are_whole(data: DataFolder) -> None:
    """The snapshot and each dated one are as their manifests say; the newest dated one is the snapshot."""
    manifests = sorted(data.published.glob("*.json"))
    assert len(manifests) > 1
    verified = [verify(LocalFile(path)) for path in manifests]
    assert [difference for each in verified for difference in each.differences] == []
    assert verified[0].manifest.identity == verified[-1].manifest.identity
    assert {path.stem for path in data.published.glob("virus-*.duckdb")} == {path.stem for path in manifests[1:]}


def leftovers(data: DataFolder) -> list[Path]:
    """Files that no running run needs."""
    packages = data.packages / "mpox"
    return [
        *data.temporary.iterdir(),
        *data.runs.glob(".*"),
        *packages.glob(".*.json.*"),
        *packages.glob("loads/.*"),
        *(path for path in packages.glob("*.zip") if not path.with_suffix(".json").exists()),
        *data.candidates.glob("*.part"),
        *data.published.glob(".*"),
        *data.root.glob("*.wal"),
    ]


class TestKilledAtNamedMoments:
    @on_file_and_lake(some_of(MOMENTS, one_in=9), all_long(MOMENTS))
    def test_warehouse_is_consistent_and_the_next_run_recovers(
        self, days: Days, processes: KilledProcesses, ncbi: FakeNcbi, root: Path, case: str
    ) -> None:
        data = days.begin(root)
        with processes.living(data, days.url, case) as killed:
            killed.wait_for_moment()
            assert killed.kill() == -9
        assert assert_whole(data, days) == (case not in BEFORE_COMMIT)
        asked = len(ncbi.requests)
        assert_next_run_recovers(data, days)
        if case in BEFORE_COMMIT:
            # It downloads only what is not archived.
            assert len(ncbi.requests) - asked == (case in BEFORE_ARCHIVED)

    def test_half_created_file_is_completed_by_the_next_run(
        self, days: Days, processes: KilledProcesses, new_data: Callable[[Path, str], DataFolder], kept: str, root: Path
    ) -> None:
        data = new_data(root, kept)
        with processes.living(data, days.url, WAREHOUSE_MADE) as killed:
            killed.wait_for_moment()
            assert warehouse_beside(data).storage.exists()
            killed.kill()
        assert run_day(data, days.url).mode == "full"
        [row] = ledger(data)
        assert row["status"] == "success"
        assert state(place_of(data)) == state(data.snapshot)
        assert state(place_of(data))["virus_genome"] == days.after["virus_genome"]
        assert leftovers(data) == []

    @pytest.mark.parametrize(
        "moment",
        some_of(["while the copy is made", "after the copy", "while the copy is completed"], one_in=3, first=2),
    )
    def test_retried_check_ignores_the_copy_of_the_killed_process(
        self, days: Days, processes: KilledProcesses, root: Path, moment: str
    ) -> None:
        data = days.begin(root)
        with processes.living(data, days.url, moment) as killed:
            killed.wait_for_moment()
            killed.kill()
        if moment == "while the copy is completed":
            assert list(data.candidates.glob("*.wal")), "the leftover log must not be applied to the new copy"
        run_id = str(ledger(data)[-1]["run_id"])
        ingest_day(data, days.url, dag_run="scheduled__tomorrow")
        publish(data, run_id)
        assert state(data.snapshot) == days.after
        assert {path.name for path in data.candidates.iterdir()} == {".lock", "last_check.json"}

    def test_manifest_of_the_last_snapshot_is_named_and_mended(
        self, days: Days, processes: KilledProcesses, root: Path
    ) -> None:
        data = days.begin(root)
        with processes.living(data, days.url, "between snapshot and manifest") as killed:
            killed.wait_for_moment()
            killed.kill()
        assert state(data.snapshot) == days.after
        differences = {each.what: each for each in verify(LocalFile(data.published)).differences}
        assert differences["publication"].way_out.startswith("The file is newer than its manifest")
        run_id = str(ledger(data)[-1]["run_id"])
        assert publication.publish_candidate(data, run_id), "a retry, which finds nothing to publish"
        assert_published_files_are_whole(data)
        assert json.loads(data.manifest.read_text())["publication_id"] == run_id

    @pytest.mark.long
    def test_unpublished_candidate_is_deleted_after_a_while(
        self, days: Days, processes: KilledProcesses, root: Path
    ) -> None:
        data = days.begin(root)
        with processes.living(data, days.url, "before the publication") as killed:
            killed.wait_for_moment()
            killed.kill()
        [candidate] = data.candidates.glob("*.duckdb")
        old = time.time() - KEPT_CANDIDATE_SECONDS - 1
        os.utime(candidate, (old, old))
        assert_next_run_recovers(data, days)
        assert not candidate.exists()


class TestKilledAtRandomMoments:
    def test_warehouse_is_consistent_and_the_next_run_recovers(
        self, days: Days, processes: KilledProcesses, root: Path, seconds: float
    ) -> None:
        kill_at_random_moments(days, processes, root, seconds, seeds=KILLS)

    @pytest.mark.long
    @pytest.mark.timeout(0)
    def test_warehouse_is_consistent_after_hundreds_of_kills(
        self, days: Days, processes: KilledProcesses, root: Path, seconds: float
    ) -> None:
        first = session_seed()
        kill_at_random_moments(days, processes, root, seconds, seeds=range(first, first + LONG_KILLS))


def kill_at_random_moments(
    days: Days, processes: KilledProcesses, root: Path, seconds: float, *, seeds: Sequence[int]
) -> None:
    """Kill a day once for each seed, at a moment within the day that the seed determines."""
    exit_codes = []
    for seed in seeds:
        data = days.begin(root)
        with processes.living(data, days.url) as killed:
            time.sleep(random.Random(seed).uniform(0, seconds))
            exit_codes.append(killed.kill())
        assert_whole(data, days)
        assert_next_run_recovers(data, days)
        shutil.rmtree(data.root)
    print(f"{exit_codes.count(-9)} of {len(exit_codes)} processes were killed before they ended")  # noqa: T201
    assert exit_codes.count(-9) > len(exit_codes) / 4, "the other processes ended before they were killed"


PACKAGE, REPORT = 400_000, 750_000
"""Minimum and maximum bytes of today's package, and of its unpacked report."""

FULL_DISK_MOMENTS = {
    "download": (PACKAGE // 4, "download"),
    "archive": (0, "archive"),
    "stage": (PACKAGE // 4, "stage"),
    "before the commit": (0, "merge"),
}
"""Moments before the commit, the free bytes then, and the stage that fails."""


class TestDiskFull:
    """With a file, which is on the disk of the data folder; `test_lake_faults.py` fills the disk of a lake."""

    @pytest.fixture(scope="module")
    @staticmethod
    def large_days(folder: Path) -> Iterator[Days]:
        """Days whose data are larger than the free space of a small disk."""
        with FakeNcbi() as ncbi:
            # Not a warehouse made for tests: its small blocks would leave space for a copy where the test needs none.
            data = DataFolder(folder / "fat" / "yesterday")
            data.create()
            yield days_of(ncbi, data, show_large_today)

    @pytest.fixture
    @staticmethod
    def disk(tmp_path: Path) -> Iterator[Path]:
        with small_disk(tmp_path / "disk", 24) as place:
            yield place

    @pytest.mark.parametrize("moment", some_of(FULL_DISK_MOMENTS, one_in=4, first=3))
    def test_full_disk_before_the_commit_fails_the_run_with_a_reason(
        self, large_days: Days, processes: KilledProcesses, disk: Path, moment: str
    ) -> None:
        data = large_days.begin(disk / "data")
        with processes.living(data, large_days.url, moment) as process:
            process.wait_for_moment()
            fill(disk, leave=FULL_DISK_MOMENTS[moment][0])
            error = process.resume()
        assert error.startswith(f"DiskFull: the disk of {data.root} is full")
        assert "No space left on device" in error
        assert "Free some space, or point VIRUS_DATA at a larger disk" in error
        assert not assert_whole(data, large_days)
        row = ledger(data)[-1]
        state_in_file = json.loads((data.runs / f"{row['run_id']}.json").read_text())
        assert state_in_file["error"] == error
        assert (row["status"], row["error"]) == ("failed", error)
        assert list(data.temporary.iterdir()) == []
        empty(disk)
        assert_next_run_recovers(data, large_days)

    @pytest.mark.long
    def test_failure_without_space_to_record_it_is_recorded_by_the_next_run(
        self, large_days: Days, processes: KilledProcesses, disk: Path
    ) -> None:
        data = large_days.begin(disk / "data")
        with processes.living(data, large_days.url, "download") as process:
            process.wait_for_moment()
            for reserve in data.temporary.glob("*/reserve"):
                reserve.unlink()
            fill(disk, leave=0)
            assert process.resume().startswith("DiskFull: ")
        assert not assert_whole(data, large_days)
        assert ledger(data)[-1]["status"] == "running"
        empty(disk)
        assert_next_run_recovers(data, large_days)

    def test_full_disk_after_the_commit_keeps_the_run_committed(
        self, large_days: Days, processes: KilledProcesses, disk: Path
    ) -> None:
        data = large_days.begin(disk / "data")
        with processes.living(data, large_days.url, "after the commit, before the checkpoint") as process:
            process.wait_for_moment()
            fill(disk, leave=0)
            error = process.resume()
        assert error.startswith("DiskFull: "), "there must be no space for the candidate"
        assert state(place_of(data)) == large_days.after
        assert state(data.snapshot) == large_days.before
        row = ledger(data)[-1]
        state_in_file = json.loads((data.runs / f"{row['run_id']}.json").read_text())
        assert (row["status"], state_in_file["stage"], state_in_file["status"]) == ("success", "finished", "success")
        empty(disk)
        assert_next_run_recovers(data, large_days)

    def test_failed_checkpoint_after_the_commit_logs_a_warning(
        self, large_days: Days, disk: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        data = large_days.begin(disk / "data")
        detach = Warehouse._detach
        moments: list[None] = []

        def fill_and_detach(warehouse: Warehouse, session: duckdb.DuckDBPyConnection) -> None:
            moments.append(None)
            if len(moments) == 3:
                fill(disk, leave=0)
            detach(warehouse, session)

        with monkeypatch.context() as patch:
            patch.setattr(Warehouse, "_detach", fill_and_detach)
            result = ingest_day(data, large_days.url)
        [warning] = [message for message in caplog.messages if "not yet checkpointed" in message]
        assert f"committed data stay in {data.warehouse}.wal" in warning
        assert "free some disk space" in warning
        assert Path(f"{data.warehouse}.wal").exists()
        assert (result.counts["inserted"], ledger(data)[-1]["status"]) == (5, "success")
        # This process continues to use the warehouse in spite of the full disk.
        with duckdb.connect() as session, Warehouse(data.warehouse).transaction(session):
            assert session.execute("SELECT count(*) FROM warehouse.main.virus_genome").fetchone() == (35,)
        empty(disk)
        assert_next_run_recovers(data, large_days)

    @pytest.mark.parametrize(
        ("moment", "leave"),
        # Too little space for the copy (short form: the test of a full disk after the commit), or for its changes.
        [pytest.param("finished", 100_000, marks=pytest.mark.long), ("after the copy", 0)],
    )
    def test_check_without_space_keeps_the_last_snapshot_and_leaves_no_partial_file(
        self, large_days: Days, processes: KilledProcesses, disk: Path, moment: str, leave: int
    ) -> None:
        data = large_days.begin(disk / "data")
        with processes.living(data, large_days.url, moment) as process:
            process.wait_for_moment()
            fill(disk, leave=leave)
            assert process.resume().startswith("DiskFull: the disk of ")
        assert assert_whole(data, large_days)
        assert state(data.snapshot) == large_days.before
        assert list(data.candidates.glob("*.part")) == []
        empty(disk)
        publish(data, str(ledger(data)[-1]["run_id"]))
        assert state(data.snapshot) == large_days.after

    def test_publication_needs_no_space(self, large_days: Days, processes: KilledProcesses, disk: Path) -> None:
        data = large_days.begin(disk / "data")
        with processes.living(data, large_days.url, "before the publication") as process:
            process.wait_for_moment()
            fill(disk, leave=0)
            assert process.resume() == "done"
        assert state(data.snapshot) == large_days.after

    def test_spilling_beyond_the_disk_is_reported_as_a_full_disk(self, disk: Path) -> None:
        with (
            duckdb.connect(config={"memory_limit": "30MB", "threads": 1, "temp_directory": str(disk)}) as session,
            pytest.raises(DiskFull, match="Free some space"),
            translate_resource_errors(disk),
        ):
            session.execute("CREATE TABLE t AS SELECT md5(range::VARCHAR) AS x FROM range(5_000_000)")


class TestCommitThatEndsWithAnError:
    """The commit may have taken effect or not: the ledger of the reopened file decides."""

    @pytest.mark.parametrize("takes_effect", some_of([True, False], one_in=2))
    def test_run_outcome_is_read_from_the_ledger(
        self, days: Days, root: Path, takes_effect: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = days.begin(root)
        commit = Warehouse._commit
        commits: list[None] = []

        def fail(warehouse: Warehouse, session: duckdb.DuckDBPyConnection) -> None:
            commits.append(None)
            if len(commits) != 3:
                commit(warehouse, session)
                return
            session.execute("COMMIT" if takes_effect else "ROLLBACK")
            raise CommitFailed("the disk has gone")

        with monkeypatch.context() as patch:
            patch.setattr(Warehouse, "_commit", fail)
            if takes_effect:
                assert run_day(data, days.url).counts["inserted"] == 5
            else:
                with pytest.raises(CommitFailed):
                    run_day(data, days.url)
        assert assert_whole(data, days) == takes_effect
        assert_next_run_recovers(data, days)


class TestTooLittleMemory:
    @pytest.mark.parametrize("limit", some_of(["4MB", "1MB", "8MB"], one_in=3))
    def test_run_fails_and_names_the_setting(
        self, days: Days, root: Path, limit: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = days.begin(root)
        with monkeypatch.context() as patch:
            patch.setenv("VIRUS_MEMORY_LIMIT", limit)
            with pytest.raises(MemoryTooSmall) as failed:
                run_day(data, days.url)
        error = str(failed.value)
        assert error.startswith(f"VIRUS_MEMORY_LIMIT={limit} is too little memory.")
        assert "Set VIRUS_MEMORY_LIMIT higher" in error
        assert not assert_whole(data, days)
        row = ledger(data)[-1]
        assert (row["status"], row["error"]) == ("failed", f"MemoryTooSmall: {error}")
        assert_next_run_recovers(data, days)
