"""Processes die, disks fill and memory is short, at any moment: the warehouse is whole, and the next run makes good.

`VIRUS_KILLS=500` kills at more random moments than the 50 of every day.
"""

import json
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.doomed import MOMENTS, WAREHOUSE_MADE, DoomedProcesses, publish, spend_day
from tests.support.fake_ncbi import BadLine, DatedAnew, FakeNcbi, LineBroken, Released, Revised, World
from tests.support.memory import memory_folder
from tests.support.warehouses import dicts, migrated_file
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.publish.snapshot import KEPT_CANDIDATE_SECONDS
from virus_warehouse.windows import WINDOW, WindowWish

KILLS = int(os.environ.get("VIRUS_KILLS", "50"))
KILLS_A_TEST = 10
YESTERDAY = date(2025, 6, 1)
WINDOW_WISH = WindowWish(mode=WINDOW, since=YESTERDAY, until=YESTERDAY + timedelta(days=2))

BEFORE_COMMIT = {
    "before anything is written",
    "while the run file is replaced",
    "open",
    "within the opening transaction",
    "after the opening commit",
    "fetch",
    "download",
    "at the end of the download",
    "archive",
    "between package and sidecar",
    "stage",
    "merge",
    "within the merge",
    "before the commit",
}
"""The moments at which nothing is loaded yet."""

STATE = {
    "virus_genome": "SELECT * EXCLUDE (valid_from, run_id) FROM virus_genome",
    "history": "SELECT * EXCLUDE (valid_from, valid_to, run_id, ended_run_id) FROM virus_genome_history",
    "taxon": "FROM taxon",
    "taxon_lineage": "FROM taxon_lineage",
    "quarantine": "SELECT * EXCLUDE (first_run_id, last_run_id) FROM ops.quarantine",
    "watermark": "SELECT source, max(watermark) FROM ops.ingest_run WHERE status = 'success' GROUP BY source",
}


def state(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What a warehouse or a snapshot says, but for runs and times; it passes all gates."""
    with duckdb.connect(path, read_only=True) as connection:
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
        DatedAnew(number + 10, days=2).happen(world)
    LineBroken(BadLine("{"), 3).happen(world)


@dataclass(frozen=True)
class Days:
    """A data folder as yesterday's run left it, and what a warehouse says before and after an undisturbed day."""

    url: str
    folder: Path
    before: dict[str, list[tuple[Any, ...]]]
    after: dict[str, list[tuple[Any, ...]]]

    def begin(self, root: Path) -> DataFolder:
        """A copy to live through today."""
        shutil.copytree(self.folder, root)
        return DataFolder(root)


@pytest.fixture(scope="module")
def ncbi() -> Iterator[FakeNcbi]:
    with FakeNcbi() as server:
        yield server


@pytest.fixture(scope="module", autouse=True)
def quick() -> Iterator[None]:
    """Settings that save time, here and in the processes that die."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIRUS_THREADS", "1")
        patch.setitem(sys.modules, "pandas", None)  # else DuckDB looks for it at every statement
        yield


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with memory_folder(tmp_path_factory.mktemp("days")) as folder:
        yield folder


@pytest.fixture
def root(memory: Path) -> Iterator[Path]:
    """Where a test's data folder is to be."""
    yield memory / "data"
    shutil.rmtree(memory / "data", ignore_errors=True)


@pytest.fixture(scope="module")
def days(ncbi: FakeNcbi, memory: Path) -> Days:
    data = DataFolder(memory / "yesterday")
    data.create()
    data.warehouse.write_bytes(migrated_file())
    show_yesterday(ncbi.world)
    spend_day(data, ncbi.url, dag_run="scheduled__yesterday")
    before = state(data.warehouse)
    show_today(ncbi.world)
    undisturbed = DataFolder(memory / "undisturbed")
    shutil.copytree(data.root, undisturbed.root)
    spend_day(undisturbed, ncbi.url)
    assert state(undisturbed.snapshot) == state(undisturbed.warehouse)
    return Days(ncbi.url, data.root, before, state(undisturbed.warehouse))


@pytest.fixture(scope="module")
def processes() -> DoomedProcesses:
    return DoomedProcesses()


@pytest.fixture(scope="module")
def seconds(days: Days, processes: DoomedProcesses, memory: Path) -> float:
    """How long a day takes, if nobody kills it."""
    lives = []
    for number in range(3):
        data = days.begin(memory / f"life {number}")
        with processes.living(data.root, days.url) as living:
            lives.append(living.seconds())
        assert state(data.snapshot) == days.after
    return min(lives)


def ledger(data: DataFolder) -> list[dict[str, Any]]:
    return dicts(data.warehouse, "FROM ops.ingest_run ORDER BY started_at")


def assert_whole(data: DataFolder, days: Days) -> bool:
    """The warehouse of a dead process opens, rows and ledger agree, and the snapshot is whole. Is today loaded?"""
    committed = [row["status"] for row in ledger(data)][1:] == ["success"]
    assert state(data.warehouse) == (days.after if committed else days.before)
    shown = state(data.snapshot)
    assert shown == days.before or (committed and shown == days.after)
    return committed


def assert_made_good(data: DataFolder, days: Days) -> None:
    """The next run completes and leaves what an undisturbed one would."""
    seen = ledger(data)
    dead_files = {path.stem for path in data.runs.glob("*.json")}
    result = spend_day(data, days.url)
    assert state(data.warehouse) == state(data.snapshot) == days.after
    rows = {row["run_id"]: row for row in ledger(data)}
    for before in seen:
        row = rows[before["run_id"]]
        assert row["status"] == ("success" if before["status"] == "success" else "failed")
        assert row["ended_at"] is not None
    assert rows[result.run_id]["status"] == "success"
    for run_id in {*dead_files, result.run_id}:
        told = json.loads((data.runs / f"{run_id}.json").read_text())
        row = rows.get(run_id, {"status": "failed"})
        assert (told["status"], told["stage"]) == (
            row["status"],
            "finished" if row["status"] == "success" else "failed",
        )
    assert leftovers(data) == []
    recorded = {path.stem for path in (data.packages / "mpox" / "loads").iterdir()}
    assert recorded == {run_id for run_id, row in rows.items() if row["status"] == "success"}


def leftovers(data: DataFolder) -> list[Path]:
    """What no living run needs, and nobody would ever look at."""
    packages = data.packages / "mpox"
    return [
        *data.temporary.iterdir(),
        *data.runs.glob(".*"),
        *packages.glob(".*.json.*"),
        *packages.glob("loads/.*"),
        *(path for path in packages.glob("*.zip") if not path.with_suffix(".json").exists()),
        *data.candidates.glob("*.part"),
        *data.root.glob("*.wal"),
    ]


class TestKilledAtNamedMoments:
    @pytest.mark.parametrize("moment", MOMENTS)
    def test_warehouse_is_whole_and_the_next_run_makes_good(
        self, days: Days, processes: DoomedProcesses, root: Path, moment: str
    ) -> None:
        data = days.begin(root)
        with processes.living(data.root, days.url, moment, WINDOW_WISH if moment == "fetch" else None) as doomed:
            doomed.wait_for_moment()
            assert doomed.kill() == -9
        assert assert_whole(data, days) == (moment not in BEFORE_COMMIT)
        assert_made_good(data, days)

    def test_file_half_made_is_made_by_the_next_run(
        self, days: Days, processes: DoomedProcesses, ncbi: FakeNcbi, root: Path
    ) -> None:
        data = DataFolder(root)
        data.create()
        with processes.living(data.root, days.url, WAREHOUSE_MADE) as doomed:
            doomed.wait_for_moment()
            assert data.warehouse.exists()
            doomed.kill()
        assert spend_day(data, days.url).mode == "full"
        [row] = ledger(data)
        assert row["status"] == "success"
        assert state(data.warehouse) == state(data.snapshot) == days.after
        assert leftovers(data) == []

    @pytest.mark.parametrize("moment", ["between package and sidecar", "stage", "before the commit"])
    def test_next_try_asks_ncbi_only_for_what_is_not_archived(
        self, days: Days, processes: DoomedProcesses, ncbi: FakeNcbi, root: Path, moment: str
    ) -> None:
        data = days.begin(root)
        with processes.living(data.root, days.url, moment) as doomed:
            doomed.wait_for_moment()
            doomed.kill()
        asked = len(ncbi.requests)
        assert_made_good(data, days)
        assert len(ncbi.requests) - asked == (moment == "between package and sidecar")

    @pytest.mark.parametrize("moment", ["while the copy is made", "after the copy", "while the copy is completed"])
    def test_next_try_of_a_check_takes_nothing_from_the_dead_ones_copy(
        self, days: Days, processes: DoomedProcesses, root: Path, moment: str
    ) -> None:
        data = days.begin(root)
        with processes.living(data.root, days.url, moment) as doomed:
            doomed.wait_for_moment()
            doomed.kill()
        publish(data, str(ledger(data)[-1]["run_id"]))
        assert state(data.snapshot) == days.after
        assert [path.name for path in data.candidates.iterdir()] == [".lock"]

    def test_checked_copy_that_nobody_published_goes_in_time(
        self, days: Days, processes: DoomedProcesses, root: Path
    ) -> None:
        data = days.begin(root)
        with processes.living(data.root, days.url, "before the publication") as doomed:
            doomed.wait_for_moment()
            doomed.kill()
        [candidate] = data.candidates.glob("*.duckdb")
        old = time.time() - KEPT_CANDIDATE_SECONDS - 1
        os.utime(candidate, (old, old))
        assert_made_good(data, days)
        assert not candidate.exists()


class TestKilledAtRandomMoments:
    @pytest.mark.parametrize("first", range(0, KILLS, KILLS_A_TEST))
    def test_warehouse_is_whole_and_the_next_run_makes_good(
        self, days: Days, processes: DoomedProcesses, root: Path, seconds: float, first: int
    ) -> None:
        exit_codes = []
        for seed in range(first, min(first + KILLS_A_TEST, KILLS)):
            data = days.begin(root)
            with processes.living(data.root, days.url) as doomed:
                time.sleep(random.Random(seed).uniform(0, seconds))
                exit_codes.append(doomed.kill())
            assert_whole(data, days)
            assert_made_good(data, days)
            shutil.rmtree(data.root)
        assert exit_codes.count(-9) > len(exit_codes) / 4, "the others had finished before"
