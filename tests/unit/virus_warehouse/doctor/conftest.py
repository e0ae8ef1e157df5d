"""An installation for the checks: a warehouse without rows, and a sources file."""

from pathlib import Path

import pytest

from tests.support.warehouses import made_data
from virus_warehouse.doctor.installation import Installation


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "sources.yaml"
    file.write_text("sources: {mpox: {taxon: 10244}}", encoding="utf-8")
    monkeypatch.setenv("VIRUS_SOURCES", str(file))
    return file


@pytest.fixture
def installation(tmp_path: Path, sources: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    for name in ("AIRFLOW_CONN_NCBI_DATASETS", "AIRFLOW_CONN_VIRUS_WAREHOUSE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VIRUS_DATA", str(made_data(tmp_path / "data").root))
    return Installation()
