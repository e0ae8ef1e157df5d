"""A run that downloads in parts, in a process of its own that a test stops at a named moment and kills there.

The moments are created by wrapping functions that the product calls: the product does not know them.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from virus_warehouse.archive import Archive
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.parts_folder import PartsFolder
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import source_of
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.ledger import RunOrigin
from virus_warehouse.windows import WindowRequest

DAG_RUN = "manual__1"
"""Of the processes that are killed, and of the run that goes on with their work."""

Stop = Callable[[], None]


def load(
    root: Path, url: str, entry: dict[str, Any], window: WindowRequest, *, dag_run: str | None = None, **client: Any
) -> IngestResult:
    """A run, with few attempts and without waits; `client` has settings of its client."""
    settings = {"attempts": 2, "backoff_factor": 0.0, "read_timeout": 60.0, **client}
    with DatasetsClient.from_environment(base_url=url, **settings) as datasets:
        return ingest(
            source_of(entry),
            client=datasets,
            warehouse=Warehouse(root / "warehouse.duckdb", lock_timeout=60),
            data=DataFolder(root),
            wish=window,
            origin=RunOrigin("ncbi_virus_ingest__it", dag_run, "manual") if dag_run else None,
        )


def _wrap(owner: Any, name: str, *, before: Callable[..., None] | None = None, after: Stop | None = None) -> None:
    called = getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        if before is not None:
            before(*args, **kwargs)
        returned = called(*args, **kwargs)
        if after is not None:
            after()
        return returned

    setattr(owner, name, call)


def _in_the_join(stop: Stop) -> Callable[..., None]:
    def before(_: DataPackage, member: str) -> None:
        if member.endswith("biosample_report.jsonl"):  # which is read in the join first
            stop()

    return before


def _at_the_end_of_a_part(stop: Stop) -> Callable[..., None]:
    def before(file: int) -> None:
        path = Path(f"/proc/self/fd/{file}").readlink()
        if path.suffix == ".part" and "parts" in path.parts:
            stop()

    return before


MOMENTS: dict[str, Callable[[Stop], None]] = {
    "in the listing": lambda stop: _wrap(DatasetsClient, "ask", after=stop),
    "before the listing counts": lambda stop: _wrap(PartsFolder, "begin", before=lambda *_: stop()),
    "in a part": lambda stop: _wrap(os, "fsync", before=_at_the_end_of_a_part(stop)),
    "before a part is noted": lambda stop: _wrap(PartsFolder, "note", before=lambda *_: stop()),
    "after a part": lambda stop: _wrap(PartsFolder, "note", after=stop),
    "in the join": lambda stop: _wrap(DataPackage, "open_member", before=_in_the_join(stop)),
    "before the archive": lambda stop: _wrap(Archive, "keep", before=lambda *_: stop()),
    "after the archive": lambda stop: _wrap(Archive, "keep", after=stop),
}
"""How to stop at each moment of a download in parts."""


@contextmanager
def running(
    root: Path, url: str, entry: dict[str, Any], window: WindowRequest, moment: str, times: int = 1
) -> Iterator["subprocess.Popen[str]"]:
    """A process that loads, and prints `there` when a moment has come so many times; it then waits to be killed."""
    asked = {"root": str(root), "url": url, "entry": entry, "moment": moment, "times": times}
    days = {"since": str(window.since or ""), "until": str(window.until or ""), "mode": window.mode}
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, json.dumps(asked | days)], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _main(asked: dict[str, Any]) -> None:
    calls = count(1)

    def stop() -> None:
        if next(calls) == asked["times"]:
            sys.stdout.write("there\n")
            sys.stdout.flush()
            signal.pause()

    MOMENTS[asked["moment"]](stop)
    window = WindowRequest(asked["mode"], WindowRequest.day(asked["since"]), WindowRequest.day(asked["until"]))
    load(Path(asked["root"]), asked["url"], asked["entry"], window, dag_run=DAG_RUN)
    sys.stdout.write("done\n")


if __name__ == "__main__":
    _main(json.loads(sys.argv[1]))
