"""Every column of the ledger, in runs where a wrong value would be misleading.

One series of runs over real HTTP: each complete row is compared with what is known from outside (the server's
responses, the time, the lines sent), so a column added to the ledger fails here until it has an expected value.
"""

import hashlib
import platform
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support import packages
from tests.support.crashing_warehouse import Crash, CrashingWarehouse
from tests.support.fake_ncbi import NOTHING_MATCHES
from tests.support.scripted_server import Answer, ReceivedRequest, ScriptedServer
from tests.support.warehouses import accessions, dicts, line, made_data
from virus_warehouse import __version__
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.errors import DatasetsUnavailable
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.ledger import RunOrigin
from virus_warehouse.warehouse.run_record import OUTCOMES, TIMED_STAGES
from virus_warehouse.warehouse.schema import ingest_report, ingest_run
from virus_warehouse.windows import WindowRequest

ELSEWHERE = {
    "withdrawn": "test_census.py",
    "missing": "test_census.py",
    "archived_run_id": "test_stopped_load.py",
    "approved_by": "test_stopped_load.py",
}
"""Columns that only a census or an approved load fills, with the test file beside this one that checks their values."""

MPOX = Source(name="mpox", request=VirusGenomeRequest(taxon="10244"))
HUMAN_MPOX = MPOX.model_copy(update={"request": VirusGenomeRequest(taxon="10244", host="human")})
DENGUE = Source(name="dengue", request=VirusGenomeRequest(taxon="12637"), allow_empty=True)

DAG = "ncbi_virus_ingest__mpox"
SCHEDULED_1, SCHEDULED_2, MANUAL, BACKFILL, FILTERED = (
    RunOrigin(DAG, "scheduled__1", "scheduled", 1),
    [RunOrigin(DAG, "scheduled__2", "scheduled", number) for number in (1, 2, 3)],
    RunOrigin(DAG, "manual__1", "manual", 1),
    RunOrigin(DAG, "backfill__1", "backfill", 1),
    RunOrigin(DAG, "scheduled__3", "scheduled", 1),
)
KEY = "0123456789abcdef0123456789abcdef0123"

KEPT = {"revised": 2, "touched": 3, "unchanged": 4, "stale": 5}
INSERTED, DUPLICATE, QUARANTINED, LATER = 6, 7, 8, 9
"""The number of lines by outcome. All counts differ, so that no column can be mistaken for another."""
HELD = accessions(sum(KEPT.values()))
NEW = accessions(INSERTED, 101)

FIRST = [line(accession, "2025-05-10") for accession in HELD]
SECOND = [
    *(line(accession, "2025-05-20", length=1) for accession in HELD[:2]),
    *(line(accession, "2025-05-19") for accession in HELD[2:5]),
    *(line(accession, "2025-05-10") for accession in HELD[5:9]),
    *(line(accession, "2025-05-09") for accession in HELD[9:]),
    *(line(accession, "2025-05-18") for accession in [*NEW, *HELD[:2], NEW[0], *NEW[:4]]),
    *("{" * number for number in range(1, QUARANTINED + 1)),
]
THIRD = [line(accession, "2025-05-21") for accession in accessions(LATER, 201)]

WATERMARKS = (date(2025, 5, 10), date(2025, 5, 20))
SINCE = date(2025, 4, 26)
"""14 days before the first watermark."""


class Ncbi(ScriptedServer):
    """Looks at the ledger while a run waits for its answer."""

    ledger: Path
    seen: dict[str, Any]

    def next_answer(self, request: ReceivedRequest) -> Answer:
        self.seen = dicts(self.ledger, "FROM ops.ingest_run ORDER BY started_at")[-1]
        return super().next_answer(request)


@dataclass(frozen=True)
class Between:
    """Any value within these bounds, which are included."""

    low: Any
    high: Any

    def __eq__(self, value: object) -> bool:
        return value is not None and self.low <= value <= self.high


@dataclass(frozen=True)
class Starting:
    """A longer text that starts like this."""

    text: str

    def __eq__(self, value: object) -> bool:
        return isinstance(value, str) and value.startswith(self.text) and value != self.text


@dataclass(frozen=True)
class StageSeconds:
    """Seconds of the stages in `reached`; together no more than `limit`."""

    reached: tuple[str, ...]
    limit: float
    download: float = 0.0

    def __eq__(self, value: object) -> bool:
        assert isinstance(value, dict)
        counted = sum(seconds for stage, seconds in value.items() if stage != "verify")
        return (
            value.keys() == set(TIMED_STAGES)
            and {stage for stage, seconds in value.items() if seconds > 0} == set(self.reached)
            and self.download <= value["download"]
            and value["verify"] <= value["download"]
            and counted <= self.limit
        )


@dataclass(frozen=True)
class ObservedRun:
    """A run as seen from outside: its time, what was sent to it, and its ledger row now."""

    began: datetime
    ended: datetime
    peak: Between
    during: dict[str, Any]
    row: dict[str, Any]

    @property
    def time(self) -> Between:
        return Between(self.began, self.ended)

    def spent(self, *reached: str, download: float = 0.0) -> StageSeconds:
        return StageSeconds(reached, (self.ended - self.began).total_seconds(), download)


@dataclass
class Story:
    """The runs in their order, and their data folder."""

    data: DataFolder
    url: str
    runs: dict[str, ObservedRun] = field(default_factory=dict)

    def expected(self, name: str, **differing: Any) -> dict[str, Any]:
        """A row of that run as it should be; `differing` has what differs from a run of the source without Airflow."""
        run = self.runs[name]
        return {
            "run_id": Starting(f"{run.row['started_at']:%Y%m%dT%H%M%SZ}-{differing['source']}-"),
            "fingerprint": MPOX.fingerprint,
            "dag_id": DAG,
            "try_number": 1,
            "status": "success",
            "error": None,
            "started_at": run.time,
            "ended_at": Between(run.row["started_at"], run.ended),
            "updated_since": None,
            "until": None,
            "requested_at": Between(run.row["started_at"], run.row["ended_at"]),
            "attempts": 1,
            "http_status": 200,
            "peak_rss_mib": run.peak,
            "seconds": run.spent(*TIMED_STAGES),
            "versions": {
                "virus_warehouse": __version__,
                "duckdb": duckdb.__version__,
                "python": platform.python_version(),
                "airflow": "3.3.0",
            },
            **differing,
        }


def headers(number: int) -> dict[str, str]:
    return {"Ncbi-Phid": f"PHID{number}", "X-Datasets-Version": f"18.{number}"}


def answer(number: int, content: bytes = b"", **others: Any) -> Answer:
    return Answer(body=content, headers=headers(number), **others)


def provenance(run_id: str, number: int, content: bytes) -> dict[str, Any]:
    """The columns that describe the response and the archived package."""
    return {
        "ncbi_phid": f"PHID{number}",
        "datasets_version": f"18.{number}",
        "package_bytes": len(content),
        "package_sha256": hashlib.sha256(content).hexdigest(),
        "package_path": f"packages/mpox/{run_id}.zip",
    }


NO_PACKAGE = dict.fromkeys(("package_bytes", "package_sha256", "package_path"))
NOTHING_COUNTED = dict.fromkeys(("lines", *OUTCOMES))


def counts(**outcomes: int) -> dict[str, int]:
    return {**dict.fromkeys(OUTCOMES, 0), **outcomes, "lines": sum(outcomes.values())}


PEAK_MARGIN = 4.0
"""MiB by which two readings of one peak may differ: Linux counts pages per thread and sums them only sometimes."""


def peak_rss_mib() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


BODIES = {name: packages.package(lines) for name, lines in {"first": FIRST, "second": SECOND, "third": THIRD}.items()}
STALL = 0.2
ANSWERS = [
    answer(1, BODIES["first"], stall_seconds=STALL),
    answer(2, status=503),
    answer(3, status=503),
    answer(4, BODIES["second"]),
    answer(5, BODIES["third"]),
    answer(6, BODIES["first"]),
    replace(NOTHING_MATCHES, headers=headers(7)),
]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    data = made_data(tmp_path_factory.mktemp("story") / "data")
    with Ncbi(*ANSWERS) as ncbi, DatasetsClient(ncbi.url, KEY, attempts=2, backoff_factor=0.0) as client:
        ncbi.ledger = data.warehouse
        story = Story(data, ncbi.url)

        def run(name: str, source: Source, origin: RunOrigin | None, kind: type[Warehouse] = Warehouse, **others: Any):
            began, peak, ncbi.seen = datetime.now(UTC), peak_rss_mib(), {}
            airflow_version = "3.3.0" if origin else None
            settings = {"warehouse": kind(data.warehouse), "data": data, "airflow_version": airflow_version, **others}
            with suppress(DatasetsUnavailable, Crash):
                ingest(source, client=client, origin=origin, **settings)
            row = dicts(data.warehouse, "FROM ops.ingest_run ORDER BY started_at")[-1]
            peaks = Between(peak - PEAK_MARGIN, peak_rss_mib() + PEAK_MARGIN)
            story.runs[name] = ObservedRun(began, datetime.now(UTC), peaks, ncbi.seen, row)

        run("full", MPOX, SCHEDULED_1)
        run("down", MPOX, SCHEDULED_2[0])
        run("crashed", MPOX, SCHEDULED_2[1], CrashingWarehouse)
        run("retry", MPOX, SCHEDULED_2[2])
        run("window", MPOX, MANUAL, wish=WindowRequest(since=date(2025, 5, 1)))
        run("day", MPOX, BACKFILL, wish=WindowRequest(since=date(2025, 5, 18), until=date(2025, 5, 20)))
        run("filtered", HUMAN_MPOX, FILTERED)
        run("empty", DENGUE, None)
        assert len(ncbi.requests) == len(ANSWERS)
        yield story


def expected_rows(story: Story) -> dict[str, dict[str, Any]]:
    """The expected ledger, by the names of the runs."""
    ids = {name: run.row["run_id"] for name, run in story.runs.items()}
    url = {
        since: MPOX.request_since(since and date.fromisoformat(since)).url(story.url)
        for since in (None, str(SINCE), "2025-05-01")
    }
    scheduled = {"source": "mpox", "run_type": "scheduled"}
    second_run = {
        **scheduled,
        "dag_run_id": "scheduled__2",
        "mode": "incremental",
        "updated_since": SINCE,
        "watermark_before": WATERMARKS[0],
        "request_url": url[str(SINCE)],
    }
    failed = {"status": "failed", "watermark": None, **NOTHING_COUNTED}
    no_move = {"watermark_before": WATERMARKS[1], "watermark": WATERMARKS[1]}
    archived = ("stage", "merge")
    return {
        "full": story.expected(
            "full",
            **scheduled,
            dag_run_id="scheduled__1",
            mode="full",
            watermark_before=None,
            watermark=WATERMARKS[0],
            request_url=url[None],
            seconds=story.runs["full"].spent(*TIMED_STAGES, download=STALL),
            **provenance(ids["full"], 1, BODIES["first"]),
            **counts(inserted=len(HELD)),
        ),
        "down": story.expected(
            "down",
            **second_run,
            **failed,
            **NO_PACKAGE,
            error=Starting("DatasetsUnavailable: "),
            requested_at=None,
            attempts=2,
            http_status=503,
            ncbi_phid="PHID3",
            datasets_version=None,
            seconds=story.runs["down"].spent("download"),
        ),
        "crashed": story.expected(
            "crashed",
            **second_run,
            **failed,
            try_number=2,
            error="Crash: the disk is full",
            **provenance(ids["crashed"], 4, BODIES["second"]),
        ),
        "retry": story.expected(
            "retry",
            **second_run,
            try_number=3,
            attempts=0,
            requested_at=story.runs["crashed"].row["requested_at"],
            watermark=WATERMARKS[1],
            seconds=story.runs["retry"].spent(*archived),
            **provenance(ids["crashed"], 4, BODIES["second"]),
            **counts(**KEPT, inserted=INSERTED, duplicate=DUPLICATE, quarantined=QUARANTINED),
        ),
        "window": story.expected(
            "window",
            source="mpox",
            run_type="manual",
            dag_run_id="manual__1",
            mode="window",
            updated_since=date(2025, 5, 1),
            request_url=url["2025-05-01"],
            **no_move,
            **provenance(ids["window"], 5, BODIES["third"]),
            **counts(inserted=LATER),
        ),
        "day": story.expected(
            "day",
            source="mpox",
            run_type="backfill",
            dag_run_id="backfill__1",
            mode="window",
            updated_since=date(2025, 5, 18),
            until=date(2025, 5, 20),
            request_url=url["2025-05-01"],
            attempts=0,
            requested_at=story.runs["window"].row["requested_at"],
            seconds=story.runs["day"].spent(*archived),
            **no_move,
            **provenance(ids["window"], 5, BODIES["third"]),
            **counts(out_of_window=LATER),
        ),
        "filtered": story.expected(
            "filtered",
            **scheduled,
            dag_run_id="scheduled__3",
            fingerprint=HUMAN_MPOX.fingerprint,
            mode="full",
            watermark_before=None,
            watermark=WATERMARKS[0],
            request_url=HUMAN_MPOX.request.url(story.url),
            **provenance(ids["filtered"], 6, BODIES["first"]),
            **counts(unchanged=KEPT["unchanged"] + KEPT["stale"], stale=KEPT["revised"] + KEPT["touched"]),
        ),
        "empty": story.expected(
            "empty",
            source="dengue",
            fingerprint=DENGUE.fingerprint,
            **dict.fromkeys(("dag_id", "dag_run_id", "run_type", "try_number")),
            mode="full",
            watermark_before=None,
            watermark=None,
            request_url=DENGUE.request.url(story.url),
            http_status=404,
            ncbi_phid="PHID7",
            datasets_version="18.7",
            seconds=story.runs["empty"].spent("download", *archived),
            versions={**story.runs["full"].row["versions"], "airflow": None},
            **NO_PACKAGE,
            **counts(),
        ),
    }


RUNS = ("full", "down", "crashed", "retry", "window", "day", "filtered", "empty")
FILLED = ("full", "retry", "window", "day", "filtered", "empty")


@pytest.mark.parametrize("name", RUNS)
def test_row_matches_the_run(story: Story, name: str) -> None:
    row = {column: value for column, value in story.runs[name].row.items() if column not in ELSEWHERE}
    expected = expected_rows(story)[name]
    assert row.keys() == expected.keys(), "a column of the ledger has no expected value here"
    assert {column: (value, expected[column]) for column, value in row.items() if value != expected[column]} == {}


def test_every_column_differs_between_runs(story: Story) -> None:
    """Otherwise the comparison would not show that the column is filled correctly."""
    columns = {column.name for column in ingest_run.columns}
    assert columns - ELSEWHERE.keys() == expected_rows(story)["full"].keys()
    # The peak of a process never falls: all runs may have the same one if earlier tests took more.
    for column in columns - ELSEWHERE.keys() - {"peak_rss_mib"}:
        assert len({str(story.runs[name].row[column]) for name in RUNS}) > 1, column
    for column, file in ELSEWHERE.items():
        assert column in columns
        if (elsewhere := Path(__file__).with_name(file)).exists():
            assert column in elsewhere.read_text(encoding="utf-8")


def test_row_of_a_running_run_has_what_is_known(story: Story) -> None:
    for name in ("full", "down", "crashed", "window", "filtered", "empty"):
        run, expected = story.runs[name], expected_rows(story)[name]
        known = {"run_id", "source", "mode", "fingerprint", "dag_id", "dag_run_id", "run_type", "try_number"}
        known |= {"started_at", "updated_since", "until", "watermark_before", "versions"}
        assert {column: run.during[column] for column in known} == {column: expected[column] for column in known}
        assert run.during["run_id"] == run.row["run_id"]
        rest = {column: value for column, value in run.during.items() if column not in known and value is not None}
        assert rest == {"status": "running"}


def test_run_ids_name_rows_files_and_records(story: Story) -> None:
    ids = [run.row["run_id"] for run in story.runs.values()]
    assert len(set(ids)) == len(RUNS)
    assert {path.stem for path in story.data.runs.glob("*.json")} == set(ids)
    loaded = "SELECT DISTINCT run_id, valid_from FROM (FROM virus_genome UNION ALL BY NAME FROM virus_genome_history)"
    commits = {(row["run_id"], row["valid_from"]) for row in dicts(story.data.warehouse, loaded)}
    rows = [story.runs[name].row for name in ("full", "retry", "window")]
    assert commits == {(row["run_id"], row["ended_at"]) for row in rows}


def test_packages_are_at_the_recorded_paths(story: Story) -> None:
    for name, content in {"crashed": "second", "retry": "second", "day": "third", "filtered": "first"}.items():
        assert (story.data.root / story.runs[name].row["package_path"]).read_bytes() == BODIES[content]


def test_report_rows_count_the_lines_of_committed_runs(story: Story) -> None:
    rows = {row["run_id"]: row for row in dicts(story.data.warehouse, "FROM ops.ingest_report")}
    assert len(rows) == len(FILLED)
    for name in FILLED:
        run = story.runs[name].row
        expected = {column: run[column] for column in ("run_id", "source", "lines", *OUTCOMES)}
        assert rows[run["run_id"]] == {**expected, "report": "data_report"}
        assert rows[run["run_id"]].keys() == {column.name for column in ingest_report.columns}
