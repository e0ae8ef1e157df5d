"""A day of the warehouse in a separate process, which a test stops at a named moment and kills there.

The moments are created by wrapping functions that the product calls: the product does not know them.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from alembic import command

from tests.support.fork_server import fork_server
from tests.support.lakes import warehouse_beside
from tests.support.no_pandas import hide_pandas
from virus_warehouse import archive, atomic_file, ingest
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.publish import prepare, publication, published_files, source_status
from virus_warehouse.publish.check import check_candidate
from virus_warehouse.run_file import RunFile
from virus_warehouse.sequences import part_file, store
from virus_warehouse.sequences.letters_file import LettersFile
from virus_warehouse.sequences.store import SequenceStore
from virus_warehouse.sources import Source, SourcesFile
from virus_warehouse.warehouse import file_storage, lake_storage, ledger
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.ledger import RunOrigin
from virus_warehouse.windows import WindowRequest

MPOX = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", include_sequence=("GENOME",)))

STAGES = ("open", "download", "archive", "stage", "merge", "finished")
"""Names from the run file; the moment is just after the name was written."""

PATIENCE = 120.0
"""Seconds to wait for what takes a process one or two on an idle machine."""

Stop = Callable[[], None]


def run_day(
    data: DataFolder, url: str, window_request: WindowRequest | None = None, *, dag_run: str = "scheduled__today"
) -> ingest.IngestResult:
    """The work of a DAG run: ingest, check, publish. A second call is the second try of the same DAG run."""
    result = ingest_day(data, url, window_request, dag_run=dag_run)
    publish(data, result.run_id)
    return result


def ingest_day(
    data: DataFolder, url: str, window_request: WindowRequest | None = None, *, dag_run: str = "scheduled__today"
) -> ingest.IngestResult:
    """The ingest of a day."""
    origin = RunOrigin("ncbi_virus_ingest__mpox", dag_run, "scheduled")
    warehouse = warehouse_beside(data, PATIENCE)
    with DatasetsClient(url, attempts=2, backoff_factor=0.0, read_timeout=PATIENCE) as client:
        return ingest.ingest(MPOX, client=client, warehouse=warehouse, data=data, origin=origin, wish=window_request)


def publish(data: DataFolder, publication_id: str) -> None:
    """A publication."""
    followed = SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX})
    warehouse = warehouse_beside(data, PATIENCE)
    check_candidate(prepare.prepare_candidate(warehouse, data, publication_id, followed), followed, data.snapshot)
    publication.publish_candidate(data, publication_id)


def _after(owner: Any, name: str, stop: Stop, *, when: Callable[..., bool] = lambda *_, **__: True) -> None:
    called = getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        returned = called(*args, **kwargs)
        if when(*args, **kwargs):
            stop()
        return returned

    setattr(owner, name, call)


def _before(owner: Any, name: str, stop: Stop, *, when: Callable[..., bool] = lambda *_, **__: True) -> None:
    called = getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        if when(*args, **kwargs):
            stop()
        return called(*args, **kwargs)

    setattr(owner, name, call)


def _at_the_merge() -> Callable[..., bool]:
    """The third time: the transactions before open the run, and look up the sequences that are stored."""
    calls: list[object] = []

    def is_third(*_: Any, **__: Any) -> bool:
        calls.append(None)
        return len(calls) == 3

    return is_third


def _half_copied(stop: Stop) -> None:
    def copy(warehouse: Path, part: Path) -> None:
        part.write_bytes(warehouse.read_bytes()[: warehouse.stat().st_size // 2])
        stop()

    file_storage.copy_warehouse = copy
    _after(lake_storage.migrate, "upgrade", stop)  # of a lake, an empty file is made first


MOMENTS: dict[str, Callable[[Stop], None]] = {
    **{
        stage: lambda stop, stage=stage: _after(  # type: ignore[misc]
            RunFile, "write", stop, when=lambda *_, **changes: changes["stage"] == stage
        )
        for stage in STAGES
    },
    "before anything is written": lambda stop: _before(RunFile, "write", stop),
    "while the run file is replaced": lambda stop: _before(
        atomic_file.Path, "replace", stop, when=lambda beside, path: path.parent.name == "runs"
    ),
    "within the opening transaction": lambda stop: _after(ledger, "insert", stop),
    "after the opening commit": lambda stop: _before(Warehouse, "_detach", stop),
    "at the end of the download": lambda stop: _before(
        os, "fsync", stop, when=lambda fd: Path(f"/proc/self/fd/{fd}").readlink().suffix == ".part"
    ),
    "between package and sidecar": lambda stop: _before(
        archive, "write_json", stop, when=lambda path, _: path.parent.parent.name == "packages"
    ),
    "while the sequences are read": lambda stop: _after(LettersFile, "append", stop),
    "while the part is written": lambda stop: _after(part_file.ParquetWriter, "write_batch", stop),
    "before the part is in its place": lambda stop: _before(
        store.Path, "replace", stop, when=lambda written, _: written.suffix == ".parquet"
    ),
    "after the part is written": lambda stop: _after(SequenceStore, "write", stop),
    "while the sequences are merged": lambda stop: _after(ledger, "insert_sequences", stop),
    "within the merge": lambda stop: _after(ledger, "insert_report", stop),
    "before the commit": lambda stop: _before(Warehouse, "_commit", stop, when=_at_the_merge()),
    "after the commit, before the checkpoint": lambda stop: _before(Warehouse, "_detach", stop, when=_at_the_merge()),
    "before the load is recorded": lambda stop: _before(archive.Archive, "record_load", stop),
    "while the load is recorded": lambda stop: _before(
        atomic_file.Path, "replace", stop, when=lambda beside, path: path.parent.name == "loads"
    ),
    "while the copy is made": _half_copied,
    "after the copy": lambda stop: _before(prepare, "write_source_status", stop),
    "while the copy is completed": lambda stop: _after(source_status, "run_sql", stop),
    "before the publication": lambda stop: _before(publication, "publish_candidate", stop),
    "while the parts are published": lambda stop: _after(os, "link", stop),
    "before the snapshot is replaced": lambda stop: _before(
        Path, "chmod", stop, when=lambda path, _: path.suffix == ".duckdb"
    ),
    "before the snapshot is hashed": lambda stop: _before(published_files, "make_manifest", stop),
    "between snapshot and manifest": lambda stop: _before(
        Path, "replace", stop, when=lambda beside, path: path.name == "latest.json"
    ),
    "before the dated snapshot is replaced": lambda stop: _before(
        Path, "replace", stop, when=lambda beside, path: path.match("published/virus-*.duckdb")
    ),
    "between dated snapshot and its manifest": lambda stop: _before(
        Path, "replace", stop, when=lambda beside, path: path.match("published/virus-*.json")
    ),
    "after the publication": lambda stop: _after(publication, "publish_candidate", stop),
}
"""How to stop at each moment of a day."""

WAREHOUSE_MADE = "while the warehouse is made"
"""A moment that only the first day has."""


@dataclass
class KilledProcess:
    """A running process, connected by a pipe."""

    process: Any
    pipe: Connection

    def wait_for_moment(self) -> None:
        """Wait until it has stopped at its moment."""
        assert self.pipe.poll(PATIENCE), "the process never reached the moment"
        assert self.pipe.recv() == "there"

    def resume(self) -> str:
        """Let it continue from the moment; returns the result of its day, `done` or an error."""
        self.pipe.send("go on")
        assert self.pipe.poll(PATIENCE), "the process never ended"
        return str(self.pipe.recv())

    def seconds(self) -> float:
        """Its run time if it is not killed."""
        started = time.monotonic()
        self.process.join(PATIENCE)
        assert self.process.exitcode == 0
        return time.monotonic() - started

    def kill(self) -> int:
        """Kill it as the system does; returns its exit code."""
        self.process.kill()
        self.process.join(PATIENCE)
        return int(self.process.exitcode)


def _stop_at(moment: str, stop: Stop) -> None:
    if moment == WAREHOUSE_MADE:
        _after(command, "upgrade", stop)
    else:
        MOMENTS[moment](stop)


def _live(pipe: Connection, data: DataFolder, url: str, moment: str | None, environment: dict[str, str]) -> None:
    os.environ.update(environment)  # the fork server has the environment of the test that started it
    hide_pandas(pytest.MonkeyPatch())

    stops = ["there"]

    def stop() -> None:
        if stops:
            pipe.send(stops.pop())
            pipe.recv()

    if moment is None:
        pipe.send("begun")
    else:
        _stop_at(moment, stop)
    try:
        run_day(data, url)
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {error}")
    else:
        pipe.send("done")


class KilledProcesses:
    """Starts the processes: a warm fork server without threads."""

    def __init__(self) -> None:
        self._context = fork_server()

    @contextmanager
    def living(self, data: DataFolder, url: str, moment: str | None = None) -> Iterator[KilledProcess]:
        """A process that runs a day and stops at the moment, if given; it is killed at the end of the block."""
        mine, its = self._context.Pipe()
        process = self._context.Process(target=_live, args=(its, data, url, moment, dict(os.environ)))
        process.start()
        its.close()
        try:
            if moment is None:
                assert mine.poll(PATIENCE), "the process never started"
                assert mine.recv() == "begun"
            yield KilledProcess(process, mine)
        finally:
            process.kill()
            process.join()
            mine.close()
