"""An empty data folder."""

from pathlib import Path

import pytest

from virus_warehouse.data_folder import DataFolder


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path)
    folder.create()
    return folder
