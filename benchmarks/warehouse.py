"""The warehouse's own cases: the code that runs in production, from the proven package to the checkpointed file.

Every case starts from `data` in its folder, a whole data folder: an empty, migrated warehouse or one of some records.
"""

import json
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from datetime import time as time_of_day
from pathlib import Path

import duckdb

from benchmarks.answers import Rows, ask
from benchmarks.measured import Given, Outcome
from benchmarks.packages import TODAY, TOMORROW
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient, Download, Progress
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.ncbi.request import ReportType, VirusGenomeRequest
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
QUERIES = Path(__file__).parent / "queries"


class PackageAtHand(DatasetsClient):
    """A client whose download is done: it hands over a package that was proven before the clock started."""

    def __init__(self, package: Path, requested_on: datetime) -> None:
        super().__init__()
        self._package, self._requested_at = package, requested_on

    def download(
        self,
        request: VirusGenomeRequest,
        destination: Path,
        *,
        accept: Callable[[Path], object] | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Download:
        """Give the package as if it had just come, without proving it again."""
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
    """An empty warehouse of the newest schema: migrating is done once a release and not once a load."""
    data.create()
    migrate.upgrade(data.warehouse)


def load(given: Given) -> Outcome:
    """The first, full load."""
    return _ingest(given, {"inserted"}, window_request=None, day_after=False)


def load_all_reports(given: Given) -> Outcome:
    """The first, full load of a source that follows annotations and BioSamples, too."""
    return _ingest(given, {"inserted"}, window_request=None, day_after=False, source=SOURCE_OF_ALL_REPORTS)


def delta(given: Given) -> Outcome:
    """The next day's changes, and nothing but changes."""
    return _ingest(given, {"revised", "touched"}, window_request=None, day_after=True)


def unchanged(given: Given) -> Outcome:
    """Everything downloaded again the next day, and nothing has changed."""
    return _ingest(given, {"unchanged"}, window_request=WindowRequest(mode=FULL), day_after=True)


def census(given: Given) -> Outcome:
    """Everything downloaded again the next day, to see what is gone; nothing is."""
    return _ingest(given, {"unchanged"}, window_request=WindowRequest(mode=CENSUS), day_after=True)


def revised(given: Given) -> Outcome:
    """Everything downloaded again the next day, and every record has changed: the worst day."""
    return _ingest(given, {"revised", "touched"}, window_request=WindowRequest(mode=FULL), day_after=True)


def verify(given: Given) -> Outcome:
    """Proving a package whole, as a download does it; no part of the other cases."""
    with given.clock():
        DataPackage(given.package).verify()
    return Outcome(rows=0)


def publish(given: Given) -> Outcome:
    """Candidate, gates and rename, as the tasks check and publish do them, where a snapshot is published already."""
    data = _data(given)
    run_id = _run_id(data)
    _publish(data, run_id)
    with given.clock():
        seconds = _publish(data, run_id)
    return Outcome(_records_held(data.snapshot), data.snapshot, seconds)


def queries(given: Given) -> Outcome:
    """What people ask of the snapshot: each file of `queries/`."""
    data = _data(given)
    candidate = _candidate(data, _run_id(data))
    with duckdb.connect(candidate, read_only=True) as connection:

        def asking(file: Path) -> Callable[[], Rows]:
            sql = file.read_text(encoding="utf-8")
            return lambda: connection.execute(sql).fetchall()

        questions = {file.stem: asking(file) for file in sorted(QUERIES.glob("*.sql"))}
        with given.clock():
            seconds, answers = ask(questions)
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
    given: Given, expected: set[str], *, window_request: WindowRequest | None, day_after: bool, source: Source = SOURCE
) -> Outcome:
    data = _data(given)
    requested_at = datetime.combine(TOMORROW if day_after else TODAY, time_of_day(6), UTC)
    client = PackageAtHand(given.package, requested_at)
    with given.clock():
        result = ingest(source, client=client, warehouse=Warehouse(data.warehouse), data=data, wish=window_request)
    if Path(f"{data.warehouse}.wal").exists():
        raise RuntimeError(f"{data.warehouse} is not checkpointed: its log is still there")
    stages = _seconds(data, result)
    stages["commit, checkpoint and the rest"] = given.clock.wall_seconds - sum(stages.values())
    return Outcome(sum(result.counts[outcome] or 0 for outcome in expected), data.warehouse, stages)


def _seconds(data: DataFolder, result: IngestResult) -> dict[str, float]:
    """The stages in the run file, without those that did not occur here."""
    state = json.loads((data.runs / f"{result.run_id}.json").read_text(encoding="utf-8"))
    return {stage: seconds for stage, seconds in state["seconds"].items() if seconds and stage != "download"}


def _data(given: Given) -> DataFolder:
    data = DataFolder(given.scratch / "data")
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
