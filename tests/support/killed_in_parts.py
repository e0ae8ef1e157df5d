"""A run that downloads in parts, in a process of its own that a test stops at a named moment and kills there.

The moments are created by wrapping functions that the product calls: the product does not know them.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.support.fork_server import fork_server
from tests.support.killed_process import KilledProcess, Stop
from tests.support.stand_in import StandIn
from virus_warehouse.archive import Archive
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.limits import PackageLimits
from virus_warehouse.ncbi.pace.pace import Pace
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.parts_folder import PartsFolder
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import source_of
from virus_warehouse.warehouse.connection import warehouse_of
from virus_warehouse.warehouse.ledger import RunOrigin
from virus_warehouse.windows import WindowRequest

DAG_RUN = "manual__1"
"""Of the processes that are killed, and of the run that goes on with their work."""

REQUESTS_A_SECOND = 100
"""More than any run sends: at NCBI's limit, a download in parts mostly waits."""

DOWNLOADS = "/virus/genome/download"
"""Ends the path of a download by accession."""

NCBI_LIMIT = 5
"""Requests in a second, for a test that needs a slow run. `test_polite_clients.py` tests the limit itself."""


def load(
    root: Path | None,
    url: str,
    entry: dict[str, Any],
    window: WindowRequest,
    *,
    dag_run: str | None = None,
    requests_a_second: int = REQUESTS_A_SECOND,
    **client: Any,
) -> IngestResult:
    """A run, with few attempts and without waits.

    Args:
        root: the data folder; None for that of the environment.
        url: of NCBI.
        entry: the source's entry in the sources file.
        window: what is asked for.
        dag_run: id of its DAG run, if it has one.
        requests_a_second: how many requests NCBI allows.
        client: other settings of the client.
    """
    data = DataFolder.from_environment(with_snapshot=False) if root is None else DataFolder(root)
    settings = {"attempts": 2, "backoff_factor": 0.0, "read_timeout": 60.0, **client}
    limits, pace = PackageLimits.from_environment(), Pace(requests_a_second)
    with DatasetsClient(url, max_bytes=limits.bytes, pace=pace, **settings) as datasets:
        return ingest(
            source_of(entry),
            client=datasets,
            warehouse=warehouse_of(data, lock_timeout=60),
            data=data,
            wish=window,
            origin=RunOrigin("ncbi_virus_ingest__it", dag_run, "manual") if dag_run else None,
        )


def asked_for(stand_in: StandIn, begun: int = 0) -> list[list[str]]:
    """The accessions of each download by accession, from a request on."""
    requests = stand_in.requests[begun:]
    return [json.loads(request.body)["accessions"] for request in requests if request.path.endswith(DOWNLOADS)]


def accessions_asked_for(stand_in: StandIn, begun: int) -> list[str]:
    """The accessions of all these downloads."""
    return [accession for asked in asked_for(stand_in, begun) for accession in asked]


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
    root: Path | None,
    url: str,
    entry: dict[str, Any],
    window: WindowRequest,
    moment: str,
    times: int = 1,
    *,
    requests_a_second: int = REQUESTS_A_SECOND,
) -> Iterator[KilledProcess]:
    """A process that loads, and stops when a moment has come so many times; it is killed at the end of the block.

    Args:
        root: the data folder; None for that of the environment.
        url, entry, window, requests_a_second: as in `load`.
        moment: one of `MOMENTS`.
        times: how often it comes until the process stops.
    """
    context = fork_server()
    mine, its = context.Pipe()
    arguments = (its, dict(os.environ), moment, times, root, url, entry, window, requests_a_second)
    process = context.Process(target=_load, args=arguments)
    process.start()
    its.close()
    try:
        yield KilledProcess(process, mine)
    finally:
        process.kill()
        process.join()
        mine.close()


def _load(
    pipe: Connection,
    environment: dict[str, str],
    moment: str,
    times: int,
    root: Path | None,
    url: str,
    entry: dict[str, Any],
    window: WindowRequest,
    requests_a_second: int,
) -> None:
    os.environ.update(environment)  # the fork server has the environment of the test that started it
    calls = count(1)

    def stop() -> None:
        if next(calls) == times:
            pipe.send("there")
            pipe.recv()  # nothing is sent: the process is killed here

    MOMENTS[moment](stop)
    load(root, url, entry, window, dag_run=DAG_RUN, requests_a_second=requests_a_second)
    pipe.send("done")
