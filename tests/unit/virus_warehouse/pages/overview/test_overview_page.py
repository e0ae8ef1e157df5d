"""The overview page, as served. Its content is tested in `tests/integration/test_pages.py`."""

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
from virus_warehouse.pages.host import DagState, Scheduler
from virus_warehouse.publish.gates import GateFailed
from virus_warehouse.run_file import RunFile, run_lock
from virus_warehouse.sources import SourcesFile

FOLLOWED = SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX})


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Store:
    data = DataFolder(tmp_path_factory.mktemp("published"))
    data.create()
    store = Store(data.root)
    store.load(*(line(accession) for accession in accessions(12)), "{")
    publish(data, FOLLOWED, "quarantine_share", "freshness")
    return store


@pytest.fixture
def mpox(data: DataFolder, published: Store) -> Store:
    """A published snapshot with twelve mpox records and an unreadable line, loaded in June 2025."""
    shutil.copy2(DataFolder(published.folder).snapshot, data.snapshot)
    return published.copy_to(data.root)


def failed(data: DataFolder, error: str, **values: object) -> None:
    file = RunFile(data.runs, "run-failed")
    started = datetime.now(UTC).isoformat()
    file.write(source="dengue", mode="full", status="failed", stage="failed", started_at=started, error=error, **values)


def test_first_visit_shows_what_to_do(client: TestClient, dags: dict[str, DagState]) -> None:
    dags["mpox"] = DagState(is_paused=True, next_run_at=None)
    text = text_of(client.get("/").text)
    assert "Nothing has been published yet" in text
    assert "Open a source's DAG below and unpause it" in text
    assert "mpox never loaded" in text
    assert text.count("The DAG is paused") == 1
    assert links_of(client.get("/").text)["DAG"] == "/dags/ncbi_virus_ingest__mpox"


def test_card_shows_records_freshness_and_problems(client: TestClient, mpox: Store) -> None:
    page = client.get("/").text
    text = text_of(page)
    assert "mpox overdue 12 records" in text
    assert "Overdue since 2025-06-02 06:00 UTC" in text
    assert "Taxon 10244 Monkeypox virus" in text
    assert "1 quarantined line." in text
    assert "12 new 0 revised 0 withdrawn" in text
    assert "Up to date as of 2025-06-01 07:00:00 UTC" in text
    query = parse_qs(urlsplit(links_of(page)["Show the rows"]).query)["sql"][0]
    assert "FROM ops.quarantine\nWHERE source = 'mpox'" in query


def test_card_of_a_source_that_requests_sequences_counts_them(
    client: TestClient, data: DataFolder, mpox: Store
) -> None:
    assert "Sequences" not in text_of(client.get("/").text)
    changed = data.snapshot.with_name("changed.duckdb")
    shutil.copy2(data.snapshot, changed)
    changed.chmod(0o600)
    with duckdb.connect(changed) as connection:
        connection.execute("INSERT INTO ops.ingest_sequence VALUES ('run-1', 'mpox', 'genome', 9, 9, 0, 0, 0, 0)")
        present = "SELECT source, accession, accession_version, 'genome', accession_version, 'x', 'x'::BLOB, now()"
        records = "FROM virus_genome ORDER BY accession"
        connection.execute(f"INSERT INTO ops.sequence {present}, NULL, 'run-1' {records} LIMIT 9")
        connection.execute(f"INSERT INTO ops.sequence {present}, now(), 'run-1' {records}")
    changed.replace(data.snapshot)
    assert "Sequences 9 of 12 records" in text_of(client.get("/").text)


def test_dead_scheduler_is_shown_instead_of_the_next_run(
    client: TestClient, dags: dict[str, DagState], schedulers: list[Scheduler]
) -> None:
    now = datetime.now(UTC)
    dags["mpox"] = DagState(is_paused=False, next_run_at=now + timedelta(hours=16))
    assert "Next run in 16 hours" in text_of(client.get("/").text)
    assert "scheduler" not in text_of(client.get("/").text)
    schedulers.append(Scheduler(is_running=False, last_seen=now - timedelta(hours=5)))
    text = text_of(client.get("/").text)
    assert "Airflow's scheduler is not running It was last seen 5 hours ago" in text
    assert "Next run" not in text
    schedulers.append(Scheduler(is_running=False, last_seen=None))
    assert "It has never been running." in text_of(client.get("/").text)


def test_failed_run_is_shown_with_links_to_its_page_dag_run_and_log(client: TestClient, data: DataFolder) -> None:
    origin = {"dag_id": "ncbi_virus_ingest__dengue", "dag_run_id": "manual__2026-11-25T01:00:00+00:00"}
    failed(data, "DatasetsUnavailable: NCBI has hung up", **origin, try_number=2)
    page = client.get("/").text
    assert "dengue failed" in text_of(page)
    assert "NCBI has hung up" in text_of(page)
    links = links_of(page)
    assert links["Read why dengue failed"] == "/virus-warehouse/runs/run-failed"
    dag_run = "/dags/ncbi_virus_ingest__dengue/runs/manual__2026-11-25T01%3A00%3A00%2B00%3A00"
    assert links["DAG run"] == dag_run
    assert links["Log"] == f"{dag_run}/tasks/ingest?try_number=2"


def test_run_text_is_escaped(client: TestClient, data: DataFolder) -> None:
    failed(data, "<script>alert(1)</script> `<script>alert(1)</script>`")
    for path in ("/", "/runs", "/runs/run-failed"):
        page = client.get(path)
        assert "<script>alert(1)" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text
        assert "script-src 'self'" in page.headers["content-security-policy"]


def test_page_refreshes_quickly_while_something_runs(client: TestClient, data: DataFolder) -> None:
    def seconds() -> str:
        return re.findall(r'id="overview" data-live="(\d+)"', client.get("/").text)[0]

    assert seconds() == "30"
    file = RunFile(data.runs, "run-now")
    file.write(
        source="mpox", mode="full", status="running", stage="download", started_at=datetime.now(UTC).isoformat(),
        bytes=2_500_000, megabytes_per_second=1.2,
    )  # fmt: skip
    with run_lock(data.runs, "run-now"):
        assert seconds() == "3"
        assert "Running: download, 2.5 MB at 1.2 MB/s" in text_of(client.get("/").text)
    assert seconds() == "30"


def test_blocked_snapshot_is_shown_with_the_remedy(client: TestClient, data: DataFolder, mpox: Store) -> None:
    mpox.load(line("PY1.1"), mode="incremental")
    mpox.execute("INSERT INTO taxon VALUES (10244, 'once more')")
    with pytest.raises(GateFailed):
        publish(data, FOLLOWED)
    text = text_of(client.get("/").text)
    assert "Publishing is blocked" in text
    assert "unique_keys: a taxon is more than once" in text
    assert "virus-warehouse publish --accept unique_keys" in text


def test_blocked_source_is_shown_with_the_remedy(client: TestClient, data: DataFolder, mpox: Store) -> None:
    mpox.execute("DELETE FROM virus_genome")
    mpox.load(line("PY1.1"), mode="incremental")
    publish(data, FOLLOWED)
    page = client.get("/").text
    text = text_of(page)
    assert "Publishing is blocked" not in text
    assert "mpox held back 12 records" in text
    assert re.search(r"Held back since \d{4}-\d\d-\d\d \d\d:\d\d UTC: shrinkage of mpox: of 12 published records", text)
    assert "<code>virus-warehouse run SOURCE --mode full</code>" in page
    assert "virus-warehouse publish --source mpox --accept " in text


def test_next_run_is_shown_for_an_unpaused_dag(client: TestClient, dags: dict[str, DagState], mpox: Store) -> None:
    dags["mpox"] = DagState(is_paused=False, next_run_at=datetime.now(UTC) + timedelta(hours=5, minutes=30))
    assert "Next run in 5 hours" in text_of(client.get("/").text)


def test_unreadable_sources_file_is_reported_along_with_loaded_data(client: TestClient, mpox: Store, tmp_path) -> None:
    (tmp_path / "sources.yaml").write_text("sources: [", encoding="utf-8")
    text = text_of(client.get("/").text)
    assert "The sources file cannot be read" in text
    assert f"{tmp_path}/sources.yaml" in text
    assert "mpox not followed 12 records" in text


def test_damaged_snapshot_is_reported_and_the_server_keeps_running(client: TestClient, data: DataFolder) -> None:
    data.snapshot.write_bytes(b"no database")
    answer = client.get("/")
    assert answer.status_code == 500
    assert "Page unavailable" in text_of(answer.text)
    assert "virus.duckdb" in text_of(answer.text)
