"""An empty data folder, and warehouses that have been loaded or published."""

import shutil
from pathlib import Path

import pytest

from tests.support.snapshots import FOLLOWED
from tests.support.warehouses import MPOX, Store, accessions, line
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.publish.publication import publish, publish_candidate
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


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A warehouse with one record; only to be copied."""
    store = Store(tmp_path_factory.mktemp("loaded"))
    store.load(line("PX1.1"))
    return store


@pytest.fixture
def store(data: DataFolder, loaded: Store) -> Store:
    """A copy of it that a test can change, in `data`."""
    return loaded.copy_to(data.root)


@pytest.fixture(scope="module")
def first_publication(loaded: Store, tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """It has been published, as publication-1; only to be read or copied."""
    data = DataFolder(tmp_path_factory.mktemp("first_publication"))
    data.create()
    prepare_candidate(loaded.copy_to(data.root).warehouse, data, "publication-1", FOLLOWED)
    assert publish_candidate(data, "publication-1")
    return data


@pytest.fixture
def published_store(data: DataFolder, store: Store, first_publication: DataFolder) -> Store:
    """The warehouse, when `data` has this publication."""
    shutil.copytree(first_publication.published, data.published, dirs_exist_ok=True)
    return store
