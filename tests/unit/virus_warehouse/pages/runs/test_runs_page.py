"""The ledger and the pages of single runs, as served."""

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest
from fastapi.testclient import TestClient

from tests.support.pages import links_of, text_of
from tests.support.snapshots import publish
from tests.support.warehouses import MPOX, Store, accessions, line
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.pages.runs import page as runs
from virus_warehouse.run_file import RunFile, run_lock
from virus_warehouse.sources import SourcesFile

FOLLOWED = SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX})
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Store:
    data = DataFolder(tmp_path_factory.mktemp("published"))
    data.create()
    store = Store(data.root)
    store.load(*(line(accession) for accession in accessions(12)))
    changed = line("PX000001.1", "2025-05-02", length=1)
    store.load(line("PY1.1"), changed, line("PX000002.1"), "{", mode="incremental", annotation=[])
    publish(data, FOLLOWED)
    return store


@pytest.fixture
def mpox(data: DataFolder, published: Store) -> Store:
    """Two published runs: twelve records; then one new, one revised, one unchanged and one refused line."""
    shutil.copy2(DataFolder(published.folder).snapshot, data.snapshot)
    return published.copy_to(data.root)


def write_run(data: DataFolder, run_id: str, **values: object) -> None:
    usual = {"source": "mpox", "mode": "full", "status": "failed", "started_at": NOW.isoformat()}
    RunFile(data.runs, run_id).write(**{**usual, **values})


class TestLedger:
    def test_it_lists_the_latest_first(self, client: TestClient, mpox: Store) -> None:
        page = client.get("/runs").text
        assert "2 runs" in text_of(page)
        assert re.findall(r'href="/virus-warehouse/runs/(run-\d)"', page) == ["run-2", "run-1"]

    def test_filters_are_in_the_url_and_kept_in_the_form(self, client: TestClient, mpox: Store) -> None:
        page = client.get("/runs?mode=full&source=mpox&text=RUN").text
        assert re.findall(r'href="/virus-warehouse/runs/(run-\d)"', page) == ["run-1"]
        assert re.findall(r"<option selected>([^<]*)", page) == ["mpox", "full"]
        assert 'value="RUN"' in page

    def test_lines_outside_a_window_do_not_count(self, client: TestClient, data: DataFolder) -> None:
        """NCBI lists all updates after a window, too: five of 569 lines are what the window has."""
        ended = {"status": "success", "ended_at": NOW.isoformat(), "mode": "window"}
        write_run(data, "run-1", **ended, lines=569, out_of_window=564, inserted=0, unchanged=5)
        cells = re.findall(r'<td class="amount[^>]*>([^<]*)</td>', client.get("/runs").text)
        assert cells[:5] == ["0", "–", "–", "–", "5"]  # noqa: RUF001

    def test_loaded_run_that_is_not_published_says_so(self, client: TestClient, data: DataFolder, mpox: Store) -> None:
        assert "not published" not in text_of(client.get("/runs").text)
        write_run(data, "run-3", status="success", ended_at=NOW.isoformat())
        assert "success not published" in text_of(client.get("/runs").text)

    def test_empty_result_says_so_and_what_to_do(self, client: TestClient, mpox: Store) -> None:
        page = client.get("/runs?source=nobody").text
        assert "No runs match." in text_of(page)
        assert links_of(page)["Show all"] == "/virus-warehouse/runs"

    def test_without_runs_it_says_how_to_start_one(self, client: TestClient) -> None:
        assert "No runs yet. Unpause a source's DAG" in text_of(client.get("/runs").text)

    def test_pagination_keeps_the_filter(
        self, client: TestClient, data: DataFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(runs, "PAGE_ROWS", 3)
        for number in range(8):
            started = (NOW - timedelta(hours=number)).isoformat()
            write_run(data, f"run-{number}", started_at=started, error="Ä & B", mode="window")
        page = client.get("/runs?text=%C3%84%20%26").text
        assert "8 runs, page 1 of 3" in text_of(page)
        assert "Later runs" not in links_of(page)
        second = client.get(links_of(page)["Earlier runs"].removeprefix("/virus-warehouse")).text
        assert "8 runs, page 2 of 3" in text_of(second)
        assert "/runs/run-3" in second
        links = links_of(second)
        assert parse_qs(urlsplit(links["Later runs"]).query) == {"text": ["Ä &"], "page": ["1"]}
        assert "No runs match." in text_of(client.get("/runs?page=9").text)

    @pytest.mark.parametrize("page", ["0", "-3"])
    def test_page_number_below_one_is_the_first_page(self, client: TestClient, mpox: Store, page: str) -> None:
        assert "2 runs" in text_of(client.get(f"/runs?page={page}").text)


class TestRunPage:
    def test_counts_are_shown_with_their_sum(self, client: TestClient, mpox: Store) -> None:
        text = text_of(client.get("/runs/run-2").text)
        for part in (
            "inserted 1 0", "+ revised 1 0", "+ unchanged 1 0", "+ quarantined 1 0", "= total 4 0",
            "lines in file 4 0", "every line is accounted for",
        ):  # fmt: skip
            assert part in text

    def test_counts_that_do_not_add_up_are_reported(self, client: TestClient, data: DataFolder, mpox: Store) -> None:
        data.snapshot.chmod(0o600)
        with duckdb.connect(data.snapshot) as connection:
            connection.execute("UPDATE ops.ingest_report SET lines = lines + 2 WHERE report = 'data_report'")
        text = text_of(client.get("/runs/run-2").text)
        assert "2 lines of the data report not accounted for" in text
        assert "every line is accounted for" not in text

    def test_sequences_are_shown_with_their_sum(self, client: TestClient, data: DataFolder, mpox: Store) -> None:
        assert "Sequence outcomes" not in client.get("/runs/run-2").text
        data.snapshot.chmod(0o600)
        with duckdb.connect(data.snapshot) as connection:
            connection.execute(
                "INSERT INTO ops.ingest_sequence VALUES ('run-2', 'mpox', 'cds', 9, 9, 0, 0, 0, 0), "
                "('run-2', 'mpox', 'genome', 7, 4, 1, 1, 1, 2), ('run-1', 'mpox', 'genome', 1, 1, 0, 0, 0, 0)"
            )
        page = client.get("/runs/run-2").text
        for part in (
            "Molecule Genome CDS Meaning", "stored 4 9", "+ unchanged 1 0", "+ mismatched 1 0", "+ orphaned 1 0",
            "= total 7 9", "entries in file 7 9", "every sequence is accounted for",
            "2 records have no genome sequence, neither in this package nor held.",
        ):  # fmt: skip
            assert part in text_of(page)
        query = parse_qs(urlsplit(links_of(page)["Sequence mismatches"]).query)["sql"][0]
        assert "FROM ops.sequence_mismatch\nWHERE last_run_id = 'run-2'" in query
        with duckdb.connect(data.snapshot, read_only=True) as connection:
            assert connection.execute(query).fetchall() == []
        assert "Sequence mismatches" not in links_of(client.get("/runs/run-1").text)

    def test_sequences_of_a_run_that_is_not_published_are_those_of_its_file(
        self, client: TestClient, data: DataFolder
    ) -> None:
        counts = {"records": 5, "stored": 3, "mismatched": 1, "missing": 1, "unchanged": "x"}
        sequences = {"genome": counts, "other": 7}
        write_run(data, "run-9", status="success", lines=0, sequences=sequences, reports={})
        page = client.get("/runs/run-9").text
        for part in (
            "stored 3", "+ unchanged 0", "+ mismatched 1", "= total 4", "entries in file 5",
            "1 sequence of the genome file not accounted for",
            "1 record has no genome sequence, neither in this package nor held.",
        ):  # fmt: skip
            assert part in text_of(page)
        assert "Sequence mismatches" not in links_of(page)

    def test_new_changed_and_refused_records_are_linked_as_queries(
        self, client: TestClient, data: DataFolder, mpox: Store
    ) -> None:
        links = links_of(client.get("/runs/run-2").text)
        found = {}
        with duckdb.connect(data.snapshot, read_only=True) as connection:
            for label in ("New records", "Changed fields", "Quarantined lines"):
                target = urlsplit(links[label])
                assert target.path == "/virus-warehouse/console"
                found[label] = connection.execute(parse_qs(target.query)["sql"][0]).fetchall()
        assert [row[0] for row in found["New records"]] == ["PX000001.1", "PY1.1"]
        assert [row[:3] for row in found["Changed fields"]] == [
            ("PX000001", "length", "197209"),
            ("PX000001", "update_date", "2025-05-01"),
        ]
        assert [row[0] for row in found["Quarantined lines"]] == ["data_report"]

    def test_failure_is_shown_with_reason_stage_and_remedy(self, client: TestClient, data: DataFolder) -> None:
        error = "DatasetsUnavailable: NCBI answered 503 five times. Wait, and run it again."
        write_run(
            data, "run-1", stage="failed", failed_in="download", error=error, seconds={"download": 12.4}, attempts=5,
            ended_at=(NOW + timedelta(seconds=13)).isoformat(), http_status=503,
        )  # fmt: skip
        text = text_of(client.get("/runs/run-1").text)
        assert "Full load of mpox failed" in text
        assert "What went wrong NCBI answered 503 five times. Wait, and run it again." in text
        assert "Nothing was loaded" in text
        assert "download failed here archive not reached" in text
        assert "13 s in total" in text
        assert "Attempts 5 Response HTTP 503" in text

    def test_running_run_is_shown_live(self, client: TestClient, data: DataFolder) -> None:
        write_run(
            data, "run-1", status="running", stage="download", bytes=1_000_000, megabytes_per_second=2.5,
            seconds={"download": 0.0},
        )  # fmt: skip
        with run_lock(data.runs, "run-1"):
            page = client.get("/runs/run-1").text
        assert 'id="story" data-live="2"' in page
        assert '<li class="now" aria-current="step">' in page
        assert "Running: 1.0 MB downloaded, at 2.5 MB/s." in text_of(page)
        assert 'data-live=""' in client.get("/runs/run-1").text  # its process has ended

    @pytest.mark.parametrize(
        ("parts", "shown"),
        [
            ({"listed": 300}, "not deliver the package in one piece; 300 records listed, to download in parts."),
            (
                {"listed": 900, "arrived": 2, "expected": 8, "records": 2250, "missing": 0},
                "Running: part 3 of 8, 1.0 MB downloaded, at 2.5 MB/s.",
            ),
            ({"listed": 900, "arrived": 8, "expected": 8, "records": 900, "missing": 0}, "Running: joining 8 parts."),
        ],
        ids=["listing", "downloading", "joining"],
    )
    def test_download_in_parts_is_shown_live(
        self, client: TestClient, data: DataFolder, parts: dict[str, int], shown: str
    ) -> None:
        write_run(
            data, "run-1", status="running", stage="download", bytes=1_000_000, megabytes_per_second=2.5, parts=parts
        )
        with run_lock(data.runs, "run-1"):
            assert shown in text_of(client.get("/runs/run-1").text)

    def test_parts_and_what_they_lack_are_shown_after_the_download(self, client: TestClient, data: DataFolder) -> None:
        parts = {"listed": 900, "arrived": 8, "expected": 8, "records": 899, "missing": 2}
        write_run(data, "run-1", status="success", stage="finished", attempts=9, request_url="http://x", parts=parts)
        text = text_of(client.get("/runs/run-1").text)
        assert "Parts 8, with 899 lines for 900 records that NCBI lists; 2 records not delivered" in text

    def test_other_tries_are_linked(self, client: TestClient, data: DataFolder) -> None:
        for number in (1, 2):
            started = (NOW + timedelta(minutes=number)).isoformat()
            write_run(data, f"run-{number}", dag_id="a", dag_run_id="b", try_number=number, started_at=started)
        page = client.get("/runs/run-1").text
        assert "Tries of this DAG run: 1, failed ; 2, failed ." in text_of(page)
        assert links_of(page)["2, failed"] == "/virus-warehouse/runs/run-2"

    def test_unknown_run_is_reported(self, client: TestClient) -> None:
        answer = client.get("/runs/no-such-run")
        assert answer.status_code == 404
        assert "Neither the published ledger nor a run file has no-such-run" in text_of(answer.text)


class TestDagRunLink:
    def test_its_last_try_is_shown(self, client: TestClient, data: DataFolder) -> None:
        for number in (1, 2):
            started = (NOW + timedelta(minutes=number)).isoformat()
            write_run(data, f"run-{number}", dag_id="a", dag_run_id="b+c", started_at=started)
        answer = client.get("/runs/of-dag-run", params={"dag_id": "a", "dag_run_id": "b+c"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/virus-warehouse/runs/run-2")

    def test_several_sources_lead_to_the_ledger_or_the_requested_source(
        self, client: TestClient, data: DataFolder
    ) -> None:
        for source in ("mpox", "dengue"):
            write_run(data, f"run-{source}", source=source, dag_id="ncbi_virus_census", dag_run_id="b+c")
        asked = {"dag_id": "ncbi_virus_census", "dag_run_id": "b+c"}
        place = client.get("/runs/of-dag-run", params=asked).headers["location"]
        assert place == "/virus-warehouse/runs?dag_run=b%2Bc"
        assert "2 runs" in text_of(client.get(place.removeprefix("/virus-warehouse")).text)
        answer = client.get("/runs/of-dag-run", params={**asked, "source": "dengue"})
        assert answer.headers["location"] == "/virus-warehouse/runs/run-dengue"

    def test_dag_run_without_a_run_is_reported(self, client: TestClient) -> None:
        answer = client.get("/runs/of-dag-run", params={"dag_id": "other", "dag_run_id": "x"})
        assert answer.status_code == 404
        assert "x of other" in text_of(answer.text)
