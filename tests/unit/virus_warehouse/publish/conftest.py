"""An empty data folder, and a warehouse that has been published."""

from pathlib import Path

import pytest

from tests.support.warehouses import MPOX, Store, accessions, line
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.publication import publish
from virus_warehouse.sources import SourcesFile


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path)
    folder.create()
    return folder


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Forty mpox records, loaded and published; only to be copied."""
    data = DataFolder(tmp_path_factory.mktemp("published"))
    data.create()
    store = Store(data.root)
    store.load(*(line(accession) for accession in accessions(40)))
    publish(store.warehouse, data, SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX}))
    return store
