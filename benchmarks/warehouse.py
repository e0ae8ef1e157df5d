"""The warehouse's own cases: production code, from the verified package to the checkpointed file.

Every case starts from the data folder `data` in its scratch folder, with a migrated warehouse that may have records.
"""

import json
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from datetime import time as time_of_day
from pathlib import Path

import duckdb

from benchmarks.answers import Rows, run_queries
from benchmarks.measured import CaseInput, Outcome
from benchmarks.packages import TODAY, TOMORROW
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient, Download, Progress
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.ncbi.request import PackageRequest, ReportType, SequenceType, VirusGenomeRequest
from virus_warehouse.publish.check import check_candidate
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.publish.publication import publish_candidate
from virus_warehouse.run_mode import CENSUS, FULL
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import Source, SourcesFile
from virus_warehouse.warehouse import migrate
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.windows import WindowRequest

SOURCE = Source(name="bench", request=VirusGenomeRequest(taxon="10239"))
SOURCE_OF_ALL_REPORTS = Source(
    name="bench",
    request=VirusGenomeRequest(taxon="10239", aux_report=(ReportType.ANNOTATION, ReportType.BIOSAMPLE_REPORT)),
)
SOURCE_OF_GENOMES = Source(
    name="bench", request=VirusGenomeRequest(taxon="10239", include_sequence=(SequenceType.GENOME,))
)
QUERIES = Path(__file__).parent / "queries"


class LocalPackageClient(DatasetsClient):
    """A client that returns a local package, which was verified before the clock started."""

    def __init__(self, package: Path, requested_on: datetime) -> None:
        super().__init__()
        self._package, self._requested_at = package, requested_on

    def download(
        self,
        request: PackageRequest,
        destination: Path,
        *,
        accept: Callable[[Path], object] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Download:
        """Return the package as if it had just been downloaded, without verifying it again."""
        destination.hardlink_to(self._package)
        return Download(
            path=destination,
            url=request.url(self.base_url),
            requested_at=self._requested_at,
            attempts=1,
            http_status=200,
            ncbi_phid=None,
            datasets_version=None,
            user_message=None,
            bytes=self._package.stat().st_size,
            seconds=0.0,
            sha256=None,
        )


def make_empty(data: DataFolder) -> None:
    """Create an empty, migrated warehouse. A migration runs once per release and not with every load."""
    data.create()
    migrate.upgrade(data.warehouse)


def load(inputs: CaseInput) -> Outcome:
    """The first, full load."""
    return _ingest(inputs, {"inserted"}, window_request=None, day_after=False)


def load_all_reports(inputs: CaseInput) -> Outcome:
    """The first, full load of a source with annotation and BioSample reports."""
    return _ingest(inputs, {"inserted"}, window_request=None, day_after=False, source=SOURCE_OF_ALL_REPORTS)


def load_sequences(inputs: CaseInput) -> Outcome:
    """The first, full load of a source with genomes."""
    return _ingest(inputs, {"inserted"}, window_request=None, day_after=False, source=SOURCE_OF_GENOMES)


def unchanged_sequences(inputs: CaseInput) -> Outcome:
    """The same genomes on the next day, without changes."""
    again = WindowRequest(mode=FULL)
    return _ingest(inputs, {"unchanged"}, window_request=again, day_after=True, source=SOURCE_OF_GENOMES)


def delta(inputs: CaseInput) -> Outcome:
    """A load of the next day's changes only."""
    return _ingest(inputs, {"revised", "touched"}, window_request=None, day_after=True)


def unchanged(inputs: CaseInput) -> Outcome:
    """A full load on the next day, without changes."""
    return _ingest(inputs, {"unchanged"}, window_request=WindowRequest(mode=FULL), day_after=True)


def census(inputs: CaseInput) -> Outcome:
    """A census on the next day, without missing records."""
    return _ingest(inputs, {"unchanged"}, window_request=WindowRequest(mode=CENSUS), day_after=True)


def revised(inputs: CaseInput) -> Outcome:
    """A full load on the next day, with changes in every record: the worst case."""
    return _ingest(inputs, {"revised", "touched"}, window_request=WindowRequest(mode=FULL), day_after=True)


def verify(inputs: CaseInput) -> Outcome:
    """Verification of a package, as after a download. It is not part of the other cases."""
    with inputs.clock():
        DataPackage(inputs.package).verify()
    return Outcome(rows=0)


def publish(inputs: CaseInput) -> Outcome:
    """Candidate, gates and rename, as in the tasks prepare, check and publish, with a snapshot already published."""
    data = _data(inputs)
    run_id = _run_id(data)
    _publish(data, run_id)
    with inputs.clock():
        seconds = _publish(data, run_id)
    return Outcome(_records_held(data.snapshot), data.snapshot, seconds)


def queries(inputs: CaseInput) -> Outcome:
    """Typical queries on the snapshot: each file of `queries/`."""
    data = _data(inputs)
    candidate = _candidate(data, _run_id(data))
    with duckdb.connect(candidate, read_only=True) as connection:

        def runner_of(file: Path) -> Callable[[], Rows]:
            sql = file.read_text(encoding="utf-8")
            return lambda: connection.execute(sql).fetchall()

        runs = {file.stem: runner_of(file) for file in sorted(QUERIES.glob("*.sql"))}
        with inputs.clock():
            seconds, answers = run_queries(runs)
    return Outcome(_records_held(candidate), candidate, seconds, answers)


def _publish(data: DataFolder, run_id: str) -> dict[str, float]:
    seconds = _Stages()
    candidate = _candidate(data, run_id)
    seconds.end("candidate")
    check_candidate(candidate, _followed(data), data.snapshot)
    seconds.end("gates")
    publish_candidate(data, run_id)
    seconds.end("rename")
    return seconds.seconds


def _candidate(data: DataFolder, run_id: str) -> Path:
    return prepare_candidate(Warehouse(data.warehouse), data, run_id, _followed(data))


def _followed(data: DataFolder) -> SourcesFile:
    return SourcesFile(data.root / "sources.yaml", {SOURCE.name: SOURCE})


def _run_id(data: DataFolder) -> str:
    with duckdb.connect(data.warehouse, read_only=True) as connection:
        ((run_id,),) = connection.execute("SELECT run_id FROM ops.ingest_run").fetchall()
    return str(run_id)


def _ingest(
    inputs: CaseInput,
    expected: set[str],
    *,
    window_request: WindowRequest | None,
    day_after: bool,
    source: Source = SOURCE,
) -> Outcome:
    data = _data(inputs)
    requested_at = datetime.combine(TOMORROW if day_after else TODAY, time_of_day(6), UTC)
    client = LocalPackageClient(inputs.package, requested_at)
    with inputs.clock():
        result = ingest(source, client=client, warehouse=Warehouse(data.warehouse), data=data, wish=window_request)
    if Path(f"{data.warehouse}.wal").exists():
        raise RuntimeError(f"{data.warehouse} is not checkpointed: its write-ahead log still exists")
    stages = _seconds(data, result)
    stages["commit, checkpoint and the rest"] = inputs.clock.wall_seconds - sum(stages.values())
    return Outcome(sum(result.counts[outcome] or 0 for outcome in expected), data.warehouse, stages)


def _seconds(data: DataFolder, result: IngestResult) -> dict[str, float]:
    """The stages of the run file, without those that did not run."""
    state = json.loads((data.runs / f"{result.run_id}.json").read_text(encoding="utf-8"))
    return {stage: seconds for stage, seconds in state["seconds"].items() if seconds and stage != "download"}


def _data(inputs: CaseInput) -> DataFolder:
    data = DataFolder(inputs.scratch / "data")
    shutil.rmtree(data.packages, ignore_errors=True)
    data.create()
    return data


def _records_held(path: Path) -> int:
    with duckdb.connect(path, read_only=True) as connection:
        return int(connection.execute("SELECT count(*) FROM virus_genome").fetchall()[0][0])


class _Stages:
    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._started = time.perf_counter()

    def end(self, stage: str) -> None:
        now = time.perf_counter()
        self.seconds[stage], self._started = now - self._started, now
