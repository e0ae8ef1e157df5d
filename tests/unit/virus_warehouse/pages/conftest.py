"""The pages as somebody who is logged in gets them, over HTTP, of a data folder of the test's own."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.pages.app import URL_PREFIX, create_app
from virus_warehouse.pages.host import DagState


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    """A data folder in which nothing has happened; mpox and dengue are followed."""
    sources = tmp_path / "sources.yaml"
    sources.write_text("sources: {mpox: {taxon: 10244}, dengue: {taxon: 12637}}", encoding="utf-8")
    folder = DataFolder(tmp_path / "data")
    folder.create()
    monkeypatch.setenv("VIRUS_SOURCES", str(sources))
    monkeypatch.setenv("VIRUS_DATA", str(folder.root))
    return folder


@pytest.fixture
def dags() -> dict[str, DagState]:
    """What Airflow says of the DAGs; a test may change it."""
    return {}


@pytest.fixture
def client(data: DataFolder, dags: dict[str, DagState]) -> Iterator[TestClient]:
    """Somebody who is logged in; paths are below that of our pages."""
    pages = create_app(user=lambda: SimpleNamespace(get_id=lambda: "reader"), dag_states=lambda: dags)
    airflow = FastAPI()
    airflow.mount(URL_PREFIX, pages)
    with TestClient(airflow, base_url=f"http://airflow{URL_PREFIX}", follow_redirects=False) as client:
        yield client
