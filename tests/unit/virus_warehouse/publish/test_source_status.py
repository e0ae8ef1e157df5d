"""The snapshot states for each source whether it is still configured."""

import shutil
from pathlib import Path

import pytest

from tests.support.warehouses import DENGUE, MPOX, Store, line, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.candidate import make_candidate, open_candidate
from virus_warehouse.publish.source_status import write_source_status
from virus_warehouse.sources import SourcesFile, read_sources


@pytest.fixture(scope="module")
def made_candidate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = DataFolder(tmp_path_factory.mktemp("made_candidate"))
    data.create()
    store = Store(data.root)
    store.load(line("PX1.1"), line("PX2.1"), source=MPOX)
    store.load(line("PX1.1"), source=DENGUE)
    return make_candidate(store.warehouse, data, "run-2").path


@pytest.fixture
def candidate(made_candidate: Path, tmp_path: Path) -> Path:
    return shutil.copy2(made_candidate, tmp_path / made_candidate.name)


def sources(tmp_path: Path, text: str) -> SourcesFile:
    file = tmp_path / "sources.yaml"
    file.write_text(f"sources:\n{text}", encoding="utf-8")
    return read_sources(file)


def status(candidate: Path) -> list[tuple]:
    return query(candidate, "SELECT source, status, taxon, records, last_run_id FROM ops.source_status ORDER BY source")


def test_removed_source_keeps_its_rows_and_is_marked(candidate: Path, tmp_path: Path) -> None:
    with open_candidate(candidate) as connection:
        write_source_status(connection, sources(tmp_path, "  mpox: {taxon: 10244}"))
    assert status(candidate) == [
        ("dengue", "not followed", None, 1, "run-2"),
        ("mpox", "followed", "10244", 2, "run-1"),
    ]
    assert query(candidate, "SELECT detail FROM ops.source_status WHERE source = 'dengue'") == [
        (
            "not in the sources file any more: its rows stay as last loaded, but are not counted in the marts; "
            "`virus-warehouse forget dengue` removes them",
        )
    ]
    assert query(candidate, "SELECT count(*) FROM virus_genome WHERE source = 'dengue'") == [(1,)]


def test_new_and_broken_sources_are_distinguished(candidate: Path, tmp_path: Path) -> None:
    followed = sources(tmp_path, "  mpox: {taxon: 10244}\n  dengue: {taxon: 12637, hots: human}\n  flu: {taxon: 11320}")
    with open_candidate(candidate) as connection:
        write_source_status(connection, followed)
    assert [row[:2] for row in status(candidate)] == [
        ("dengue", "broken"),
        ("flu", "never loaded"),
        ("mpox", "followed"),
    ]
    ((detail,),) = query(candidate, "SELECT detail FROM ops.source_status WHERE source = 'dengue'")
    assert "unknown key" in detail


def test_every_column_is_explained(candidate: Path, tmp_path: Path) -> None:
    with open_candidate(candidate) as connection:
        write_source_status(connection, sources(tmp_path, "  mpox: {taxon: 10244}"))
    assert (
        query(
            candidate,
            "SELECT column_name FROM duckdb_columns() WHERE table_name = 'source_status' AND comment IS NULL",
        )
        == []
    )
