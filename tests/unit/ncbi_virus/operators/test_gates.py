"""The operator of the gates: bounded as a load is, and a shortage is told as what it is."""

from pathlib import Path

import duckdb
import pytest

from ncbi_virus.operators.gates import GatesOperator
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.publish.snapshot import candidate_path
from virus_warehouse.shortage import MemoryTooSmall
from virus_warehouse.warehouse import migrate


def operator(candidate: Path) -> GatesOperator:
    return GatesOperator(
        task_id="check",
        sql=gates_sql(),
        database=str(candidate),
        hook_params={"read_only": True},
        handler=lambda cursor: cursor.fetchall(),
    )


@pytest.fixture
def candidate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VIRUS_DATA", str(tmp_path))
    path = candidate_path(DataFolder.from_environment(), "run-1")
    migrate.upgrade(path)
    return path


def test_it_gives_what_the_gates_found(candidate: Path) -> None:
    with duckdb.connect(candidate) as connection:
        connection.execute("INSERT INTO taxon VALUES (10244, 'Monkeypox virus'), (10244, 'once more')")
    rows = operator(candidate).execute({})
    assert [row[:4] for row in rows] == [("unique_keys", None, "a taxon stands more than once in taxon", 1)]


def test_too_little_memory_is_told_with_its_setting(candidate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIRUS_MEMORY_LIMIT", "1MB")
    with pytest.raises(MemoryTooSmall, match="Set VIRUS_MEMORY_LIMIT higher"):
        operator(candidate).execute({})
