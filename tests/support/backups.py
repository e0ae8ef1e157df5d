"""What tests of back-ups share."""

from pathlib import Path

import pytest

from virus_warehouse.backup import airflow_database
from virus_warehouse.backup.restore import restore_backup
from virus_warehouse.data_folder import DataFolder


@pytest.fixture(autouse=True)
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sources file; and no Airflow."""
    path = tmp_path / "sources.yaml"
    path.write_text("sources: {mpox: {taxon: 10244}}", encoding="utf-8")
    monkeypatch.setenv("VIRUS_SOURCES", str(path))
    monkeypatch.delenv(airflow_database.VARIABLE, raising=False)
    return path


def restored_in(folder: Path, place: Path) -> DataFolder:
    """Restore a back-up into a folder."""
    data = DataFolder(folder)
    restore_backup(place, data, data.warehouse)
    return data
