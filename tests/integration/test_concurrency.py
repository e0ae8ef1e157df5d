"""Concurrent runs and readers: they wait for each other, and no data are lost."""

import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.fake_ncbi import FakeNcbi, Released, Revised, World
from tests.support.tiers import some_of
from tests.support.waiting import until
from tests.support.warehouses import dicts, made_data, query
from tests.support.workers import follow, held_elsewhere, processes, read_again_and_again
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.run_mode import WINDOW
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse, WarehouseLocked
from virus_warehouse.warehouse.run_record import OUTCOMES
from virus_warehouse.windows import WindowRequest

FIRST_DAY = date(2025, 5, 1)
PATIENCE = 240.0
"""Seconds to wait for what takes a few seconds on an idle machine."""
NAMES = ("mpox", "mpox_usa", "mpox_human", "mpox_again")


@pytest.fixture
def ncbi() -> Iterator[FakeNcbi]:
    with FakeNcbi() as server:
        for number in range(40):
            Released(f"PX{number}", FIRST_DAY + timedelta(days=number % 10), "human").happen(server.world)
        yield server


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return made_data(tmp_path / "data")


def held(path: Path, source: str) -> dict[str, tuple[Any, ...]]:
    """The records of a source in a warehouse or snapshot."""
    rows = query(path, "SELECT accession, version, update_date, length FROM virus_genome WHERE source = ?", source)
    return {accession: rest for accession, *rest in rows}


def shown(world: World) -> dict[str, list[Any]]:
    """The records as NCBI shows them."""
    return {line.accession: [line.version, line.update_date, line.length] for line in world.records.values()}


def assert_nothing_lost(data: DataFolder) -> None:
    """Rows, ledger and gates agree, in the warehouse and in the snapshot."""
    rows = dicts(data.warehouse, "FROM ops.ingest_run ORDER BY ended_at")
    assert {row["status"] for row in rows} == {"success"}
    for row in rows:
        assert row["lines"] == sum(row[outcome] for outcome in OUTCOMES)
    inserted = query(data.warehouse, "SELECT source, sum(inserted) FROM ops.ingest_run GROUP BY source ORDER BY source")
    count = "SELECT source, count(*) FROM virus_genome GROUP BY source ORDER BY source"
    assert inserted == query(data.warehouse, count)
    assert query(data.warehouse, gates_sql()) == []
    assert not list(data.temporary.iterdir())
    assert not list(data.runs.glob(".*"))


class TestSourcesAtOnce:
    @pytest.mark.parametrize("runs", [1, pytest.param(8, marks=pytest.mark.long)])
    @pytest.mark.parametrize("workers", some_of([processes, ThreadPoolExecutor], one_in=2))
    def test_all_commit_and_the_last_snapshot_has_all_records(
        self, ncbi: FakeNcbi, data: DataFolder, workers: Any, runs: int
    ) -> None:
        with workers(4) as pool:
            following = [pool.submit(follow, data.root, ncbi.url, name, runs=runs) for name in NAMES]
            counts = [source.result(PATIENCE) for source in following]
        assert [[run["inserted"] for run in source] for source in counts] == [[40, *[0] * (runs - 1)]] * 4
        assert_nothing_lost(data)
        for name in NAMES:
            assert held(data.snapshot, name) == held(data.warehouse, name) == shown(ncbi.world)
        assert list(data.candidates.glob("*.duckdb*")) == []


class TestBackfillBesideTheDailyRun:
    @pytest.mark.parametrize("turns", [1, pytest.param(3, marks=pytest.mark.long)])
    def test_neither_loses_records_of_the_other(self, ncbi: FakeNcbi, data: DataFolder, turns: int) -> None:
        follow(data.root, ncbi.url)
        last = FIRST_DAY + timedelta(days=9)
        windows = [
            WindowRequest(mode=WINDOW, since=FIRST_DAY + timedelta(days=day), until=FIRST_DAY + timedelta(days=day + 1))
            for day in range(12)
        ]
        with processes(4) as pool:
            for turn in range(turns):
                for number in range(5):
                    Released(f"PX{turn}NEW{number}", FIRST_DAY + timedelta(days=turn), None).happen(ncbi.world)
                    Revised(turn * 5 + number, {"length": 9 + turn}, days=1).happen(ncbi.world)
                backfill = [
                    pool.submit(follow, data.root, ncbi.url, "mpox", window_request)
                    for window_request in windows[turn::3]
                ]
                daily = pool.submit(follow, data.root, ncbi.url)
                for run in (*backfill, daily):
                    run.result(PATIENCE)
        assert held(data.warehouse, "mpox") == shown(ncbi.world)
        assert_nothing_lost(data)
        daily_runs = "SELECT watermark FROM ops.ingest_run WHERE mode <> 'window' ORDER BY ended_at"
        watermarks = query(data.warehouse, daily_runs)
        assert watermarks == sorted(watermarks)
        assert watermarks[-1] >= (last,)
        assert held(data.snapshot, "mpox") == shown(ncbi.world)


class TestReadersOfTheSnapshot:
    @pytest.mark.long
    def test_readers_never_wait_and_see_consistent_snapshots(
        self, ncbi: FakeNcbi, data: DataFolder, tmp_path: Path
    ) -> None:
        follow(data.root, ncbi.url)
        stop = tmp_path / "stop"
        with processes(2) as pool, duckdb.connect(data.snapshot, read_only=True) as early:
            begun = tmp_path / "begun"
            reader = pool.submit(read_again_and_again, data.snapshot, stop, begun)
            until(begun.exists, PATIENCE)
            writer = pool.submit(publish_growing, ncbi.url, data.root)
            for number in range(6):
                published = version_of(data.snapshot)
                Released(f"PXNEW{number}", FIRST_DAY + timedelta(days=12), None).happen(ncbi.world)
                until(lambda published=published: version_of(data.snapshot) != published, PATIENCE)
            writer.result(PATIENCE)
            stop.touch()
            seen = reader.result(PATIENCE)
            assert early.execute("SELECT count(*) FROM virus_genome").fetchall() == [(40,)], "still its snapshot"
        assert seen == sorted(seen)
        assert seen[0] == 40
        assert len(query(data.snapshot, "FROM virus_genome")) == 46


def version_of(snapshot: Path) -> tuple[int, int]:
    """Changes with each publication. This process has the snapshot open, and so would read the old one."""
    status = snapshot.stat()
    return status.st_ino, status.st_mtime_ns


def publish_growing(url: str, root: Path) -> None:
    """Load and publish while NCBI shows more and more records, until all are published."""
    deadline = time.monotonic() + PATIENCE
    while follow(root, url)[-1]["lines"] is None or len(held(DataFolder(root).snapshot, "mpox")) < 46:
        assert time.monotonic() < deadline


class TestProcessHoldingTheWarehouse:
    @pytest.mark.parametrize("how", some_of(["reading", "writing"], one_in=2, first=1))
    def test_run_waits_and_logs_the_lock_holder(
        self, ncbi: FakeNcbi, data: DataFolder, how: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "virus_warehouse.warehouse.connection")

        def waits() -> list[str]:
            return [message for message in caplog.messages if message.startswith("waiting for the warehouse for")]

        started = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            with held_elsewhere(data.warehouse, how, 3600) as holder:
                run = pool.submit(follow, data.root, ncbi.url)
                until(waits, PATIENCE)
            [counts] = run.result(PATIENCE)
        assert counts["inserted"] == 40
        assert len(waits()) <= 1 + (time.monotonic() - started) / 10, "logged after one second, then every ten"
        assert all(f"(PID {holder})" in message for message in waits())
        assert_nothing_lost(data)

    def test_run_fails_after_the_lock_timeout_and_the_next_run_catches_up(
        self, ncbi: FakeNcbi, data: DataFolder
    ) -> None:
        source = Source(name="mpox", request=VirusGenomeRequest(taxon="10244"))
        warehouse = Warehouse(data.warehouse, lock_timeout=0.5)
        with ExitStack() as stack:
            holder = stack.enter_context(held_elsewhere(data.warehouse, "reading", 3600))
            client = stack.enter_context(DatasetsClient(ncbi.url))
            with pytest.raises(WarehouseLocked) as locked:
                ingest(source, client=client, warehouse=warehouse, data=data)
        assert f"(PID {holder})" in str(locked.value)
        [path] = data.runs.glob("*.json")
        run_file = json.loads(path.read_text())
        assert (run_file["status"], run_file["error"]) == ("failed", f"WarehouseLocked: {locked.value}")
        [counts] = follow(data.root, ncbi.url)
        assert counts["inserted"] == 40
        assert_nothing_lost(data)
