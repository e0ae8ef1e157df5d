"""Concurrent runs and readers in separate processes."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import duckdb

from tests.support.fork_server import fork_server
from tests.support.killed_process import publish
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.windows import WindowRequest

HOLD_FILE = """
import sys, time
import duckdb

connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reading")
print("holding", flush=True)
time.sleep(float(sys.argv[3]))
connection.close()
"""


def processes(count: int) -> ProcessPoolExecutor:
    """A pool of this many processes."""
    return ProcessPoolExecutor(count, mp_context=fork_server())


def follow(
    root: Path,
    url: str,
    name: str = "mpox",
    window_request: WindowRequest | None = None,
    *,
    runs: int = 1,
    publishes: bool = True,
) -> list[dict[str, int | None]]:
    """Run a source this many times, with publications; returns the counts of the runs."""
    data = DataFolder(root)
    source = Source(name=name, request=VirusGenomeRequest(taxon="10244"))
    counts = []
    for _ in range(runs):
        with DatasetsClient(url, attempts=2, backoff_factor=0.0, read_timeout=120.0) as client:
            warehouse = Warehouse(data.warehouse, lock_timeout=120)
            result = ingest(source, client=client, warehouse=warehouse, data=data, wish=window_request)
        counts.append(result.counts)
        if publishes:
            publish(data, result.run_id)
    return counts


def follow_until(stop: Path, root: Path, url: str) -> int:
    """Run a source with publications until `stop` exists; returns the number of runs."""
    runs = 0
    while not stop.exists():
        follow(root, url)
        runs += 1
    return runs


def read_again_and_again(snapshot: Path, stop: Path, begun: Path) -> list[int]:
    """Read the snapshot until `stop` exists; returns the number of records of each look. Each passes the gates.

    `begun` exists after the first.
    """
    seen = []
    while not stop.exists():
        with duckdb.connect(snapshot, read_only=True) as connection:
            assert connection.execute(gates_sql()).fetchall() == []
            seen.append(int(connection.execute("SELECT count(*) FROM virus_genome").fetchall()[0][0]))
        begun.touch()
    return seen


@contextmanager
def held_elsewhere(path: Path, how: str, seconds: float) -> Iterator[int]:
    """Another process has the file open for `reading` or `writing`; yields its process id."""
    command = [sys.executable, "-c", HOLD_FILE, str(path), how, str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holding\n"
        try:
            yield process.pid
        finally:
            process.kill()
