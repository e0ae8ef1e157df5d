"""Complete runs over real HTTP: from the window to the commit."""

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from tests.support import packages
from tests.support.fork_server import fork_server
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.stand_in import StandIn
from tests.support.tiers import some_of
from tests.support.waiting import today_for_a_while, until
from tests.support.warehouses import accessions, dicts, line, made_data, query
from tests.support.workers import follow
from virus_warehouse.archive import Archive
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi import listing
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.errors import DatasetsUnavailable, PackageError, RequestRefused
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.package_source import EmptyFullLoad
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import Source
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.connection import Warehouse, WarehouseLocked
from virus_warehouse.warehouse.ledger import RunOrigin
from virus_warehouse.warehouse.load_gates import GateError
from virus_warehouse.warehouse.run_record import OUTCOMES
from virus_warehouse.windows import WindowRequest

INCLUDE = Path(__file__).parents[2] / "include"
TODAY = date(2025, 6, 2)
"""Well before the day of the test run: dates after the request do not move the watermark."""

KEY = "0123456789abcdef0123456789abcdef0123"
DENGUE = Source(name="dengue", request=VirusGenomeRequest(taxon="12637"))
MPOX = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", aux_report=("ANNOTATION",)))
RUN = RunOrigin("ncbi_virus_ingest__dengue", "scheduled__2025-06-02", "scheduled", 1)

NOTHING_MATCHES = Answer(
    404, body=b'{"error":"Not Found","code":404,"message":"Your request does not match any items in our database"}'
)


class Site:
    """A data folder with its warehouse, and runs that fill it."""

    def __init__(self, root: Path) -> None:
        self.data = made_data(root)
        self.warehouse = Warehouse(self.data.warehouse, lock_timeout=60)

    def ingest(self, url: str, source: Source = DENGUE, *, api_key: str | None = None, **others: Any) -> IngestResult:
        with DatasetsClient(url, api_key, attempts=2, backoff_factor=0.0, read_timeout=60.0) as client:
            return ingest(source, **{"client": client, "warehouse": self.warehouse, "data": self.data, **others})

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return query(self.data.warehouse, sql, *parameters)

    @property
    def ledger(self) -> list[dict[str, Any]]:
        return dicts(self.data.warehouse, "FROM ops.ingest_run ORDER BY started_at")

    @property
    def last_run(self) -> dict[str, Any]:
        return self.ledger[-1]

    @property
    def run_files(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in sorted(self.data.runs.glob("*.json"))]

    def count(self) -> int:
        return int(self.rows("SELECT count(*) FROM virus_genome")[0][0])

    def states(self) -> list[str]:
        """The states of the archived packages, in the order of their requests."""
        sidecars = [json.loads(sidecar.read_text()) for sidecar in self.data.packages.glob("*/*.json")]
        return [sidecar["state"] for sidecar in sorted(sidecars, key=lambda sidecar: sidecar["requested_at"])]

    def is_tidy(self) -> bool:
        leftovers = [*self.data.temporary.iterdir(), *self.data.runs.glob(".*"), *self.data.root.rglob("*.part")]
        return leftovers == []


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "data")


@pytest.fixture(scope="module")
def one_stand_in() -> Iterator[StandIn]:
    with StandIn(today=TODAY, epoch=TODAY, records=300) as server:
        yield server


@pytest.fixture
def stand_in(one_stand_in: StandIn) -> StandIn:
    one_stand_in.set_today(TODAY)
    one_stand_in.clear_faults()
    one_stand_in._state.requests.clear()
    return one_stand_in


def serving(*reports: list[str]) -> ScriptedServer:
    """A server that responds to each request with a package of the next data report lines."""
    return ScriptedServer(*(Answer(body=packages.package(lines)) for lines in reports))


@dataclass
class Deltas:
    """A source that was loaded in full, and then by deltas; its tests only read it.

    Attributes:
        site: its data folder.
        results: of its runs.
        newest: the largest update date in the warehouse after each of them.
        times: before the first of them, and after each.
    """

    site: Site
    results: list[IngestResult]
    newest: list[date]
    times: list[datetime]


@pytest.fixture(scope="module")
def deltas(one_stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Deltas:
    site = Site(tmp_path_factory.mktemp("deltas") / "data")
    one_stand_in.clear_faults()
    deltas = Deltas(site, [], [], [datetime.now(UTC)])
    for days in (0, 1, 5, 15):
        one_stand_in.set_today(TODAY + timedelta(days=days))
        origin = None if days else RUN
        deltas.results.append(site.ingest(one_stand_in.url, origin=origin, airflow_version="3.3.0"))
        deltas.newest += [newest for (newest,) in site.rows("SELECT max(update_date) FROM virus_genome")]
        deltas.times.append(datetime.now(UTC))
    return deltas


class TestFullThenDeltas:
    def test_deltas_give_the_same_warehouse_as_a_full_load(
        self, deltas: Deltas, stand_in: StandIn, tmp_path: Path
    ) -> None:
        site, results = deltas.site, deltas.results
        assert [result.mode for result in results] == ["full", *["incremental"] * 3]
        for before, after in pairwise(results):
            assert before.watermark is not None
            assert after.updated_since == before.watermark - timedelta(days=14)
        assert results[0].counts["inserted"] == results[0].counts["lines"] > 20
        assert all(0 < result.counts["lines"] < results[0].counts["lines"] for result in results[1:])
        changes = {name: sum(result.counts[name] for result in results[1:]) for name in OUTCOMES}
        assert changes["inserted"]
        assert changes["revised"]
        assert changes["unchanged"]
        assert site.rows(gates_sql()) == []

        stand_in.set_today(TODAY + timedelta(days=15))
        fresh = Site(tmp_path / "fresh")
        fresh.ingest(stand_in.url)
        state = "SELECT accession, accession_version, update_date, record_hash FROM virus_genome"
        taxonomy = "SELECT descendant_tax_id, ancestor_tax_id, depth FROM taxon_lineage"
        assert set(fresh.rows(state)) <= set(site.rows(state))
        assert set(fresh.rows(taxonomy)) <= set(site.rows(taxonomy))

    def test_watermark_is_the_largest_update_date(self, deltas: Deltas) -> None:
        assert [result.watermark for result in deltas.results] == deltas.newest
        assert [row["watermark"] for row in deltas.site.ledger] == deltas.newest
        assert deltas.newest[0] < deltas.newest[-1]

    def test_counts_add_up_in_ledger_report_and_tables(self, deltas: Deltas) -> None:
        site = deltas.site
        for result, row in zip(deltas.results, site.ledger, strict=True):
            [report] = dicts(site.data.warehouse, "FROM ops.ingest_report WHERE run_id = ?", result.run_id)
            assert {name: report[name] for name in ("lines", *OUTCOMES)} == {
                name: row[name] for name in ("lines", *OUTCOMES)
            }
            assert result.counts == {name: row[name] for name in result.counts}
            assert row["lines"] == sum(row[outcome] for outcome in OUTCOMES)
            mine = """
                SELECT count(*) FROM (
                    SELECT run_id FROM virus_genome UNION ALL SELECT run_id FROM virus_genome_history
                ) WHERE run_id = ?
            """
            assert site.rows(mine, result.run_id) == [(row["inserted"] + row["revised"],)]
            ended = "SELECT count(*) FROM virus_genome_history WHERE ended_run_id = ?"
            assert site.rows(ended, result.run_id) == [(row["revised"],)]
        inserted, records = site.rows("SELECT sum(inserted), (SELECT count(*) FROM virus_genome) FROM ops.ingest_run")[
            0
        ]
        assert inserted == records

    def test_ledger_row_is_complete(self, deltas: Deltas, stand_in: StandIn) -> None:
        site, (full, delta, *_) = deltas.site, deltas.results
        rows = {row["run_id"]: row for row in site.ledger}
        row = rows[full.run_id]
        absent = {name for name, value in row.items() if value is None}
        of_others = {"error", "archived_run_id", "approved_by"}  # of failed runs, and of approved ones
        assert absent == {*of_others, "updated_since", "until", "watermark_before", "missing"}
        path = site.data.root / row["package_path"]
        assert path == site.data.packages / "dengue" / f"{full.run_id}.zip"
        assert row["package_bytes"] == path.stat().st_size
        assert {name: row[name] for name in ("source", "mode", "status", "attempts", "http_status")} == {
            "source": "dengue",
            "mode": "full",
            "status": "success",
            "attempts": 1,
            "http_status": 200,
        }
        assert (row["dag_id"], row["dag_run_id"], row["run_type"], row["try_number"]) == (
            "ncbi_virus_ingest__dengue",
            "scheduled__2025-06-02",
            "scheduled",
            1,
        )
        assert row["fingerprint"] == DENGUE.fingerprint
        assert row["request_url"] == DENGUE.request.url(stand_in.url)
        assert (row["withdrawn"], row["missing"]) == (0, None)
        assert deltas.times[0] <= row["started_at"] < row["requested_at"] < row["ended_at"] <= deltas.times[1]
        assert all(seconds >= 0 for seconds in row["seconds"].values())
        assert row["seconds"]["download"] > row["seconds"]["verify"] > 0
        assert all(row["versions"].values())
        assert row["peak_rss_mib"] > 10
        row = rows[delta.run_id]
        absent = {name for name, value in row.items() if value is None}
        assert absent == {*of_others, "until", "dag_id", "dag_run_id", "run_type", "try_number", "missing"}
        assert row["watermark_before"] == full.watermark
        assert f"updated_since={delta.updated_since}T00:00:00Z" in row["request_url"]

    def test_records_of_a_run_have_its_commit_time(self, deltas: Deltas) -> None:
        times = deltas.site.rows("SELECT DISTINCT valid_from, run_id FROM virus_genome")
        assert len(times) > 1
        assert set(times) <= {(row["ended_at"], row["run_id"]) for row in deltas.site.ledger}

    def test_run_file_and_sidecar_describe_the_run(self, deltas: Deltas) -> None:
        site, result = deltas.site, deltas.results[0]
        states = {state["run_id"]: state for state in site.run_files}
        assert states.keys() == {other.run_id for other in deltas.results}
        state = states[result.run_id]
        assert state["stage"] == "finished"
        assert state["summary"].startswith("dengue: full load committed, ")
        assert state["lines"] == result.counts["lines"]
        sidecar = json.loads((site.data.packages / "dengue" / f"{result.run_id}.json").read_text())
        assert sidecar["sha256"] == site.ledger[0]["package_sha256"]
        assert sidecar["mode"] == "full"

    def test_nothing_is_left_behind(self, deltas: Deltas) -> None:
        assert deltas.site.is_tidy()

    def test_changed_filter_loads_in_full_and_ends_what_it_does_not_show(self, site: Site, stand_in: StandIn) -> None:
        site.ingest(stand_in.url)
        before = site.count()
        brazil = DENGUE.model_copy(update={"request": VirusGenomeRequest(taxon="12637", geo_location="Brazil")})
        result = site.ingest(stand_in.url, brazil)
        assert result.mode == "full"
        assert site.rows("SELECT DISTINCT country FROM virus_genome") == [("Brazil",)]
        ended = site.rows("SELECT count(*) FROM virus_genome_history WHERE ended_by = 'filter'")
        assert ended == [(before - site.count(),)]
        assert site.ingest(stand_in.url, brazil).mode == "incremental"
        assert site.ingest(stand_in.url).mode == "full"
        assert site.count() == before
        assert site.rows(gates_sql()) == []

    def test_sources_ingested_at_once_both_commit(self, site: Site, stand_in: StandIn) -> None:
        failures: list[BaseException] = []

        def run(source: Source) -> None:
            try:
                site.ingest(stand_in.url, source)
            except BaseException as error:
                failures.append(error)

        threads = [threading.Thread(target=run, args=[source]) for source in (DENGUE, MPOX)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert {row["source"]: row["status"] for row in site.ledger} == {"dengue": "success", "mpox": "success"}
        assert site.rows(gates_sql()) == []


class TestWindow:
    def test_only_its_days_are_merged(self, site: Site) -> None:
        days = [line(f"PX{day}.1", f"2025-05-0{day}") for day in range(1, 6)]
        with serving(days, days) as ncbi:
            window_request = WindowRequest(since=date(2025, 5, 2), until=date(2025, 5, 4))
            result = site.ingest(ncbi.url, wish=window_request)
            assert (result.mode, result.counts["inserted"], result.counts["out_of_window"]) == ("window", 2, 3)
            assert site.rows("SELECT accession FROM virus_genome ORDER BY 1") == [("PX2",), ("PX3",)]
            assert ("updated_since", "2025-05-02T00:00:00Z") in ncbi.requests[0].query
            assert site.ingest(ncbi.url).mode == "full", "a window must not set the watermark"
        window, _ = site.ledger
        assert (window["updated_since"], window["until"]) == (date(2025, 5, 2), date(2025, 5, 4))

    def test_it_keeps_the_watermark(self, site: Site) -> None:
        with serving([line("PX1.1", "2025-05-01")], [line("PX2.1", "2025-05-20")]) as ncbi:
            site.ingest(ncbi.url)
            result = site.ingest(ncbi.url, wish=WindowRequest(since=date(2025, 5, 10)))
            assert result.counts["inserted"] == 1
            assert (result.watermark, site.last_run["watermark"]) == (date(2025, 5, 1), date(2025, 5, 1))
            assert site.ingest(ncbi.url).updated_since == date(2025, 4, 17)


class TestWatermark:
    def test_date_after_the_request_does_not_move_it(self, site: Site) -> None:
        with serving([line("PX1.1", "2025-05-01"), line("PX2.1", "2999-01-01")], [line("PX3.1", "2999-01-02")]) as ncbi:
            assert site.ingest(ncbi.url).watermark == date(2025, 5, 1)
            assert site.ingest(ncbi.url).watermark == date(2025, 5, 1)
        assert site.rows("SELECT max(update_date)::VARCHAR FROM virus_genome") == [("2999-01-02",)]

    def test_today_moves_it(self, site: Site) -> None:
        today = today_for_a_while()
        with serving([line("PX1.1", today.isoformat())]) as ncbi:
            assert site.ingest(ncbi.url).watermark == today

    def test_older_dates_do_not_move_it_back(self, site: Site) -> None:
        with serving([line("PX1.1", "2025-05-20")], [line("PX2.1", "2025-05-08")]) as ncbi:
            site.ingest(ncbi.url)
            result = site.ingest(ncbi.url)
        assert (result.updated_since, result.watermark) == (date(2025, 5, 6), date(2025, 5, 20))
        assert result.counts["inserted"] == 1

    def test_without_any_date_the_next_run_is_full_again(self, site: Site) -> None:
        with serving([line("PX1.1", None)]) as ncbi:
            assert site.ingest(ncbi.url).watermark is None
            assert site.ingest(ncbi.url).mode == "full"

    def test_failed_run_does_not_move_it(self, site: Site) -> None:
        late = [line(accession, "2025-05-20") for accession in accessions(9)]
        with serving([line("PX1.1", "2025-05-01")], ["{" * n for n in range(1, 12)] + late, [line("PX1.1")]) as ncbi:
            site.ingest(ncbi.url)
            with pytest.raises(GateError, match="quarantine share"):
                site.ingest(ncbi.url)
            assert site.ingest(ncbi.url).updated_since == date(2025, 4, 17)


EMPTY = {"404": NOTHING_MATCHES, **{name: Answer(body=make()) for name, make in packages.EMPTY.items()}}
KINDS_OF_EMPTY = some_of(EMPTY, one_in=2)
"""Without a package, and with one; the other kind of package is for `make test-long`."""


class TestEmpty:
    @pytest.mark.parametrize("empty", KINDS_OF_EMPTY)
    def test_empty_delta_succeeds_with_a_warning_when_rows_are_in_its_window(
        self, site: Site, empty: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.WARNING)
        with ScriptedServer(Answer(body=packages.package([line("PX1.1"), line("PX2.1")])), EMPTY[empty]) as ncbi:
            first = site.ingest(ncbi.url)
            assert caplog.messages == []
            result = site.ingest(ncbi.url)
        assert caplog.messages == ["NCBI lists nothing in this window, but the warehouse has 2 records in it"]
        assert (result.counts["lines"], result.changed, result.watermark) == (0, False, first.watermark)
        row = site.last_run
        assert (row["status"], row["lines"], row["error"]) == ("success", 0, None)
        assert row["http_status"] == (404 if empty == "404" else 200)
        assert site.count() == 2
        assert site.rows(gates_sql()) == []

    def test_empty_window_without_held_rows_logs_no_warning(self, site: Site, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.WARNING)
        with ScriptedServer(Answer(body=packages.package([line("PX1.1", "2025-05-01")])), NOTHING_MATCHES) as ncbi:
            site.ingest(ncbi.url)
            site.ingest(ncbi.url, wish=WindowRequest(since=date(2025, 5, 2), until=date(2025, 5, 3)))
        assert caplog.messages == []
        assert site.last_run["status"] == "success"

    @pytest.mark.parametrize("empty", EMPTY)
    def test_empty_full_load_fails_and_says_what_to_do(self, site: Site, empty: str) -> None:
        with ScriptedServer(EMPTY[empty]) as ncbi, pytest.raises(EmptyFullLoad) as failed:
            site.ingest(ncbi.url)
        assert "set allow_empty: true for the source" in str(failed.value)
        row = site.last_run
        assert (row["status"], row["lines"], row["watermark"]) == ("failed", None, None)
        assert row["error"].startswith("EmptyFullLoad: NCBI has no records for source dengue")
        assert site.is_tidy()

    @pytest.mark.parametrize("empty", KINDS_OF_EMPTY)
    def test_source_may_allow_an_empty_full_load(self, site: Site, empty: str) -> None:
        with ScriptedServer(EMPTY[empty]) as ncbi:
            result = site.ingest(ncbi.url, DENGUE.model_copy(update={"allow_empty": True}))
        assert (result.mode, result.counts["lines"]) == ("full", 0)
        assert site.last_run["status"] == "success"

    @pytest.mark.parametrize("empty", KINDS_OF_EMPTY)
    def test_retry_of_an_empty_full_load_downloads_again(self, site: Site, empty: str) -> None:
        with ScriptedServer(EMPTY[empty], Answer(body=packages.package([line()]))) as ncbi:
            with pytest.raises(EmptyFullLoad):
                site.ingest(ncbi.url, origin=RUN)
            assert site.ingest(ncbi.url, origin=RUN).counts["inserted"] == 1
            assert len(ncbi.requests) == 2

    def test_any_other_404_is_a_failure(self, site: Site, stand_in: StandIn) -> None:
        with pytest.raises(RequestRefused, match=r"that the base URL .* is right"):
            site.ingest(f"{stand_in.url}/misspelt", DENGUE.model_copy(update={"allow_empty": True}))
        assert site.last_run["status"] == "failed"


class TestRefusals:
    def test_unknown_taxon_is_requested_once_and_the_ncbi_message_is_kept(self, site: Site, stand_in: StandIn) -> None:
        unknown = Source(name="typo", request=VirusGenomeRequest(taxon="dengu"))
        with pytest.raises(RequestRefused, match="'dengu' is not recognized"):
            site.ingest(stand_in.url, unknown)
        assert len(stand_in.requests) == 1
        row = site.last_run
        assert (row["status"], row["attempts"], row["http_status"]) == ("failed", 1, 400)
        assert "The taxonomy name 'dengu' is not recognized" in row["error"]
        assert row["ncbi_phid"] in row["error"]
        [state] = site.run_files
        assert (state["stage"], state["error"]) == ("failed", row["error"])
        assert site.is_tidy()

    def test_ncbi_outage_is_retried_and_then_recorded_as_a_failed_run(self, site: Site) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(DatasetsUnavailable, match="Connection refused"):
            site.ingest(f"http://127.0.0.1:{port}")
        row = site.last_run
        assert (row["status"], row["attempts"], row["http_status"]) == ("failed", 2, None)
        assert "Connection refused" in row["error"]
        assert row["ended_at"] >= row["started_at"]
        [state] = site.run_files
        assert (state["stage"], state["status"]) == ("failed", "failed")
        assert site.is_tidy()

    def test_run_after_a_failed_one_succeeds(self, site: Site, stand_in: StandIn) -> None:
        stand_in.fault("status", times=2, status=503)
        with pytest.raises(DatasetsUnavailable):
            site.ingest(stand_in.url)
        assert site.last_run["http_status"] == 503
        assert site.ingest(stand_in.url).mode == "full"

    @pytest.mark.parametrize(
        "fault", some_of(["truncated", "not_zip", "bad_crc", "md5_mismatch", "catalog_mismatch"], one_in=3)
    )
    def test_broken_package_is_set_aside_and_downloaded_again(self, site: Site, stand_in: StandIn, fault: str) -> None:
        stand_in.fault(fault)
        result = site.ingest(stand_in.url)
        assert result.counts["inserted"] > 0
        assert (site.last_run["attempts"], site.last_run["status"]) == (2, "success")
        [kept] = site.data.refused.iterdir()
        assert kept.name.startswith(result.run_id)
        assert kept.stat().st_size > 0

    @pytest.mark.parametrize("fault", ["truncated", "not_zip", "bad_crc", "md5_mismatch", "catalog_mismatch", "cut"])
    def test_package_that_stays_broken_is_never_loaded(
        self, site: Site, stand_in: StandIn, fault: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(listing, "LISTING", "/virus/which-does-not-exist")  # for the parts, which are not broken
        stand_in.fault(fault, times=2)
        with pytest.raises(DatasetsUnavailable, match="delivered no complete package"):
            site.ingest(stand_in.url)
        row = site.last_run
        assert (row["status"], row["attempts"], row["http_status"], row["package_path"]) == ("failed", 2, 200, None)
        assert site.count() == 0
        assert list(site.data.packages.rglob("*.zip")) == []
        # An interrupted connection leaves no package to inspect.
        assert len(list(site.data.refused.iterdir())) == (0 if fault == "cut" else 2)
        assert site.is_tidy()

    def test_bad_lines_are_quarantined_and_the_others_loaded(self, site: Site) -> None:
        with serving([line("PX1.1"), '{"accession":"PX2"}', line("PX3.1", virus="mpox"), line("PX4.1")]) as ncbi:
            result = site.ingest(ncbi.url)
        assert (result.counts["inserted"], result.counts["quarantined"], result.counts["lines"]) == (2, 2, 4)
        assert site.rows("SELECT line_number, reason, first_run_id FROM ops.quarantine ORDER BY line_number") == [
            (2, "accession: not of the form accession.version", result.run_id),
            (3, 'virus: "mpox" is not an object', result.run_id),
        ]
        assert site.rows(gates_sql()) == []


class TestFurtherTries:
    def test_retry_after_a_failed_merge_uses_the_archived_package(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise OSError("the power failed")

        with serving([line("PX1.1"), line("PX2.1")]) as ncbi:
            with monkeypatch.context() as patch:
                patch.setattr("virus_warehouse.ingest.load_reports", fail)
                with pytest.raises(OSError, match="the power failed"):
                    site.ingest(ncbi.url, origin=RUN)
            failed = site.last_run
            result = site.ingest(ncbi.url, origin=RUN)
            assert len(ncbi.requests) == 1
        row = site.last_run
        assert (row["status"], row["attempts"], result.counts["inserted"]) == ("success", 0, 2)
        provenance = ("package_path", "package_sha256", "package_bytes", "requested_at", "request_url", "ncbi_phid")
        assert {name: row[name] for name in provenance} == {name: failed[name] for name in provenance}
        assert site.states() == ["accepted"]

    def test_retry_after_a_gate_failure_loads_the_corrected_package(self, site: Site) -> None:
        many = [line(accession) for accession in accessions(30)]
        origin = RunOrigin(RUN.dag_id, "manual__full", "manual", 1)
        with serving(many, many[:5], many) as ncbi:
            site.ingest(ncbi.url)
            with pytest.raises(GateError, match=r"missing records: .* lacks 25 of the 30"):
                site.ingest(ncbi.url, origin=origin, wish=WindowRequest(mode="full"))
            assert site.count() == 30
            assert site.states() == ["accepted", "refused"]
            result = site.ingest(ncbi.url, origin=origin, wish=WindowRequest(mode="full"))
            assert len(ncbi.requests) == 3
        assert (site.last_run["status"], result.counts["unchanged"]) == ("success", 30)

    def test_package_refused_by_a_gate_is_not_reused_for_a_window(self, site: Site) -> None:
        many = [line(accession, "2025-05-01") for accession in accessions(30)]
        window = WindowRequest(since=date(2025, 5, 1), until=date(2025, 5, 2))
        with serving(many, many[:5], many) as ncbi:
            site.ingest(ncbi.url)
            with pytest.raises(GateError):
                site.ingest(ncbi.url, wish=WindowRequest(mode="full"))
            # The first full package is reused for the window, the refused one after it is not.
            site.ingest(ncbi.url, wish=window)
            assert (len(ncbi.requests), site.last_run["lines"], site.last_run["attempts"]) == (2, 30, 0)
            for package in site.data.packages.rglob("*.zip"):
                if json.loads(package.with_suffix(".json").read_text())["state"] == "accepted":
                    package.unlink()
            site.ingest(ncbi.url, wish=window)
        assert (len(ncbi.requests), site.last_run["lines"], site.last_run["attempts"]) == (3, 30, 1)

    def test_refused_packages_follow_the_retention_of_their_source(self, site: Site) -> None:
        forgetful = DENGUE.model_copy(update={"name": "forgetful", "retention_days": 1})
        refused = [site.data.refused / f"20250601T060000Z-{name}-abc123-ab12.zip" for name in ("dengue", "forgetful")]
        two_days_ago = time.time() - 2 * 86_400
        for path in refused:
            path.touch()
            os.utime(path, (two_days_ago, two_days_ago))
        with serving([line("PX1.1")]) as ncbi:
            site.ingest(ncbi.url, forgetful)
        assert [path.exists() for path in refused] == [True, False]

    def test_package_that_was_damaged_in_the_archive_fails_one_try(self, site: Site) -> None:
        window = WindowRequest(since=date(2025, 5, 1), until=date(2025, 5, 2))
        with serving(*[[line("PX1.1", "2025-05-01")]] * 2) as ncbi:
            site.ingest(ncbi.url)
            [archived] = site.data.packages.rglob("*.zip")
            content = bytearray(archived.read_bytes())
            start = content.index(b"data_report.jsonl") + len("data_report.jsonl")
            content[start + 40 : start + 50] = bytes(10)
            archived.write_bytes(content)
            with pytest.raises(PackageError, match=r"damaged since it was verified .* the next try downloads another"):
                site.ingest(ncbi.url, wish=window)
            site.ingest(ncbi.url, wish=window)
            assert len(ncbi.requests) == 2
        assert site.last_run["status"] == "success"

    def test_retry_after_the_commit_downloads_again(self, site: Site) -> None:
        with serving([line("PX1.1")], [line("PX1.1"), line("PX2.1")]) as ncbi:
            site.ingest(ncbi.url, origin=RUN)
            result = site.ingest(ncbi.url, origin=RUN)
        assert (result.mode, result.counts["inserted"], site.last_run["attempts"]) == ("full", 1, 1)

    def test_other_dag_run_downloads_again(self, site: Site) -> None:
        with serving([line("PX1.1"), *("{" * n for n in range(1, 12))], [line("PX1.1")]) as ncbi:
            with pytest.raises(GateError):
                site.ingest(ncbi.url, origin=RUN)
            site.ingest(ncbi.url, origin=RunOrigin(RUN.dag_id, "scheduled__2025-06-03"))
        assert site.last_run["attempts"] == 1

    def test_damaged_archived_package_is_not_used(self, site: Site) -> None:
        with serving([line("PX1.1"), *("{" * n for n in range(1, 12))], [line("PX1.1")]) as ncbi:
            with pytest.raises(GateError):
                site.ingest(ncbi.url, origin=RUN)
            [archived] = site.data.packages.rglob("*.zip")
            archived.write_bytes(archived.read_bytes()[:-50])
            site.ingest(ncbi.url, origin=RUN)
        assert (site.last_run["attempts"], site.last_run["status"]) == (1, "success")


HOLD_FILE = """
import sys, time
import duckdb

connection = duckdb.connect(sys.argv[1])
print("holding", flush=True)
time.sleep(600)
"""


class TestRowTakenAway:
    """Another process, on a host that cannot see this one's lock, takes the ledger row of a running run."""

    def ingest(self, site: Site, ncbi: str, statement: str) -> None:
        def take_row(_: object) -> None:
            with duckdb.connect() as session, site.warehouse.transaction(session):
                session.execute(statement)

        with pytest.raises(ledger.RunNotOpen, match="is no longer open in the ledger"):
            site.ingest(ncbi, on_progress=take_row)

    @pytest.mark.parametrize(
        ("statement", "error"),
        [
            ("UPDATE warehouse.ops.ingest_run SET status = 'failed', error = 'thought dead'", "thought dead"),
            ("DELETE FROM warehouse.ops.ingest_run", "RunNotOpen: run "),
        ],
        ids=["closed", "removed"],
    )
    def test_nothing_is_loaded_and_the_run_has_failed_everywhere(self, site: Site, statement: str, error: str) -> None:
        with serving([line()]) as ncbi:
            self.ingest(site, ncbi.url, statement)
            assert site.count() == 0
            assert (site.last_run["status"], site.last_run["error"][: len(error)]) == ("failed", error)
            (state,) = site.run_files
            assert (state["status"], state["stage"]) == ("failed", "failed")
            assert state["error"].startswith("RunNotOpen: run ")
            assert site.is_tidy()
            assert site.ingest(ncbi.url).counts["inserted"] == 1


class TestKilledRun:
    def test_killed_run_is_closed_by_the_next_one(self, site: Site) -> None:
        whole = packages.package([line()])
        pieces = [whole[:100], whole[100:200], whole[200:]]
        stalling = Answer(body=pieces, pause_seconds=0.1, stall_after=200, stall_seconds=600)
        with ScriptedServer(stalling, Answer(body=whole)) as ncbi:
            process = fork_server().Process(target=follow, args=(site.data.root, ncbi.url, "dengue"))
            process.start()
            until(lambda: [state["stage"] for state in site.run_files] == ["download"] and bool(ncbi.requests), 120)
            process.kill()
            process.join()
            [dead] = site.ledger
            assert (dead["status"], dead["ended_at"]) == ("running", None)
            [state] = site.run_files
            assert (state["stage"], state["process_id"]) == ("download", process.pid)
            result = site.ingest(ncbi.url)
        closed, last = site.ledger
        assert closed["run_id"] == dead["run_id"]
        assert (closed["status"], last["status"]) == ("failed", "success")
        assert closed["error"].startswith("the process ended before the run did")
        assert closed["ended_at"] is not None
        assert (result.mode, result.counts["inserted"]) == ("full", 1)
        assert list(site.data.temporary.iterdir()) == []

    @pytest.mark.parametrize("moment", ["the commit returns", "the load is recorded"])
    def test_run_interrupted_after_its_commit_is_recorded_as_committed(
        self, site: Site, monkeypatch: pytest.MonkeyPatch, moment: str
    ) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        def commit_and_interrupt(_: Warehouse, session: DuckDBPyConnection) -> None:
            session.execute("COMMIT")
            if session.execute("SELECT count(*) FROM warehouse.main.virus_genome").fetchone() == (1,):
                monkeypatch.undo()
                raise KeyboardInterrupt

        if moment == "the commit returns":
            monkeypatch.setattr(Warehouse, "_commit", commit_and_interrupt)
        else:
            monkeypatch.setattr(Archive, "record_load", interrupt)
        with serving([line()]) as ncbi, pytest.raises(KeyboardInterrupt):
            site.ingest(ncbi.url)
        monkeypatch.undo()
        [row], [state] = site.ledger, site.run_files
        assert (row["status"], state["status"], state["stage"]) == ("success", "success", "finished")
        assert "full load committed, 1 line = 1 inserted" in state["summary"]
        with serving([line()]) as ncbi:
            assert site.ingest(ncbi.url).mode == "incremental"
        assert {state["status"] for state in site.run_files} == {"success"}

    def test_run_whose_ledger_row_cannot_be_written_records_its_end_in_its_file(self, site: Site) -> None:
        with ExitStack() as holding, serving([line("PX1.1")], [line("PX1.1")]) as ncbi:

            def hold_warehouse(_: object) -> None:
                command = [sys.executable, "-c", HOLD_FILE, str(site.data.warehouse)]
                holder = holding.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
                holding.callback(holder.kill)
                assert holder.stdout is not None
                assert holder.stdout.readline() == b"holding\n"

            impatient = Warehouse(site.data.warehouse, lock_timeout=0.2)
            with pytest.raises(WarehouseLocked):
                site.ingest(ncbi.url, warehouse=impatient, on_progress=hold_warehouse, origin=RUN)
            [state] = site.run_files
            assert (state["stage"], state["status"]) == ("failed", "failed")
            assert state["error"].startswith("WarehouseLocked: ")
            assert site.is_tidy()
            holding.close()
            site.ingest(ncbi.url, origin=RUN)
            assert len(ncbi.requests) == 1, "the package of the first try must be reused"
        assert [row["status"] for row in site.ledger] == ["failed", "success"]


class TestSecrets:
    def test_api_key_is_in_no_file_of_the_data_folder(self, site: Site, stand_in: StandIn) -> None:
        site.ingest(stand_in.url, api_key=KEY)
        assert stand_in.requests[0].headers["api-key"] == KEY
        echo = Answer(400, body=f'{{"error":"API key invalid","message":"API key {KEY} is invalid"}}'.encode())
        for answer in (echo, Answer(503, body=KEY.encode()), Answer(200, body=KEY.encode()[::-1])):
            with ScriptedServer(answer) as ncbi, pytest.raises((RequestRefused, DatasetsUnavailable)):
                site.ingest(ncbi.url, api_key=KEY)
        files = [path for path in site.data.root.rglob("*") if path.is_file()]
        assert len(files) > 5
        assert [path for path in files if KEY.encode() in path.read_bytes()] == []


WITHOUT_AIRFLOW = """
import sys

class NoAirflow:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("airflow", "dags", "plugins", "ncbi_virus"):
            raise ImportError(f"{name} is not for include/")

sys.meta_path.insert(0, NoAirflow())

import importlib
from pathlib import Path

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.publish.publication import publish
from virus_warehouse.sources import read_sources
from virus_warehouse.warehouse.connection import Warehouse

data = DataFolder.from_environment()
warehouse = Warehouse(data.warehouse)
result = ingest(
    read_sources().source("dengue"), client=DatasetsClient(sys.argv[1]), warehouse=warehouse, data=data
)
publish(warehouse, data, read_sources())
importlib.import_module("virus_warehouse.cli.app")  # the command, with all of its parts
assert not any(name.split(".")[0] == "airflow" for name in sys.modules)
print(result.counts["inserted"])
"""


class TestWithoutAirflow:
    def test_load_publication_and_command_work_without_airflow(self, tmp_path: Path, stand_in: StandIn) -> None:
        data = DataFolder(tmp_path / "new")
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(INCLUDE),
            "VIRUS_DATA": str(data.root),
        }
        done = subprocess.run(
            [sys.executable, "-c", WITHOUT_AIRFLOW, stand_in.url], env=environment, capture_output=True, text=True
        )
        [warning] = done.stderr.splitlines()  # the last update of this NCBI is in 2025
        assert warning.startswith("warned: freshness of dengue: No new NCBI updates")
        inserted = int(done.stdout)
        assert inserted > 20
        assert query(data.snapshot, "SELECT count(*) FROM virus_genome") == [(inserted,)]
