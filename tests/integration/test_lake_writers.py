"""Many processes write one lake without a common folder, and some are killed: nothing is wrong, nothing lost."""

import random
import signal
import threading
import time
from dataclasses import dataclass
from datetime import date, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.support.fake_ncbi import FakeNcbi, Line
from tests.support.fork_server import fork_server
from tests.support.lakes import NEEDS_LAKES, migrated_lake, reading_lake
from tests.support.seeds import session_seed
from tests.support.waiting import until
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.run_file import read_state
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_storage import LakeStorage
from virus_warehouse.warehouse.ledger import DIED
from virus_warehouse.windows import WindowRequest

pytestmark = [pytest.mark.slow, NEEDS_LAKES]

RECORDS = 20
FIRST_DAY = date(2025, 3, 1)
PATIENCE = 600.0
"""Seconds to wait for the lock, or for a killed process to end."""
ALL_RUNS = 7200.0
"""Seconds for all runs of a host, which take turns with those of the others."""

TWICE = "SELECT count(*) - count(DISTINCT (source, accession)) FROM main.virus_genome"
PARTIAL = f"SELECT source, count(*) FROM main.virus_genome GROUP BY source HAVING count(*) != {RECORDS}"
"""A source has all of its records or, before its first load, none."""


@dataclass(frozen=True)
class Host:
    """A worker with a folder of its own, which loads a source of its own again and again."""

    name: str
    lake: LakeAddress
    root: Path
    url: str

    def run(self) -> None:
        data = DataFolder(self.root)
        data.create()
        with DatasetsClient(self.url, attempts=1) as client:
            ingest(
                Source(name=self.name, request=VirusGenomeRequest(taxon="10244")),
                client=client,
                warehouse=Warehouse(LakeStorage(self.lake), lock_timeout=PATIENCE),
                data=data,
                wish=WindowRequest("full"),
            )

    def run_again_and_again(self, times: int) -> None:
        for _ in range(times):
            self.run()

    def has_merged(self) -> bool:
        """Whether one of its runs is merging, or has ended."""
        states = [read_state(path) for path in (self.root / "runs").glob("*.json")]
        return any(state["stage"] == "merge" or state["status"] != "running" for state in states if state)

    def start(self, times: int) -> BaseProcess:
        process = fork_server().Process(target=self.run_again_and_again, args=(times,))
        process.start()
        return process


class Reader(threading.Thread):
    """Looks again and again, as an analyst would."""

    def __init__(self, lake: LakeAddress) -> None:
        super().__init__()
        self.lake = lake
        self.looks = 0
        self.wrong: list[object] = []
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.is_set() or not self.looks:
            with reading_lake(self.lake) as session:
                found = session.execute(TWICE).fetchall(), session.execute(PARTIAL).fetchall()
            self.looks += 1
            if found != ([(0,)], []):
                self.wrong.append(found)


def change(ncbi: FakeNcbi, chosen: random.Random, day: date) -> None:
    """Some records are updated, on a later day each time: an older state would be stale to who has seen the newer."""
    for number in chosen.sample(range(RECORDS), 5):
        ncbi.world.show(Line(f"PX{number}", 1, day, chosen.randrange(1000), None, None))


def play(catalog: str, folder: Path, *, hosts: int, times: int, kills: int, pause: float, seed: int) -> None:
    """Hosts load at once, and some are killed and started again; then each loads once more, and all is right.

    Args:
        catalog: the URL of a database of the server.
        folder: for the lake, and for the data folders of the hosts.
        hosts: how many.
        times: how often each of them loads.
        kills: how many are killed, each at some time after its first merge has begun.
        pause: the most seconds before a kill.
        seed: what chooses hosts, moments and changes.
    """
    lake, chosen = migrated_lake(catalog, folder), random.Random(seed)
    with FakeNcbi() as ncbi:
        for number in range(RECORDS):
            ncbi.world.show(Line(f"PX{number}", 1, FIRST_DAY, 1, None, None))
        at = [Host(f"source_{number}", lake, folder / f"host-{number}", ncbi.url) for number in range(hosts)]
        reader = Reader(lake)
        reader.start()
        processes = {host: host.start(times) for host in at}
        try:
            for kill in range(kills):
                host = chosen.choice(at)
                while processes[host].exitcode != -signal.SIGKILL:
                    if processes[host].exitcode is not None:  # it had done all its loads
                        processes[host] = host.start(times)
                    until(host.has_merged, PATIENCE)
                    time.sleep(chosen.uniform(0, pause))
                    processes[host].kill()
                    processes[host].join(PATIENCE)
                change(ncbi, chosen, FIRST_DAY + timedelta(days=kill + 1))
                processes[host] = host.start(times)
            for process in processes.values():
                process.join(ALL_RUNS)
                assert process.exitcode == 0
        finally:
            reader.ended.set()
            reader.join(PATIENCE)
            for process in processes.values():
                process.kill()
        for host in at:
            host.run()
        expected = {(line.accession, line.length) for line in ncbi.world.records.values()}
    assert reader.wrong == []
    with reading_lake(lake) as session:
        for host in at:
            held = "SELECT accession, length FROM main.virus_genome WHERE source = ?"
            assert set(session.execute(held, [host.name]).fetchall()) == expected
        assert session.execute(TWICE).fetchall() == [(0,)]
        assert session.execute("SELECT count(*) FROM ops.ingest_run WHERE status = 'running'").fetchall() == [(0,)]
        died = session.execute("SELECT count(*) FROM ops.ingest_run WHERE error = ?", [DIED]).fetchall()[0][0]
        others = session.execute(
            "SELECT error FROM ops.ingest_run WHERE status = 'failed' AND error != ?", [DIED]
        ).fetchall()
        successes = session.execute("SELECT count(*) FROM ops.ingest_run WHERE status = 'success'").fetchall()[0][0]
    print(f"seed {seed}: {successes} merges, {kills} kills, {died} within a run, {reader.looks} looks")  # noqa: T201
    assert others == []
    assert died <= kills, "only killed runs are closed as dead, whatever folder they were in"
    assert successes >= hosts * (times + 1)


def test_hosts_without_a_common_folder_write_one_lake(catalog, tmp_path):
    play(catalog, tmp_path, hosts=2, times=1, kills=1, pause=0, seed=1)


@pytest.mark.long
@pytest.mark.timeout(0)
def test_many_hosts_write_one_lake(catalog, tmp_path):
    play(catalog, tmp_path, hosts=16, times=12, kills=50, pause=3, seed=session_seed())
