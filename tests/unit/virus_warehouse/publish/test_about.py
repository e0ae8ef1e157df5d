"""The `_about` table of a snapshot."""

import platform
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

import virus_warehouse
from tests.support.nested_lines import annotation
from tests.support.warehouses import DENGUE, MPOX, Store, line, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.about import write_about
from virus_warehouse.publish.candidate import make_candidate, open_candidate
from virus_warehouse.warehouse import migrate

pytestmark = pytest.mark.slow

BEFORE = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = DataFolder(tmp_path_factory.mktemp("data"))
    data.create()
    store = Store(data.root)
    store.load(line("PX1.1"), line("PX2.1"), annotation=[annotation("PX1.1", "A")])
    store.load(line("PX1.2"), mode="incremental")
    store.load(line("PX1.1"), source=DENGUE)
    store.execute(
        "UPDATE ops.ingest_run SET watermark = '2025-05-01', requested_at = '2025-06-01 08:00:00+02' "
        "WHERE run_id = 'run-2'; UPDATE ops.ingest_run SET status = 'failed' WHERE run_id = 'run-9'"
    )
    candidate = make_candidate(store.warehouse, data, "run-3").path
    with open_candidate(candidate) as connection:
        write_about(connection, "publication-1", "publication-0")
    return candidate


def about_topic(candidate: Path, topic: str) -> dict[tuple[str | None, str], str]:
    rows = query(candidate, "SELECT source, name, value FROM _about WHERE topic = ?", topic)
    assert len({row[:2] for row in rows}) == len(rows)
    return {(source, name): value for source, name, value in rows}


def test_creation_time_and_runs_are_recorded(candidate: Path) -> None:
    snapshot = about_topic(candidate, "snapshot")
    made_at = datetime.fromisoformat(snapshot.pop((None, "made_at")))
    assert BEFORE <= made_at <= datetime.now(UTC)
    assert snapshot == {
        (None, "publication_id"): "publication-1",
        (None, "previous_publication_id"): "publication-0",
        (None, "loaded_until"): "2025-06-01T09:00:00+00:00",
        (None, "last_run_id"): "run-3",
        (None, "last_run_ended_at"): "2025-06-01T09:00:00Z",
        (None, "runs"): "3",
    }


def test_last_run_of_each_source_is_recorded(candidate: Path) -> None:
    runs = about_topic(candidate, "run")
    assert {name: value for (source, name), value in runs.items() if source == "mpox"} == {
        "run_id": "run-2",
        "mode": "incremental",
        "requested_at": "2025-06-01T06:00:00Z",
        "ended_at": "2025-06-01T08:00:00Z",
        "watermark": "2025-05-01",
        "fingerprint": MPOX.fingerprint,
        "runs": "2",
    }
    assert runs["dengue", "run_id"] == "run-3"


def test_counts_match_the_tables(candidate: Path) -> None:
    counts = about_topic(candidate, "count")
    assert counts["mpox", "virus_genome"] == "2"
    assert counts["mpox", "virus_genome_history"] == "1"
    assert counts["dengue", "virus_genome"] == "1"
    for (source, table), count in counts.items():
        where = f"WHERE source = '{source}'" if source else ""
        assert query(candidate, f"SELECT count(*) FROM {table} {where}") == [(int(count),)]


def test_versions_are_recorded(candidate: Path) -> None:
    assert about_topic(candidate, "version") == {
        (None, "virus_warehouse"): virus_warehouse.__version__,
        (None, "duckdb"): duckdb.__version__,
        (None, "python"): platform.python_version(),
        (None, "schema_revision"): migrate.newest_revision(),
    }


def test_citation_is_recorded(candidate: Path) -> None:
    cited = " ".join(about_topic(candidate, "citation").values())
    for part in ("accession.version", "NCBI Datasets", "https://doi.org/10.1038/s41597-024-03571-y", "INSDC"):
        assert part in cited or part in str(about_topic(candidate, "citation"))
    assert "https://www.insdc.org/policy/" in cited
    assert "https://www.ncbi.nlm.nih.gov/home/about/policies/" in cited


def test_empty_snapshot_is_described(tmp_path: Path) -> None:
    data = DataFolder(tmp_path)
    data.create()
    candidate = make_candidate(Store(data.root).warehouse, data, "run-1").path
    with open_candidate(candidate) as connection:
        write_about(connection, "publication-1", "publication-0")
    assert about_topic(candidate, "snapshot").keys() == {
        (None, "publication_id"),
        (None, "previous_publication_id"),
        (None, "made_at"),
        (None, "runs"),
    }
    assert about_topic(candidate, "run") == {}
