"""Readers of the snapshot while loads, checks and publications run: none waits, fails or sees a partial state."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from tests.support.fake_ncbi import FakeNcbi, NoLongerShown, Redated, Released, Revised
from tests.support.killed_process import publish
from tests.support.waiting import until
from tests.support.warehouses import made_data, query
from tests.support.workers import processes
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.publish.gates import classify_findings, gates_sql, refuse_findings
from virus_warehouse.run_mode import CENSUS
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.run_record import OUTCOMES
from virus_warehouse.windows import WindowRequest

FIRST_DAY = date(2025, 5, 1)
SOURCES = ("mpox", "mpox_again")
PATIENCE = 240.0
"""Seconds to wait for what takes a few seconds on an idle machine."""
PAUSE = 0.2
"""Seconds between two looks, so that the readers leave processor time to the writers."""

STATE = """
    SELECT count(*), coalesce(bit_xor(hash(accession_version, record_hash, valid_from, run_id)), 0)
    FROM {records}
    WHERE source = '{source}'
"""
"""The records of a source without update dates, which change in place when NCBI re-dates a record."""


class Look(NamedTuple):
    """What a reader saw of a source: its last committed run, the end of that run, and its records."""

    source: str
    run_id: str
    ended_at: Any
    state: tuple[int, int]


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return made_data(tmp_path / "data")


def look(connection: duckdb.DuckDBPyConnection) -> list[Look]:
    """Check all invariants of a snapshot, independently of concurrent writes."""
    refuse_findings(classify_findings(connection.execute(gates_sql()).fetchall()))
    outcomes = " + ".join(OUTCOMES)
    assert connection.execute(f"FROM ops.ingest_report WHERE lines <> {outcomes}").fetchall() == []
    # The status was written into the candidate after it was copied, the rows before.
    assert (
        connection.execute("""
        SELECT source, records, last_success_at FROM ops.source_status WHERE records > 0
        EXCEPT
        SELECT source, count(*), any_value(last_success_at)
        FROM virus_genome
        INNER JOIN (
            SELECT source, max(ended_at) AS last_success_at
            FROM ops.ingest_run
            WHERE status = 'success'
            GROUP BY source
        ) USING (source)
        GROUP BY source
    """).fetchall()
        == []
    )
    tables = [
        table for (table,) in connection.execute("SELECT DISTINCT name FROM _about WHERE topic = 'count'").fetchall()
    ]
    assert "virus_protein" in tables
    for table in tables:
        counted = f"SELECT count(*) FROM {table}"
        recorded = f"SELECT coalesce(sum(value::BIGINT), 0) FROM _about WHERE topic = 'count' AND name = '{table}'"
        assert connection.execute(counted).fetchall() == connection.execute(recorded).fetchall()
    assert (
        connection.execute("""
        SELECT value FROM _about WHERE topic = 'snapshot' AND name = 'last_run_id'
        EXCEPT
        SELECT max_by(run_id, ended_at) FROM ops.ingest_run WHERE status = 'success'
    """).fetchall()
        == []
    )
    runs = connection.execute("""
        SELECT source, max_by(run_id, ended_at), max(ended_at), sum(inserted - withdrawn)
        FROM ops.ingest_run
        WHERE status = 'success'
        GROUP BY source
        ORDER BY source
    """).fetchall()
    seen = []
    for source, run_id, ended_at, held in runs:
        state = connection.execute(STATE.format(records="virus_genome", source=source)).fetchall()[0]
        assert state[0] == held, "the number of records must agree with the ledger"
        seen.append(Look(source, run_id, ended_at, state))
    return seen


def reopen_and_look(snapshot: Path, stop: Path, begun: Path) -> list[list[Look]]:
    """Open, look and close repeatedly: first before `begun` exists, last after `stop` exists."""
    seen = []
    is_last = False
    while not is_last:
        is_last = stop.exists()
        with duckdb.connect(snapshot, read_only=True) as connection:
            seen.append(look(connection))
        begun.touch()
        time.sleep(PAUSE)
    return seen


def look_repeatedly(snapshot: Path, stop: Path, begun: Path) -> list[list[Look]]:
    """Open once and look repeatedly: first before `begun` exists, last after `stop` exists."""
    seen = []
    with duckdb.connect(snapshot, read_only=True) as connection:
        is_last = False
        while not is_last:
            is_last = stop.exists()
            seen.append(look(connection))
            begun.touch()
            time.sleep(PAUSE)
    return seen


def follow_on(root: Path, url: str, name: str, rounds: int) -> int:
    """Load and publish repeatedly (two updates, a census, two updates ...); the number of runs."""
    data = DataFolder(root)
    request = VirusGenomeRequest(taxon="10244", aux_report=["ANNOTATION", "BIOSAMPLE_REPORT"])
    for number in range(rounds):
        with DatasetsClient(url) as client:
            result = ingest(
                Source(name=name, request=request),
                client=client,
                warehouse=Warehouse(data.warehouse, lock_timeout=PATIENCE),
                data=data,
                wish=WindowRequest(mode=CENSUS) if number % 3 == 2 else None,
            )
        publish(data, result.run_id)
    return rounds


def change_things(ncbi: FakeNcbi, stop: threading.Event) -> None:
    """Let NCBI release, revise, re-date and withdraw records continuously."""
    number = 0
    while not stop.wait(0.1):
        day = FIRST_DAY + timedelta(days=10 + number // 20)
        Released(f"PXNEW{number}", day, None).happen(ncbi.world)
        Revised(number * 7, {"length": 100 + number}, days=1).happen(ncbi.world)
        Redated(number * 5, days=1).happen(ncbi.world)
        if number % 10 == 9 and number < 90:  # more than ten would exceed the mass-loss limit of a census
            NoLongerShown(number).happen(ncbi.world)
        number += 1


@pytest.mark.parametrize("rounds", [2, pytest.param(6, marks=pytest.mark.long)])
def test_readers_beside_loads_checks_and_publications(data: DataFolder, tmp_path: Path, rounds: int) -> None:
    with FakeNcbi() as ncbi, processes(4) as pool, ThreadPoolExecutor(2) as threads:
        ncbi.world.annotates = True
        for number in range(100):
            Released(f"PX{number}", FIRST_DAY + timedelta(days=number % 10), "human").happen(ncbi.world)
        for source in SOURCES:
            follow_on(data.root, ncbi.url, source, rounds=1)
        done, stop = threading.Event(), tmp_path / "stop"
        begun = [tmp_path / name for name in ("process", "thread", "holder")]
        readers = [
            where.submit(reopen_and_look, data.snapshot, stop, mark)
            for where, mark in zip((pool, threads), begun[:2], strict=True)
        ]
        holder = pool.submit(look_repeatedly, data.snapshot, stop, begun[2])
        until(lambda: all(mark.exists() for mark in begun), PATIENCE)
        changes = threads.submit(change_things, ncbi, done)
        try:
            writers = [pool.submit(follow_on, data.root, ncbi.url, source, rounds) for source in SOURCES]
            assert [writer.result(PATIENCE) for writer in writers] == [rounds] * 2
        finally:
            done.set()
            stop.touch()
        changes.result(PATIENCE)
        looks = [reader.result(PATIENCE) for reader in readers]
        kept = holder.result(PATIENCE)

    assert len(kept) > 1
    assert all(seen == kept[0] for seen in kept), "an open connection must keep its state"
    for seen in looks:
        assert [len(snapshot) for snapshot in seen] == [len(SOURCES)] * len(seen)
        for moments in zip(*([one.ended_at for one in snapshot] for snapshot in seen), strict=True):
            assert list(moments) == sorted(moments), "a later look must not see an older state"
        assert len({one.run_id for snapshot in seen for one in snapshot}) > len(SOURCES) + 1, (
            "it saw snapshots come and go"
        )
    for one in {one for seen in looks for snapshot in seen for one in snapshot}:
        records = f"virus_genome_as_of('{one.ended_at.isoformat()}')"
        [committed] = query(data.warehouse, STATE.format(records=records, source=one.source))
        assert one.state == committed, f"the state seen must be the one after {one.run_id}"


def test_process_sees_the_newest_snapshot_after_closing_the_old_one(data: DataFolder) -> None:
    """This is DuckDB's behavior, described in docs/ways-in.md."""
    count = "SELECT count(*) FROM virus_genome"
    with FakeNcbi() as ncbi:
        Released("PX1", FIRST_DAY, None).happen(ncbi.world)
        follow_on(data.root, ncbi.url, "mpox", rounds=1)
        with duckdb.connect(data.snapshot, read_only=True) as early:
            Released("PX2", FIRST_DAY, None).happen(ncbi.world)
            follow_on(data.root, ncbi.url, "mpox", rounds=1)
            with duckdb.connect(data.snapshot, read_only=True) as late:
                assert [one.execute(count).fetchall() for one in (early, late)] == [[(1,)], [(1,)]]
        assert query(data.snapshot, count) == [(2,)]
