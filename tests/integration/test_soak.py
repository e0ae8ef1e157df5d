"""Many days in a row, some with faults: no data are lost, and nothing but the data grows.

Sixteen days in `make test`, forty and thousands in `make test-long`.
"""

import gc
import random
import threading
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pytest

from tests.integration.test_crash_safety import leftovers
from tests.support.crashing_warehouse import Crash, CrashingWarehouse
from tests.support.fake_ncbi import UNAVAILABLE, BadLine, FakeNcbi, Line, damaged
from tests.support.killed_process import MPOX, publish
from tests.support.no_pandas import hide_pandas
from tests.support.seeds import session_seed
from tests.support.tiers import all_long
from tests.support.warehouses import dicts, made_data, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.run_mode import FULL, WINDOW
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sql_file import sql_text
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.load import Acceptance
from virus_warehouse.warehouse.run_record import OUTCOMES
from virus_warehouse.windows import WindowRequest

RUNS = [16, *all_long([40])]
LONG_RUNS = 3000
FIRST_DAY = date(2024, 1, 1)
RETENTION_DAYS = 30

GROWTH = {"files": 2, "threads": 2, "MiB": 24}
"""What a process may take more at the end than after a quarter of the days: a file or thread that is just being closed,
and memory, which allocators take slowly. A MiB that leaks at each run goes beyond in forty days, two in sixteen."""
WORLD_BYTES_A_DAY = 8 << 10
"""What the fake NCBI, in the same process, keeps of each day's records: much in thousands of days, nothing in forty."""
PATIENCE = 120.0
"""Seconds to wait for what takes one or two on an idle machine."""


class FaultSchedule:
    """What NCBI shows each day, and the faults of each day."""

    def __init__(self, seed: int, ncbi: FakeNcbi) -> None:
        self.random = random.Random(seed)
        self.ncbi = ncbi
        self.today = FIRST_DAY
        self.numbers = 0

    def next_day(self) -> None:
        """The next day: records appear, change, are re-dated and disappear; some come late."""
        self.today += timedelta(days=1)
        world = self.ncbi.world
        for _ in range(self.random.randrange(8)):
            self.numbers += 1
            day = self.today - timedelta(days=self.random.choice([0, 0, 0, 1, 5]))
            world.show(Line(f"PX{self.numbers}", 1, day, self.random.randrange(1000), None, "human"))
        lines = list(world.records.values())
        for line in self.random.sample(lines, min(len(lines), self.random.randrange(6))):
            changed = replace(
                line,
                version=line.version + self.random.randrange(2),
                length=line.length + self.random.randrange(3),
                update_date=self.today,
            )
            world.show(changed)
        if lines and self.random.random() < 0.1:
            del world.records[self.random.choice(lines).accession]
        world.strays = [(0, BadLine(f"{{{self.today}"))] if self.random.random() < 0.1 else []

    def trouble(self) -> str | None:
        """Today's fault."""
        return self.random.choice([None] * 8 + ["down", "damaged", "before the commit", "in the download"])


def run_once(data: DataFolder, ncbi: FakeNcbi, trouble: str | None, **others: Any) -> IngestResult | None:
    """One run with this fault; None if it failed."""

    def crash(_: object) -> None:
        raise Crash

    ncbi.breaks = {"down": [UNAVAILABLE] * 2, "damaged": [damaged()] * 2}.get(trouble or "", [])
    warehouse = (CrashingWarehouse if trouble == "before the commit" else Warehouse)(
        data.warehouse, lock_timeout=PATIENCE
    )
    source = MPOX.model_copy(update={"retention_days": RETENTION_DAYS})
    try:
        with DatasetsClient(ncbi.url, attempts=2, backoff_factor=0.0) as client:
            return ingest(
                source,
                client=client,
                warehouse=warehouse,
                data=data,
                on_progress=crash if trouble == "in the download" else None,
                **others,
            )
    except Exception:
        if trouble is None:
            raise
        return None


def used() -> dict[str, int]:
    """The resources of this process, once the fake NCBI has noticed that its last client disconnected."""
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.endswith("(process_request_thread)"):
            thread.join(timeout=PATIENCE)
    process = psutil.Process()
    return {
        "files": process.num_fds(),
        "threads": process.num_threads(),
        "MiB": process.memory_info().rss >> 20,
    }


def request_of(day: int, today: date) -> WindowRequest:
    if day % 40 == 39:
        return WindowRequest(mode=FULL)
    if day % 7 == 6:
        return WindowRequest(mode=WINDOW, since=today - timedelta(days=3), until=today)
    return WindowRequest()


def state(path: Path) -> list[tuple[Any, ...]]:
    """The current records."""
    shown = "SELECT accession, version, update_date, length, status FROM virus_genome ORDER BY ALL"
    return query(path, shown)


@pytest.mark.parametrize("runs", RUNS)
def test_nothing_is_lost_and_nothing_grows_but_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, runs: int
) -> None:
    run_for(runs, 8, tmp_path, monkeypatch, caplog)


@pytest.mark.long
@pytest.mark.timeout(0)
def test_nothing_is_lost_and_nothing_grows_in_years(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run_for(LONG_RUNS, session_seed(), tmp_path, monkeypatch, caplog)


def run_for(
    runs: int, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Run for this many days, one run each, and check the result."""
    monkeypatch.setenv("VIRUS_THREADS", "1")
    hide_pandas(monkeypatch)
    caplog.set_level("CRITICAL")
    with FakeNcbi() as ncbi:
        data = made_data(tmp_path / "data")
        fault_schedule = FaultSchedule(seed, ncbi)
        ended: Counter[str] = Counter()
        warm: dict[str, int] = {}
        for day in range(runs):
            fault_schedule.next_day()
            trouble = fault_schedule.trouble()
            result = run_once(data, ncbi, trouble, wish=request_of(day, fault_schedule.today))
            ended["success" if result else "failed"] += 1
            if result is not None and day % 5 == 0:
                publish(data, result.run_id)
            assert leftovers(data) == []
            ncbi.requests.clear()
            if day == runs // 4:
                warm = used()
        end = used()
        grown = {name: end[name] - warm[name] for name in GROWTH}
        grown["MiB"] -= runs * WORLD_BYTES_A_DAY >> 20
        assert all(grown[name] <= most for name, most in GROWTH.items()), (warm, end, threading.enumerate())

        ledger = dicts(data.warehouse, "FROM ops.ingest_run")
        assert Counter(row["status"] for row in ledger) == ended
        assert min(ended.values()) > runs / 10
        for row in ledger:
            if row["status"] == "success":
                assert row["lines"] == sum(row[outcome] for outcome in OUTCOMES)

        # Censuses end records that NCBI no longer shows; then the warehouse equals a first load of today.
        fault_schedule.ncbi.world.strays.clear()
        for _ in range(2):
            run_once(data, ncbi, None, wish=WindowRequest(mode="census"), accepts=Acceptance(missing=True))
        # A census requests no sequences: a full load brings those of the records that it has found.
        last = run_once(data, ncbi, None, wish=WindowRequest(mode=FULL))
        assert last is not None
        publish(data, last.run_id)
        fresh = made_data(tmp_path / "fresh")
        run_once(fresh, ncbi, None)
        assert state(data.warehouse) == state(data.snapshot) == state(fresh.warehouse)
        assert len(state(fresh.warehouse)) == len(ncbi.world.records)
        assert query(data.warehouse, gates_sql()) == []
        balance = """
            SELECT
                sum(inserted) - sum(withdrawn) = (SELECT count(*) FROM virus_genome),
                sum(revised) + sum(withdrawn) = (SELECT count(*) FROM virus_genome_history)
            FROM ops.ingest_run WHERE status = 'success'
        """
        assert query(data.warehouse, balance) == [(True, True)]

        copy = tmp_path / "copy.duckdb"
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH {sql_text(data.warehouse)} AS warehouse (READ_ONLY)")
            connection.execute(f"ATTACH {sql_text(copy)} AS copy")
            connection.execute("COPY FROM DATABASE warehouse TO copy")
        sizes = data.warehouse.stat().st_size, copy.stat().st_size
        print(  # noqa: T201 (shown by pytest -rP)
            f"{runs} runs, seed {seed}: {dict(ended)}; warm {warm}, in the end {end}; file {sizes[0]}, copy {sizes[1]}"
        )
        assert sizes[0] <= 3 * sizes[1]
