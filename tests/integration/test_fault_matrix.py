"""Every known fault of NCBI, through the real operator: its consequences, and the reported error.

Each fault hits a warehouse that was loaded and published a day before. In every case, a row is either as NCBI shows it
today or unchanged; and the next run reaches the state of an undisturbed run.
"""

import hashlib
import json
import logging
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import RetryAction

from ncbi_virus.operators.ncbi_virus_to_duckdb import NcbiVirusToDuckDBOperator
from tests.support.lakes import (
    FILE,
    DataBesideLake,
    beside_new_lake,
    copy_data,
    on_file_and_lake,
    place_of,
    warehouse_beside,
)
from tests.support.stand_in import StandIn
from tests.support.tiers import all_long, some_of
from tests.support.warehouses import dicts, made_data, opened, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ncbi import listing
from virus_warehouse.ncbi.errors import DatasetsUnavailable, RequestRefused
from virus_warehouse.package_source import EmptyFullLoad
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.publish.publication import publish
from virus_warehouse.sources import SourcesFile

FIRST_DAY = date(2025, 6, 2)
"""Well before the day of the test run: dates after the request do not move the watermark."""
NEXT_DAY = FIRST_DAY + timedelta(days=1)
ATTEMPTS = 3
KEY = "0123456789abcdef0123456789abcdef0123"
HELP = "(For more help, see the NCBI Datasets Documentation)"

STATE = "SELECT * EXCLUDE (run_id, valid_from) FROM virus_genome ORDER BY source, accession"
HISTORY = (
    "SELECT * EXCLUDE (run_id, valid_from, valid_to, ended_run_id) FROM virus_genome_history "
    "ORDER BY source, accession, version, update_date"
)
TAXONOMY = "FROM taxon_lineage ORDER BY ALL"
QUARANTINE = "FROM ops.quarantine ORDER BY ALL"
WATERMARK = "SELECT max(watermark) FROM ops.ingest_run WHERE status = 'success'"


def page(title: str) -> str:
    return f"<html><head><title>{title}</title><style>p {{}}</style></head><body><h1>{title}</h1></body></html>"


def gateway_error(status: int, message: str) -> str:
    return json.dumps({"error": "Whatever", "code": status, "message": f"{message}. {HELP}"})


def rpc_status(message: str) -> str:
    return json.dumps({"code": 3, "message": message, "details": []})


@dataclass(frozen=True)
class Fault:
    """A fault of the stand-in, and its required consequences.

    Attributes:
        kind, details: the stand-in's fault.
        expected_words: words that the error must contain, besides the instructions.
        http_status: of the ledger row.
        refused: whether a package was received that must be set aside.
    """

    kind: str
    details: dict[str, Any] = field(default_factory=dict)
    expected_words: tuple[str, ...] = ()
    http_status: int | None = 200
    refused: bool = False


def status(code: int, expected_word: str, body: str = "", **headers: str) -> Fault:
    return Fault("status", {"status": code, "body": body, "headers": headers}, (f"HTTP {code}", expected_word), code)


PASSING: dict[str, Fault] = {
    "429": status(429, "Too Many Requests"),
    "429, plain text": status(429, "slow down", "slow down"),
    "429, unreadable Retry-After": status(429, "Too Many", **{"Retry-After": "soon"}),
    "429, Retry-After 0": status(429, "Too Many", **{"Retry-After": "0"}),
    "500, HTML": status(500, "Proxy Error", page("Proxy Error")),
    "502, HTML": status(502, "Bad Gateway", page("Bad Gateway")),
    "503, HTML": status(503, "Service Unavailable", page("Service Unavailable")),
    "504, HTML": status(504, "Gateway Time-out", page("Gateway Time-out")),
    "500, NCBI's JSON": status(500, "Internal error", gateway_error(500, "Internal error")),
    "500, rpcStatus": status(500, "datastore gone", rpc_status("datastore gone")),
    "503, nothing said": status(503, "Service Unavailable"),
    "reset before the answer": Fault("reset", {"fraction": 0.0}, ("reset by peer",), None),
    "reset in the body": Fault("reset", {"fraction": 0.5}, ("after", "bytes")),
    "silent before the answer": Fault("stalled", {"fraction": 0.0}, ("timed out",), None),
    "silent in the body": Fault("stalled", {"fraction": 0.5}, ("timed out", "after", "bytes")),
    "web page with status 200": Fault("not_zip", {}, ("package refused", "expected a whole zip file"), 200, True),
    "wrong CRC": Fault("bad_crc", {}, ("data_report.jsonl", "CRC"), 200, True),
    "wrong MD5": Fault("md5_mismatch", {}, ("data_report.jsonl", "expected MD5"), 200, True),
    "wrong catalog": Fault("catalog_mismatch", {}, ("data_report.jsonl", "dataset_catalog.json"), 200, True),
    "cut in the body": Fault("cut", {"fraction": 0.5}, ("after", "bytes")),
    "clean end within the body": Fault("truncated", {"fraction": 0.5}, ("package refused",), 200, True),
}
"""Faults that another attempt may avoid."""

IN_PARTS = {
    *("502, HTML", "504, HTML", "reset before the answer", "reset in the body", "silent before the answer"),
    *("silent in the body", "web page with status 200", "wrong CRC", "wrong MD5", "wrong catalog", "cut in the body"),
    "clean end within the body",
}
"""Those that a smaller package may avoid."""

SILENCE = 4
"""Seconds after which a silent connection is closed: enough for a valid response on a busy machine."""

CUT_AT = (0.0, 0.001, 0.01, 0.25, 0.75, 0.9, 0.99, 0.9999)
CUTS: dict[str, Fault] = {
    **{f"cut after {part:.2%}": Fault("cut", {"fraction": part}) for part in CUT_AT},
    **{f"clean end after {part:.2%}": Fault("truncated", {"fraction": part}, refused=True) for part in CUT_AT},
}
"""Other positions at which a body may end."""

REFUSALS: dict[str, Fault] = {
    "400, NCBI's JSON": status(400, "invalid path", gateway_error(400, "Invalid argument provided: 'invalid path'")),
    "400, rpcStatus": status(400, "bad enum", rpc_status("bad enum")),
    "400, plain text": status(400, "no such thing", "no such thing"),
    "400, nothing said": status(400, "Bad Request"),
    "401": status(401, "Check the API key", gateway_error(401, "API key invalid")),
    "403, HTML": status(403, "Check the API key", page("Forbidden")),
    "404, NCBI's JSON": status(404, "Your request is invalid", gateway_error(404, "Your request is invalid")),
    "404, HTML": status(404, "The page was not found", page("The page was not found")),
    "404, nothing said": status(404, "base URL"),
    "404, an empty result in HTML": status(404, "base URL", page("does not match any items")),
    "501": status(501, "Not Implemented"),
}
"""Faults that every attempt would meet."""

EMPTY: dict[str, str] = {"absent report": "absent_report", "empty report": "empty_report", "404 of NCBI": "empty_404"}


class Site:
    """A data folder, loaded and published, and the operator that fills it and finds it in the environment."""

    def __init__(self, data: DataFolder, environment: pytest.MonkeyPatch) -> None:
        self.data = data
        environment.setenv("VIRUS_DATA", str(data.root))
        if isinstance(data, DataBesideLake):
            environment.setenv("VIRUS_WAREHOUSE", data.lake.setting)

    def ingest(self, **arguments: Any) -> dict[str, Any]:
        return self.operator(**arguments).execute(context("manual"))

    def operator(self, **arguments: Any) -> NcbiVirusToDuckDBOperator:
        return NcbiVirusToDuckDBOperator(task_id="ingest", source={"name": "mpox", "taxon": "10244"}, **arguments)

    def publish(self) -> None:
        publish(warehouse_beside(self.data), self.data, SourcesFile(Path("sources.yaml")))

    @property
    def visible(self) -> tuple[Any, ...]:
        """Everything that a person or the next run can see, except the ledger row of a failure."""
        with opened(place_of(self.data)) as warehouse:
            tables = [warehouse.execute(sql).fetchall() for sql in (STATE, HISTORY, TAXONOMY, QUARANTINE, WATERMARK)]
        return (*tables, hashlib.sha256(self.data.snapshot.read_bytes()).hexdigest())

    @property
    def last_row(self) -> dict[str, Any]:
        return dicts(place_of(self.data), "FROM ops.ingest_run ORDER BY started_at DESC LIMIT 1")[0]

    @property
    def run_file(self) -> dict[str, Any]:
        return dict(json.loads((self.data.runs / f"{self.last_row['run_id']}.json").read_text()))

    @property
    def refused(self) -> int:
        return len(list(self.data.refused.glob("*.zip")))

    @property
    def leftovers(self) -> list[Path]:
        parts = self.data.parts.glob("*/*")
        return [*self.data.temporary.iterdir(), *self.data.runs.glob(".*"), *self.data.root.rglob("*.part"), *parts]

    def catches_up(self, undisturbed: tuple[Any, ...]) -> bool:
        """Whether a run without faults now has the rows and the watermark of an undisturbed one."""
        self.ingest()
        return self.visible[:-1] == undisturbed[:-1] and query(place_of(self.data), gates_sql()) == []


def context(run_type: str) -> Any:
    return {
        "dag_run": SimpleNamespace(run_type=SimpleNamespace(value=run_type)),
        "ti": SimpleNamespace(dag_id="ncbi_virus_ingest__mpox", run_id=f"manual__{datetime.now(UTC)}", try_number=1),
    }


@pytest.fixture(scope="module")
def one_stand_in() -> Iterator[StandIn]:
    with StandIn(today=FIRST_DAY, epoch=FIRST_DAY, records=300) as server:
        yield server


@pytest.fixture
def stand_in(one_stand_in: StandIn) -> StandIn:
    one_stand_in.clear_faults()
    one_stand_in.set_today(NEXT_DAY)
    return one_stand_in


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Point the operator's connection to a URL, with short timeouts."""

    def connect(url: str, **extra: float) -> None:
        extra = {"attempts": ATTEMPTS, "backoff_factor": 0, "read_timeout": 60, **extra}
        connection = {"conn_type": "http", "host": url, "password": KEY, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_NCBI_DATASETS", json.dumps(connection))

    return connect


@pytest.fixture(scope="module")
def loads(
    one_stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Callable[[str], tuple[DataFolder, tuple[Any, ...]]]:
    """Makes the next two, once for each place of the warehouse, in whatever order the tests run."""

    @cache
    def load(kept: str) -> tuple[DataFolder, tuple[Any, ...]]:
        root = tmp_path_factory.mktemp("loaded") / "data"
        data = made_data(root) if kept == FILE else beside_new_lake(root, request.getfixturevalue("catalog"))
        one_stand_in.clear_faults()
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("NCBI_DATASETS_URL", one_stand_in.url)
            site = Site(data, environment)
            one_stand_in.set_today(FIRST_DAY)
            site.ingest()
            site.publish()
            next_site = Site(copy_data(data, root.with_name("undisturbed")), environment)
            one_stand_in.set_today(NEXT_DAY)
            before = next_site.visible
            next_site.ingest()
            undisturbed = next_site.visible
        assert undisturbed[0] != before[0]
        assert undisturbed[4] > before[4]
        return data, undisturbed

    return load


@pytest.fixture(scope="module")
def loaded(kept: str, loads: Callable[[str], tuple[DataFolder, tuple[Any, ...]]]) -> DataFolder:
    """A data folder after the first day: loaded and published."""
    return loads(kept)[0]


@pytest.fixture(scope="module")
def undisturbed(kept: str, loads: Callable[[str], tuple[DataFolder, tuple[Any, ...]]]) -> tuple[Any, ...]:
    """What is visible on the next day without a fault."""
    return loads(kept)[1]


@pytest.fixture
def site(
    stand_in: StandIn,
    loaded: DataFolder,
    connect: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Site:
    site = Site(copy_data(loaded, tmp_path / "data"), monkeypatch)
    connect(stand_in.url)
    return site


@pytest.fixture
def asked(stand_in: StandIn) -> Callable[[], int]:
    """Counts the requests of this test."""
    before = len(stand_in.requests)
    return lambda: len(stand_in.requests) - before


def assert_failed(site: Site, error: BaseException, before: tuple[Any, ...], **columns: Any) -> None:
    """Nothing changed, and both the ledger and the run file record the failure."""
    assert site.visible == before
    assert site.leftovers == []
    row, run_file = site.last_row, site.run_file
    message = f"{type(error).__name__}: {error}"
    assert {name: row[name] for name in columns} == columns
    assert (row["status"], row["error"], row["lines"]) == ("failed", message, None)
    assert (run_file["stage"], run_file["status"], run_file["error"]) == ("failed", "failed", message)
    assert {name: run_file[name] for name in columns} == columns
    assert row["request_url"].startswith("http://127.0.0.1")
    assert str(row["request_url"]) in str(error)
    assert KEY not in json.dumps(run_file) + str(row)


@on_file_and_lake(
    [*some_of(PASSING, one_in=3, first=2), *some_of(CUTS, one_in=4)],
    all_long(PASSING | CUTS),
)
def test_transient_fault_costs_one_attempt(
    site: Site,
    stand_in: StandIn,
    connect: Callable[..., None],
    asked: Callable[[], int],
    undisturbed: tuple[Any, ...],
    case: str,
) -> None:
    fault = (PASSING | CUTS)[case]
    if fault.kind == "stalled":
        connect(stand_in.url, read_timeout=SILENCE)
    stand_in.fault(fault.kind, **fault.details)
    result = site.ingest()
    assert asked() == 2
    assert site.visible[:-1] == undisturbed[:-1]
    row, run_file = site.last_row, site.run_file
    assert (row["status"], row["attempts"], row["http_status"], row["error"]) == ("success", 2, 200, None)
    assert row["lines"] == result["counts"]["lines"] > 0
    assert (run_file["stage"], run_file["attempts"], run_file["status"]) == ("finished", 2, "success")
    assert site.refused == fault.refused
    assert site.leftovers == []


# Of a lake, `test_lake_faults.py` has failed runs in `make test`, and the next ones.
@on_file_and_lake(some_of(PASSING, one_in=4, first=3), all_long(PASSING))
def test_lasting_fault_fails_the_run_and_changes_nothing(
    site: Site,
    stand_in: StandIn,
    connect: Callable[..., None],
    asked: Callable[[], int],
    undisturbed: tuple[Any, ...],
    case: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault, before = PASSING[case], site.visible
    # Otherwise some of them would be avoided: see the next test.
    monkeypatch.setattr(listing, "LISTING", "/virus/which-does-not-exist")
    if fault.kind == "stalled":
        connect(stand_in.url, read_timeout=SILENCE)
    stand_in.fault(fault.kind, times=ATTEMPTS, **fault.details)
    with pytest.raises(DatasetsUnavailable) as failure:
        site.ingest()
    assert asked() == ATTEMPTS + (case in IN_PARTS)
    assert_failed(site, failure.value, before, attempts=ATTEMPTS, http_status=fault.http_status, mode="incremental")
    assert (site.last_row["ncbi_phid"] is None) == (fault.http_status is None)
    message = str(failure.value)
    assert all(f"attempt {number}: " in message for number in range(1, ATTEMPTS + 1))
    for words in fault.expected_words:
        assert words in message
    if fault.http_status is None:
        assert f"check the network, and that the base URL {stand_in.url} is right" in message
    else:
        assert "Try again later; if this lasts, write to NCBI's support and quote the Ncbi-Phid." in message
        assert f"Ncbi-Phid {site.last_row['ncbi_phid']}" in message
    assert site.refused == ATTEMPTS * fault.refused
    for package in site.data.refused.glob("*.zip"):
        # The refused package is kept for inspection.
        assert str(package) in message
    assert site.operator().retry_policy.evaluate(failure.value, 1, 3).action is RetryAction.DEFAULT
    assert site.catches_up(undisturbed)


@pytest.mark.parametrize("name", some_of(sorted(IN_PARTS), one_in=4))
def test_lasting_fault_of_the_whole_package_is_avoided_by_parts(
    site: Site, stand_in: StandIn, connect: Callable[..., None], undisturbed: tuple[Any, ...], name: str
) -> None:
    fault = PASSING[name]
    if fault.kind == "stalled":
        connect(stand_in.url, read_timeout=SILENCE)
    stand_in.fault(fault.kind, times=ATTEMPTS, **fault.details)
    site.ingest()
    assert site.visible[:-1] == undisturbed[:-1]
    assert (site.last_row["status"], site.last_row["attempts"]) == ("success", ATTEMPTS + 2)
    assert site.run_file["parts"]["arrived"] == 2
    assert site.refused == ATTEMPTS * fault.refused
    assert site.leftovers == []


@pytest.mark.parametrize("name", some_of(REFUSALS, one_in=3))
def test_refusal_fails_at_once_and_is_not_retried(
    site: Site, stand_in: StandIn, asked: Callable[[], int], undisturbed: tuple[Any, ...], name: str
) -> None:
    fault, before = REFUSALS[name], site.visible
    stand_in.fault(fault.kind, **fault.details)
    with pytest.raises(RequestRefused) as failure:
        site.ingest()
    assert asked() == 1
    assert_failed(site, failure.value, before, attempts=1, http_status=fault.http_status)
    message = str(failure.value)
    for words in fault.expected_words:
        assert words in message
    assert any(way_out in message for way_out in ("Fix the request", "Check the taxon, and that the", "Check the API"))
    assert f"Ncbi-Phid {site.last_row['ncbi_phid']}" in message
    assert site.operator().retry_policy.evaluate(failure.value, 1, 3).action is RetryAction.FAIL
    assert site.catches_up(undisturbed)


@pytest.mark.parametrize("name", EMPTY)
def test_empty_update_succeeds_with_a_warning(
    site: Site,
    stand_in: StandIn,
    asked: Callable[[], int],
    undisturbed: tuple[Any, ...],
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    before = site.visible
    stand_in.fault(EMPTY[name])
    with caplog.at_level(logging.WARNING):
        result = site.ingest()
    assert asked() == 1
    assert not result["changed"]
    assert not any(result["counts"].values())
    assert site.visible == before
    row = site.last_row
    assert (row["status"], row["lines"], row["attempts"]) == ("success", 0, 1)
    assert row["watermark"] == row["watermark_before"]
    assert site.run_file["stage"] == "finished"
    assert "NCBI lists nothing in this window, but" in caplog.text
    assert site.catches_up(undisturbed)


@pytest.mark.parametrize("name", EMPTY)
def test_empty_full_load_fails_unless_the_source_allows_it(
    site: Site, stand_in: StandIn, asked: Callable[[], int], name: str
) -> None:
    before = site.visible
    stand_in.fault(EMPTY[name])
    with pytest.raises(
        EmptyFullLoad, match="set allow_empty: true for the source; otherwise check its taxon"
    ) as failure:
        site.ingest(mode="full")
    assert asked() == 1
    assert_failed(site, failure.value, before, attempts=1, mode="full")


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_is_obeyed(
    site: Site, stand_in: StandIn, asked: Callable[[], int], form: str, caplog: pytest.LogCaptureFixture
) -> None:
    # A date has no fractions: two seconds from now is one at least.
    later = (datetime.now(UTC) + timedelta(seconds=2)).replace(microsecond=0)
    retry_after = "1" if form == "seconds" else format_datetime(later, usegmt=True)
    stand_in.fault("status", status=429, headers={"Retry-After": retry_after})
    started = datetime.now(UTC)
    with caplog.at_level(logging.WARNING):
        site.ingest()
    assert site.last_row["requested_at"] >= (later if form == "date" else started + timedelta(seconds=0.9))
    assert (asked(), site.last_row["attempts"]) == (2, 2)
    assert "Attempt 1 failed: HTTP 429 Too Many Requests. Trying again in" in caplog.text


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_retry_after_beyond_our_patience_is_left_to_airflow(
    site: Site, stand_in: StandIn, asked: Callable[[], int], undisturbed: tuple[Any, ...], form: str
) -> None:
    before = site.visible
    later = "3600" if form == "seconds" else format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    stand_in.fault("status", status=503, headers={"Retry-After": later})
    with pytest.raises(
        DatasetsUnavailable, match=r"NCBI asks to wait 3[56]\d\d s, longer than the patience left"
    ) as failure:
        site.ingest()
    assert asked() == 1
    assert_failed(site, failure.value, before, attempts=1, http_status=503)
    assert "Try again later" in str(failure.value)
    with pytest.raises(DatasetsUnavailable, match="so this one was not sent"):
        site.ingest()
    assert asked() == 1
    for limit in site.data.pace.iterdir():
        limit.unlink()  # as if the hour was over
    assert site.catches_up(undisturbed)


def test_refused_connection_fails_the_run(
    site: Site, stand_in: StandIn, connect: Callable[..., None], undisturbed: tuple[Any, ...]
) -> None:
    before = site.visible
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/datasets/v2"
        connect(url)
        with pytest.raises(DatasetsUnavailable, match="Connection refused") as failure:
            site.ingest()
    assert_failed(site, failure.value, before, attempts=ATTEMPTS, http_status=None, ncbi_phid=None)
    assert f"check the network, and that the base URL {url} is right" in str(failure.value)
    connect(stand_in.url)
    assert site.catches_up(undisturbed)


def test_unknown_host_name_fails_the_run(site: Site, connect: Callable[..., None]) -> None:
    before = site.visible
    connect("http://ncbi.invalid/datasets/v2")
    with pytest.raises(DatasetsUnavailable, match="check the network, and that the base URL") as failure:
        site.ingest()
    assert site.visible == before
    assert site.last_row["error"] == f"DatasetsUnavailable: {failure.value}"


def test_too_slow_download_fails_the_run(
    site: Site,
    stand_in: StandIn,
    connect: Callable[..., None],
    asked: Callable[[], int],
    undisturbed: tuple[Any, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = site.visible
    monkeypatch.setattr(listing, "LISTING", "/virus/which-does-not-exist")
    connect(stand_in.url, patience=3)
    stand_in.fault("drip", seconds=0.02)
    with pytest.raises(DatasetsUnavailable, match=r"patience used up.*less than 65536 bytes in \d+ s") as failure:
        site.ingest()
    assert asked() == 2, "for the package, and for a list of its records"
    assert_failed(site, failure.value, before, attempts=1, http_status=200)
    assert "Try again later" in str(failure.value)
    connect(stand_in.url)
    assert site.catches_up(undisturbed)


@pytest.mark.parametrize("header", ["X-Datasets-User-Message", "X-Datasets-Version-Message"])
def test_ncbi_message_to_users_is_logged_and_the_run_succeeds(
    site: Site,
    stand_in: StandIn,
    undisturbed: tuple[Any, ...],
    header: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    stand_in.fault("more_headers", headers={header: "A new version is due"})
    with caplog.at_level(logging.WARNING):
        site.ingest()
    assert site.visible[:-1] == undisturbed[:-1]
    assert site.last_row["attempts"] == 1
    assert "NCBI says: A new version is due" in caplog.text
    assert site.run_file["ncbi_says"] == "A new version is due"


def test_faults_of_every_kind_in_a_row_are_one_run(
    site: Site,
    stand_in: StandIn,
    connect: Callable[..., None],
    asked: Callable[[], int],
    undisturbed: tuple[Any, ...],
) -> None:
    connect(stand_in.url, attempts=6)
    for name in ("503, HTML", "cut in the body", "wrong CRC", "reset in the body", "clean end within the body"):
        stand_in.fault(PASSING[name].kind, **PASSING[name].details)
    site.ingest()
    assert (asked(), site.last_row["attempts"], site.refused) == (6, 6, 2)
    assert site.visible[:-1] == undisturbed[:-1]
