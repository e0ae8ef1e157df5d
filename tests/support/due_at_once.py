"""Many sources due at the same time in a real Airflow: the number of copies of the warehouse, and the waiting times.

    python -m tests.support.due_at_once 50 PACKAGE

The working directory is the checkout that is measured. Beside the made-up records that the sources load, the warehouse
holds those of a package, so that a copy of it takes its time.
"""

import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import requests

from benchmarks.warehouse import LocalPackageClient
from tests.support.airflow_services import AirflowServices
from tests.support.stand_in import StandIn
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse

INGEST = "ncbi_virus_ingest__{}"


class Watch:
    """What is observed from outside while Airflow runs.

    Attributes:
        copies: the candidates that were created.
        holds: seconds for which each process in turn held the warehouse.
        answers: response times of the overview in seconds.
    """

    def __init__(self, data: DataFolder, overview: str, token: str) -> None:
        self.copies: set[str] = set()
        self.holds: list[float] = []
        self.answers: list[float] = []
        self._data, self._overview, self._token = data, overview, token
        self._inode = str(data.warehouse.stat().st_ino)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Observe until the end of the block."""
        stop = threading.Event()
        looks = [threading.Thread(target=look, args=(stop,)) for look in (self._look_at_files, self._look_at_page)]
        for thread in looks:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in looks:
                thread.join()

    def _look_at_files(self, stop: threading.Event) -> None:
        holder, since = "", 0.0
        while not stop.wait(0.002):
            self.copies |= {path.name for path in self._data.candidates.glob("*.duckdb.part")}
            now, held_by = time.monotonic(), self._holder()
            if held_by != holder:
                if holder:
                    self.holds.append(now - since)
                holder, since = held_by, now

    def _holder(self) -> str:
        locks = Path("/proc/locks").read_text(encoding="ascii").splitlines()
        return next((lock.split()[4] for lock in locks if f":{self._inode} " in lock and "WRITE" in lock), "")

    def _look_at_page(self, stop: threading.Event) -> None:
        while not stop.wait(1):
            started = time.monotonic()
            cookies = {"_token": self._token}
            requests.get(self._overview, cookies=cookies, timeout=120).raise_for_status()
            self.answers.append(time.monotonic() - started)


def main() -> None:
    """Make this many sources due, and print the observations."""
    many, package = int(sys.argv[1]), Path(sys.argv[2]).absolute()
    names = [f"source_{number:02d}" for number in range(many)]
    with tempfile.TemporaryDirectory() as folder, StandIn(today=datetime.now(UTC).date(), records=1200) as ncbi:
        data, sources = DataFolder(Path(folder) / "data"), Path(folder) / "sources.yaml"
        data.create()
        entries = [
            f"  {name}: {{taxon: 10244, released_since: 1990-01-{1 + n % 28:02d}}}" for n, name in enumerate(names)
        ]
        sources.write_text("\n".join(["sources:", *entries]), encoding="utf-8")
        hold_records(data, package)
        environment = {"VIRUS_DATA": str(data.root), "VIRUS_SOURCES": str(sources), "NCBI_DATASETS_URL": ncbi.url}
        with AirflowServices(environment) as airflow:
            airflow.seen(INGEST.format(names[-1]))
            for name in names:
                airflow.trigger(INGEST.format(name))
            login = {"username": airflow.login, "password": airflow.password}
            token = requests.post(f"{airflow.url}/auth/token", json=login, timeout=60).json()["access_token"]
            watch = Watch(data, f"{airflow.url}/virus-warehouse/", token)
            with watch.watching():
                started = time.monotonic()
                for name in names:
                    airflow.unpause(INGEST.format(name))
                airflow.wait_until("all are published", lambda: published(data) >= set(names), seconds=3600)
                seconds = time.monotonic() - started
    answers = f"median {statistics.median(watch.answers):.2f} s, longest {max(watch.answers):.2f} s"
    sys.stdout.write(
        f"{many} sources due at once: all published after {seconds:.0f} s\n"
        f"copies of the warehouse, each with its gates: {len(watch.copies)}\n"
        f"longest hold of the warehouse: {max(watch.holds):.2f} s, of {len(watch.holds)}\n"
        f"overview meanwhile: {answers}\n"
    )


def hold_records(data: DataFolder, package: Path) -> None:
    """Load records of a source that is no longer followed."""
    source = Source(name="held", request=VirusGenomeRequest(taxon="10239"))
    client = LocalPackageClient(package, datetime.now(UTC))
    ingest(source, client=client, warehouse=Warehouse(data.warehouse), data=data)


def published(data: DataFolder) -> set[str]:
    """The sources that the snapshot has."""
    if not data.snapshot.exists():
        return set()
    with duckdb.connect(data.snapshot, read_only=True) as connection:
        rows = connection.execute("SELECT DISTINCT source FROM ops.ingest_run WHERE status = 'success'").fetchall()
    return {source for (source,) in rows}


if __name__ == "__main__":
    os.environ.pop("VIRUS_WAREHOUSE", None)
    main()
