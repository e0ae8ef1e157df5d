"""What NCBI does not deliver in one piece is downloaded in parts, with the same result."""

import json
import os
import random
import re
import shutil
import socket
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.support.killed_in_parts import DAG_RUN, DOWNLOADS, NCBI_LIMIT, accessions_asked_for, asked_for, load, running
from tests.support.pages import text_of
from tests.support.stand_in import StandIn
from tests.support.tiers import some_of
from tests.support.waiting import until
from tests.support.warehouses import dicts, made_data, query
from virus_warehouse.archive import Archive
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.doctor.found_leftovers import check_leftovers
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.forget import forget, holdings
from virus_warehouse.ncbi import listing
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.errors import DatasetsUnavailable, PackageError, RequestRefused
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.ncbi.request import AccessionsRequest
from virus_warehouse.package_in_parts import NotDelivered
from virus_warehouse.pages.app import URL_PREFIX, create_app
from virus_warehouse.parts_folder import KEPT, PartsInUse, remove_stale_parts
from virus_warehouse.private_files import WORLD
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.rebuild import rebuild
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.windows import WindowRequest

TODAY = date(2025, 6, 2)
"""Well before the day of the test run: dates after the request do not move the watermark."""

VIRUSES = {
    "name": "viruses",
    "taxon": "10239",
    "aux_reports": ["ANNOTATION", "BIOSAMPLE_REPORT"],
    "sequences": ["GENOME", "CDS", "PROTEIN"],
}
"""Everything that a package can have."""

REPORTS = {**VIRUSES, "sequences": []}
"""The same without sequences, which make a package large and slow."""

WINDOW = WindowRequest("window", TODAY - timedelta(days=12), TODAY)
FULL = WindowRequest("full")
LIMIT, SMALL_LIMIT = 190_000, 10_000
"""Bytes of what NCBI delivers in one piece: less than half of the window, with and without sequences."""

MANY_PARTS_LIMIT = 100_000
"""The same with sequences, for more parts than fit between two random moments."""


@pytest.fixture(scope="module")
def one_stand_in() -> Iterator[StandIn]:
    with StandIn(today=TODAY, epoch=TODAY, records=100) as server:
        yield server


@pytest.fixture(scope="module")
def whole_by_window(one_stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> dict[WindowRequest, DataFolder]:
    """Warehouses with the reports of the window and of a full load, delivered whole. Tests change copies of them."""
    one_stand_in.set_today(TODAY)
    warehouses = {}
    for window in (WINDOW, FULL):
        data = made_data(tmp_path_factory.mktemp("whole") / "data")
        load_whole(one_stand_in, data, REPORTS, window)
        warehouses[window] = data
    return warehouses


@pytest.fixture
def whole_window(whole_by_window: dict[WindowRequest, DataFolder]) -> DataFolder:
    """A warehouse with the reports of the window, delivered whole; to be read."""
    return whole_by_window[WINDOW]


@pytest.fixture
def whole_full(whole_by_window: dict[WindowRequest, DataFolder]) -> DataFolder:
    """A warehouse with all reports, delivered whole; to be read."""
    return whole_by_window[FULL]


@pytest.fixture
def stand_in(one_stand_in: StandIn) -> StandIn:
    one_stand_in.set_today(TODAY)
    one_stand_in.clear_faults()
    return one_stand_in


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    return made_data(tmp_path / "data")


def packages_of(data: DataFolder) -> list[Path]:
    """The parts in the data folder."""
    return [path for path in data.parts.glob("*/*/[0-9]*-[0-9]*.zip") if path.with_suffix(".json").exists()]


def arrived(data: DataFolder) -> set[str]:
    """The accessions of the parts in the data folder."""
    found: set[str] = set()
    for part in packages_of(data):
        first, end = map(int, part.stem.split("-"))
        found.update(part.with_name("accessions.txt").read_text().split()[first:end])
    return found


def the_run_file(data: DataFolder) -> dict[str, Any]:
    """The run file of the last run."""
    return dict(json.loads(max(data.runs.glob("*.json")).read_text()))


def last_row(data: DataFolder) -> dict[str, Any]:
    return dicts(data.warehouse, "FROM ops.ingest_run ORDER BY started_at DESC LIMIT 1")[0]


DIFFERS = {
    *("valid_from", "valid_to", "requested_at", "missing_since"),
    *("run_id", "first_run_id", "last_run_id", "ended_run_id", "part"),
}
"""Columns that differ between any two runs."""

COUNTS = {
    "ops.ingest_run": "mode, updated_since, until, status, lines, inserted, revised, touched, unchanged, stale,"
    " duplicate, out_of_window, quarantined, withdrawn, missing, watermark",
    # A BioSample whose records are in two parts has a line in each, and one of them is a duplicate.
    "ops.ingest_report": "report, lines - duplicate AS once, inserted, revised, touched, unchanged, stale, quarantined",
}


def differences(data: DataFolder, whole: DataFolder) -> dict[str, list[tuple[Any, ...]]]:
    """The rows that only one of two warehouses has, by table; of the ledger, only the last run's are compared."""
    found = {}
    with duckdb.connect() as session:
        session.execute(
            f"ATTACH '{data.warehouse}' AS parts (READ_ONLY); ATTACH '{whole.warehouse}' AS whole (READ_ONLY)"
        )
        tables = session.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE database_name = 'whole'"
        ).fetchall()
        assert len(tables) > 20
        for (table,) in tables:
            columns = session.execute(
                "SELECT column_name FROM duckdb_columns() WHERE database_name = 'whole' "
                "AND schema_name || '.' || table_name = ?",
                [table],
            ).fetchall()
            compared = COUNTS.get(table, ", ".join(f'"{name}"' for (name,) in columns if name not in DIFFERS))
            last = "(SELECT arg_max(run_id, started_at) FROM {}.ops.ingest_run)"
            ours, theirs = (
                f"SELECT {compared} FROM {name}.{table}"
                + (f" WHERE run_id = {last.format(name)}" if table in COUNTS else "")
                for name in ("parts", "whole")
            )
            rows = session.execute(
                f"(({ours}) EXCEPT ALL ({theirs})) UNION ALL (({theirs}) EXCEPT ALL ({ours}))"
            ).fetchall()
            if rows:
                found[table] = rows
    return found


def load_whole(stand_in: StandIn, data: DataFolder, entry: dict[str, Any], window: WindowRequest) -> IngestResult:
    """Load what NCBI now delivers in one piece."""
    stand_in.clear_faults()
    return load(data.root, stand_in.url, entry, window)


class TestKilled:
    @pytest.fixture(scope="class")
    @staticmethod
    def whole(one_stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
        """A warehouse with the window, delivered whole."""
        one_stand_in.set_today(TODAY)
        data = made_data(tmp_path_factory.mktemp("whole") / "data")
        assert load_whole(one_stand_in, data, VIRUSES, WINDOW).counts["inserted"]
        [package] = Archive(data.packages, "viruses").packages()
        assert package.parts is None
        assert package.bytes > 3 * LIMIT
        return data

    @pytest.mark.parametrize(
        "moments",
        some_of(
            [
                (("in the listing", 1), ("in a part", 3), ("in the join", 2)),
                (("before a part is noted", 2), ("after a part", 1), ("before the archive", 1)),
                (("before the listing counts", 1), ("in a part", 1), ("after the archive", 1)),
                (("in a part", 2), ("before a part is noted", 1), ("in a part", 1)),
                (("after a part", 2), ("in the join", 1), ("in the join", 3)),
            ],
            one_in=5,
        ),
        ids=lambda moments: ", ".join(moment for moment, _ in moments),
    )
    def test_window_loaded_after_three_kills_equals_the_whole(
        self, stand_in: StandIn, data: DataFolder, whole: DataFolder, moments: tuple[tuple[str, int], ...]
    ) -> None:
        stand_in.limit(LIMIT)
        begun, there = len(stand_in.requests), set[str]()
        for moment, times in moments:
            with running(data.root, stand_in.url, VIRUSES, WINDOW, moment, times) as process:
                process.wait_for_moment()
                assert process.kill() == -9
            assert there.isdisjoint(accessions_asked_for(stand_in, begun)), "what had arrived is not asked for again"
            begun, there = len(stand_in.requests), there | arrived(data)
            assert query(data.warehouse, "SELECT count(*) FROM virus_genome") == [(0,)], "nothing is merged yet"
        assert there, "some of the kills were after a part"

        load(data.root, stand_in.url, VIRUSES, WINDOW, dag_run=DAG_RUN)
        assert there.isdisjoint(accessions_asked_for(stand_in, begun))
        assert differences(data, whole) == {}
        assert query(data.warehouse, gates_sql()) == query(whole.warehouse, gates_sql())
        assert leftovers(data) == []
        [package] = Archive(data.packages, "viruses").packages()
        assert package.parts is not None
        assert package.parts > 3

    @pytest.mark.long
    def test_window_loaded_after_kills_at_random_moments_equals_the_whole(
        self, stand_in: StandIn, data: DataFolder, whole: DataFolder
    ) -> None:
        stand_in.limit(MANY_PARTS_LIMIT)
        begun, there, killed = len(stand_in.requests), set[str](), []
        for more in range(3):
            expected = len(packages_of(data)) + more
            with running(
                data.root, stand_in.url, VIRUSES, WINDOW, "after the archive", requests_a_second=NCBI_LIMIT
            ) as process:
                until(lambda expected=expected: len(packages_of(data)) >= expected, 120)  # type: ignore[misc]
                time.sleep(random.uniform(0.0, 0.2))  # anywhere between two parts
                killed.append(process.kill())
            assert there.isdisjoint(accessions_asked_for(stand_in, begun))
            begun, there = len(stand_in.requests), there | arrived(data)
        assert killed == [-9] * 3
        load(data.root, stand_in.url, VIRUSES, WINDOW, dag_run=DAG_RUN)
        assert there.isdisjoint(accessions_asked_for(stand_in, begun))
        assert differences(data, whole) == {}
        assert leftovers(data) == []


def leftovers(data: DataFolder) -> list[Path]:
    return [*data.temporary.iterdir(), *data.runs.glob(".*"), *data.root.rglob("*.part"), *data.parts.glob("*/*")]


class TestModes:
    def test_full_load_census_and_update_equal_those_delivered_whole(self, stand_in: StandIn, data: DataFolder) -> None:
        whole = made_data(data.root.with_name("whole"))
        for days, mode in ((0, "full"), (10, None), (20, "census")):
            stand_in.set_today(TODAY + timedelta(days=days))
            expected = load_whole(stand_in, whole, REPORTS, WindowRequest(mode))
            stand_in.limit(SMALL_LIMIT)
            result = load(data.root, stand_in.url, REPORTS, WindowRequest(mode))
            assert result.mode == expected.mode
            assert result.counts == expected.counts
            assert result.watermark == expected.watermark
            assert differences(data, whole) == {}
            assert leftovers(data) == []
            assert the_run_file(data)["parts"]["arrived"] == next(iter(packages(data))).parts
        assert result.counts["missing"], "the census has something to find"
        assert last_row(data)["attempts"] > 4

    def test_parts_are_no_larger_than_what_is_delivered(self, stand_in: StandIn, data: DataFolder) -> None:
        stand_in.limit(SMALL_LIMIT)
        begun = len(stand_in.requests)
        load(data.root, stand_in.url, REPORTS, FULL)
        [package] = packages(data)
        sizes = [len(asked) for asked in asked_for(stand_in, begun)]
        assert sizes[0] == (sum(sizes_of(package.run_id, data)) + 1) // 2
        # Halved until it arrives, which costs two attempts each time; what worked is kept for those that follow.
        assert package.bytes > SMALL_LIMIT
        assert package.parts is not None
        assert len(sizes) < package.parts + 2 * 12

    @pytest.mark.long
    def test_package_is_archived_as_any_other(self, stand_in: StandIn, data: DataFolder) -> None:
        stand_in.limit(SMALL_LIMIT)
        before = datetime.now(UTC)
        load(data.root, stand_in.url, REPORTS, FULL)
        [package] = packages(data)
        path = Archive(data.packages, "viruses").path(package.run_id)
        assert DataPackage(path).verify().report_names == ("data_report", "annotation_report", "biosample_report")
        assert "/virus/taxon/10239/genome/download" in package.request_url
        assert before < package.requested_at < datetime.now(UTC)
        assert last_row(data)["package_sha256"] == package.sha256
        before_rebuild = query(data.warehouse, "SELECT * EXCLUDE (valid_from) FROM virus_genome ORDER BY ALL")
        rebuild(data, replace=True)
        assert query(data.warehouse, "SELECT * EXCLUDE (valid_from) FROM virus_genome ORDER BY ALL") == before_rebuild


def packages(data: DataFolder) -> list[Any]:
    return list(Archive(data.packages, "viruses").packages())


def sizes_of(run_id: str, data: DataFolder) -> list[int]:
    """The number of records of a run's package."""
    with DataPackage(Archive(data.packages, "viruses").path(run_id)).open_report("data_report") as report:
        return [1 for _ in report]


class TestWhatIsDownloadedInParts:
    @pytest.mark.parametrize(
        "fault",
        some_of(
            [
                {"kind": "cut"},
                {"kind": "cut", "fraction": 0.0},
                {"kind": "reset", "fraction": 0.0},
                {"kind": "truncated"},
                {"kind": "bad_crc"},
                {"kind": "status", "status": 502},
                {"kind": "status", "status": 504},
                {"kind": "stalled", "fraction": 0.0},
            ],
            one_in=4,
        ),
        ids=str,
    )
    def test_what_does_not_arrive_whole(self, stand_in: StandIn, data: DataFolder, fault: dict[str, Any]) -> None:
        stand_in.fault(times=2, **fault)
        result = load(data.root, stand_in.url, REPORTS, WINDOW, read_timeout=2.0)
        assert result.counts["inserted"]
        [package] = packages(data)
        assert package.parts == 2
        assert last_row(data)["attempts"] == 4

    @pytest.mark.parametrize(
        "fault",
        [
            {"kind": "status", "status": 429},
            {"kind": "status", "status": 504, "headers": {"Retry-After": "3600"}},
            {"kind": "status", "status": 503},
            {"kind": "status", "status": 500},
            {"kind": "status", "status": 400},
            {"kind": "status", "status": 404},
        ],
        ids=str,
    )
    def test_what_fewer_records_would_not_change(
        self, stand_in: StandIn, data: DataFolder, fault: dict[str, Any]
    ) -> None:
        stand_in.fault(times=2, **fault)
        begun = len(stand_in.requests)
        with pytest.raises((DatasetsUnavailable, RequestRefused)):
            load(data.root, stand_in.url, REPORTS, WINDOW)
        assert {request.method for request in stand_in.requests[begun:]} == {"GET"}
        assert list(data.parts.iterdir()) == []

    def test_nobody_who_answers(self, data: DataFolder) -> None:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        with pytest.raises(DatasetsUnavailable, match="check the network"):
            load(data.root, f"http://127.0.0.1:{port}", REPORTS, WINDOW)
        assert list(data.parts.iterdir()) == []

    def test_what_times_out(self, stand_in: StandIn, data: DataFolder) -> None:
        mers = {"name": "viruses", "taxon": "1335626"}
        expected = load_whole(stand_in, made_data(data.root.with_name("whole")), mers, FULL)
        stand_in.limit(packages(DataFolder(data.root.with_name("whole")))[0].bytes - 1, kind="stalled")
        assert load(data.root, stand_in.url, mers, FULL, read_timeout=1.0).counts == expected.counts
        assert packages(data)[0].parts == 2

    def test_what_is_larger_than_the_largest_package(
        self, stand_in: StandIn, data: DataFolder, whole_window: DataFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with DataPackage(Archive(whole_window.packages, "viruses").path(packages(whole_window)[0].run_id)).open_report(
            "annotation_report"
        ) as report:
            largest = len(report.read())
        monkeypatch.setenv("VIRUS_MAX_PACKAGE_BYTES", str(largest))
        load(data.root, stand_in.url, REPORTS, WINDOW)
        [package] = packages(data)
        assert package.parts is not None
        assert package.parts > 1
        assert differences(data, whole_window) == {}
        path = Archive(data.packages, "viruses").path(package.run_id)
        with pytest.raises(PackageError, match=f"expected at most {largest} bytes unpacked"):
            DataPackage(path).verify()
        DataPackage(path).verify(parts=package.parts)

    def test_record_that_is_too_large_alone(self, stand_in: StandIn, data: DataFolder) -> None:
        stand_in.limit(500)
        with pytest.raises(DatasetsUnavailable, match=r"NCBI delivers no package of \w+\.\d, even alone: NCBI Data"):
            load(data.root, stand_in.url, {"name": "viruses", "taxon": "1335626"}, FULL)
        assert last_row(data)["status"] == "failed"
        assert query(data.warehouse, "SELECT count(*) FROM virus_genome") == [(0,)]

    def test_record_that_is_larger_alone_than_the_largest_package(
        self, stand_in: StandIn, data: DataFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VIRUS_MAX_PACKAGE_BYTES", "500")
        with pytest.raises(RequestRefused, match=r"of \w+\.\d, even alone: .* raise VIRUS_MAX_PACKAGE_BYTES"):
            load(data.root, stand_in.url, {"name": "viruses", "taxon": "1335626"}, FULL)


class TestListing:
    @pytest.fixture
    @staticmethod
    def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(listing, "PAGE_RECORDS", 25)

    def change_after_first_page(self, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, times: int) -> list[date]:
        """Let NCBI's records change after the first page of the next listings; returns what becomes their days."""
        ask, days = DatasetsClient.ask, list[date]()

        def changing(client: DatasetsClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
            page = ask(client, path, body)
            if "page_token" not in body and len(days) < times:
                days.append(TODAY + timedelta(days=7 * (len(days) + 1)))
                stand_in.set_today(days[-1])
            return page

        monkeypatch.setattr(DatasetsClient, "ask", changing)
        return days

    @pytest.mark.usefixtures("small_pages")
    def test_changed_listing_is_read_again(
        self,
        stand_in: StandIn,
        data: DataFolder,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        stand_in.limit(SMALL_LIMIT)
        with monkeypatch.context() as patch:
            days = self.change_after_first_page(stand_in, patch, times=2)
            load(data.root, stand_in.url, REPORTS, FULL)
        assert len(days) == 2
        assert caplog.text.count("NCBI's listing changed while it was read") == 2
        whole = made_data(tmp_path / "whole")
        load_whole(stand_in, whole, REPORTS, FULL)
        assert differences(data, whole) == {}

    @pytest.mark.usefixtures("small_pages")
    def test_listing_that_changes_every_time_fails_the_run(
        self, stand_in: StandIn, data: DataFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stand_in.limit(SMALL_LIMIT)
        self.change_after_first_page(stand_in, monkeypatch, times=3)
        with pytest.raises(DatasetsUnavailable, match="cannot be listed either: NCBI Datasets gave no consistent"):
            load(data.root, stand_in.url, REPORTS, FULL)
        assert leftovers(data) == []

    @pytest.mark.long
    def test_later_run_goes_on_with_a_recent_listing_only(self, stand_in: StandIn, data: DataFolder) -> None:
        stand_in.limit(SMALL_LIMIT)
        fail_after_parts(stand_in, data)
        begun, there = len(stand_in.requests), arrived(data)
        assert there
        load(data.root, stand_in.url, REPORTS, WINDOW)
        assert there.isdisjoint(accessions_asked_for(stand_in, begun))
        assert [request.path for request in stand_in.requests[begun:] if not request.path.endswith(DOWNLOADS)] == []

        shutil.rmtree(data.packages / "viruses")
        fail_after_parts(stand_in, data)
        begun, there = len(stand_in.requests), arrived(data)
        load(data.root, stand_in.url, {**REPORTS, "reuse_hours": 0}, WINDOW)
        assert not there.isdisjoint(accessions_asked_for(stand_in, begun))


class TestNotDelivered:
    def test_full_load_fails_and_the_next_try_asks_for_these_alone(
        self, stand_in: StandIn, data: DataFolder, whole_full: DataFolder
    ) -> None:
        stand_in.limit(SMALL_LIMIT)
        lost = self.accessions(stand_in)[3:5]
        stand_in.withhold(*(accession.partition(".")[0] for accession in lost))
        with pytest.raises(NotDelivered, match=rf"does not deliver 2 records \({lost[0]}, {lost[1]}\), asked twice"):
            load(data.root, stand_in.url, REPORTS, FULL)
        assert query(data.warehouse, "SELECT count(*) FROM virus_genome") == [(0,)]
        assert the_run_file(data)["parts"]["missing"] == 2

        begun = len(stand_in.requests)
        stand_in.withhold()
        load(data.root, stand_in.url, REPORTS, FULL)
        assert asked_for(stand_in, begun) == [lost]
        assert differences(data, whole_full) == {}

    def test_window_is_loaded_without_them_and_says_so(
        self,
        stand_in: StandIn,
        data: DataFolder,
        whole_window: DataFolder,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        stand_in.limit(SMALL_LIMIT)
        since = f"{WINDOW.since}T00:00:00Z"
        lost = self.accessions(stand_in, updated_since=since)[1]
        stand_in.withhold(lost.partition(".")[0])
        result = load(data.root, stand_in.url, REPORTS, WINDOW)
        assert result.counts["lines"] == last_row(whole_window)["lines"] - 1
        assert f"NCBI lists 1 record ({lost}) but does not deliver them" in caplog.text
        state = the_run_file(data)
        assert (state["parts"]["missing"], state["not_delivered"]) == (1, [lost])
        assert packages(data)[0].not_delivered == 1
        assert "1 record not delivered" in text_of(page_of(data, str(state["run_id"]), monkeypatch))

    def accessions(self, stand_in: StandIn, **filters: str) -> list[str]:
        with DatasetsClient(stand_in.url) as client:
            body = {
                "filter": {"taxons": ["10239"], **filters},
                "page_size": 1000,
                "returned_content": "ACCESSIONS_ONLY",
            }
            return [report["accession"] for report in client.ask("/virus", body)["reports"]]

    def test_records_that_were_not_asked_for_are_refused(
        self, stand_in: StandIn, data: DataFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As when NCBI ignores the accessions, which it does with names that it does not know."""
        body = {"taxons": ["10239"], "include_sequence": ["NONE"]}
        monkeypatch.setattr(AccessionsRequest, "body", property(lambda of: {**body, "accession": of.accessions}))
        stand_in.fault("cut", times=2)
        with pytest.raises(
            DatasetsUnavailable, match=r"even alone: .*expected the 1 record asked for, found \d+ others"
        ):
            load(data.root, stand_in.url, {**REPORTS, "aux_reports": []}, WINDOW)
        assert arrived(data) == set()


class TestPage:
    def test_parts_of_a_running_run_are_shown(
        self, stand_in: StandIn, data: DataFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stand_in.limit(SMALL_LIMIT)
        with running(data.root, stand_in.url, REPORTS, WINDOW, "after a part", 2) as process:
            process.wait_for_moment()
            [run] = data.runs.glob("*.json")
            shown = text_of(page_of(data, run.stem, monkeypatch))
        assert re.search(r"Running: part 2 of \d+, \d+\.\d kB downloaded, at ", shown)

    def test_parts_of_a_finished_run_are_shown(
        self, stand_in: StandIn, data: DataFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stand_in.limit(SMALL_LIMIT)
        lines = load(data.root, stand_in.url, REPORTS, WINDOW).counts["lines"]
        parts = packages(data)[0].parts
        shown = text_of(page_of(data, str(last_row(data)["run_id"]), monkeypatch))
        assert f"Parts {parts}, with {lines} lines for {lines} records that NCBI lists" in shown


class TestFolder:
    @pytest.fixture(scope="class")
    @staticmethod
    def killed(one_stand_in: StandIn, tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
        """A data folder of a download in parts whose run was killed; to be read."""
        one_stand_in.set_today(TODAY)
        one_stand_in.clear_faults()
        one_stand_in.limit(SMALL_LIMIT)
        data = made_data(tmp_path_factory.mktemp("killed") / "data")
        fail_after_parts(one_stand_in, data)
        return data

    @pytest.fixture
    @staticmethod
    def begun(killed: DataFolder, data: DataFolder) -> Path:
        """The folder of the same download in a copy of the data folder."""
        shutil.copytree(killed.root, data.root, dirs_exist_ok=True)
        return folder_of_parts(data)

    def test_others_cannot_read_it(self, killed: DataFolder) -> None:
        folder = folder_of_parts(killed)
        assert [path for path in (folder, *folder.iterdir()) if path.stat().st_mode & WORLD] == []

    def test_it_is_kept_for_a_while(self, data: DataFolder, begun: Path) -> None:
        remove_stale_parts(data)
        assert arrived(data)
        for path in (*begun.iterdir(), begun):
            os.utime(path, (time.time() - KEPT.total_seconds() - 1,) * 2)
        assert f"parts/viruses/{begun.name}" in check_leftovers(Installation(data)).message
        assert remove_stale_parts(data).bytes > 1000
        assert [*data.parts.glob("*/.*"), *data.parts.glob("*/*")] == [], "nor its lock"

    def test_it_is_removed_with_the_source(self, data: DataFolder, begun: Path) -> None:
        followed = SourcesFile(Path("sources.yaml"))
        warehouse = Warehouse(data.warehouse)
        assert holdings("viruses", warehouse, data).files >= len(list(begun.iterdir()))
        forget("viruses", warehouse, data, followed)
        assert not begun.exists()

    def test_one_run_at_a_time_uses_it(self, stand_in: StandIn, data: DataFolder) -> None:
        stand_in.limit(SMALL_LIMIT)
        with running(data.root, stand_in.url, REPORTS, WINDOW, "after a part", 2) as process:
            process.wait_for_moment()
            there = arrived(data)
            with pytest.raises(PartsInUse, match="another run is downloading the same records, in parts"):
                load(data.root, stand_in.url, REPORTS, WINDOW)
            assert arrived(data) == there

    def test_damaged_part_is_downloaded_again(self, stand_in: StandIn, data: DataFolder, begun: Path) -> None:
        first = min(begun.glob("[0-9]*.zip"))
        content = bytearray(first.read_bytes())
        content[len(content) // 2] ^= 0xFF
        first.write_bytes(content)
        stand_in.limit(SMALL_LIMIT)
        with pytest.raises(PackageError, match=f"{first.name}.*damaged since it was verified"):
            load(data.root, stand_in.url, REPORTS, WINDOW)
        assert not first.exists()
        asked = len(stand_in.requests)
        assert load(data.root, stand_in.url, REPORTS, WINDOW).counts["inserted"]
        first_record, end = map(int, first.stem.split("-"))
        assert len(accessions_asked_for(stand_in, asked)) == end - first_record


def folder_of_parts(data: DataFolder) -> Path:
    """The folder of a download in parts of which some have arrived."""
    assert arrived(data)
    [folder] = (path for path in data.parts.glob("viruses/*") if path.is_dir())
    return folder


def fail_after_parts(stand_in: StandIn, data: DataFolder) -> None:
    """Kill a run when some of its parts have arrived."""
    with running(data.root, stand_in.url, REPORTS, WINDOW, "after a part", 2) as process:
        process.wait_for_moment()


def page_of(data: DataFolder, run_id: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The page of a run, over HTTP."""
    monkeypatch.setenv("VIRUS_DATA", str(data.root))
    airflow = FastAPI()
    airflow.mount(URL_PREFIX, create_app(user=lambda: SimpleNamespace(get_id=lambda: "reader"), dag_states=dict))
    with TestClient(airflow, base_url=f"http://airflow{URL_PREFIX}") as client:
        answer = client.get(f"/runs/{run_id}")
        assert answer.status_code == 200
        return answer.text
