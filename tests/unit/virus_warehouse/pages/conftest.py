"""The pages over HTTP for a logged-in user, with a separate data folder for each test."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.pages.app import URL_PREFIX, create_app
from virus_warehouse.pages.host import DagState, Scheduler


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    """An empty data folder; mpox and dengue are configured."""
    sources = tmp_path / "sources.yaml"
    sources.write_text("sources: {mpox: {taxon: 10244}, dengue: {taxon: 12637}}", encoding="utf-8")
    folder = DataFolder(tmp_path / "data")
    folder.create()
    monkeypatch.setenv("VIRUS_SOURCES", str(sources))
    monkeypatch.setenv("VIRUS_DATA", str(folder.root))
    return folder


@pytest.fixture
def dags() -> dict[str, DagState]:
    """The DAG states that Airflow reports; a test may change them."""
    return {}


@pytest.fixture
def schedulers() -> list[Scheduler]:
    """The schedulers that Airflow has had, the last one at the end; a test may add some."""
    return [Scheduler(is_running=True, last_seen=datetime.now(UTC))]


@pytest.fixture
def client(data: DataFolder, dags: dict[str, DagState], schedulers: list[Scheduler]) -> Iterator[TestClient]:
    """A client with a login; paths are relative to that of the pages."""
    pages = create_app(
        user=lambda: SimpleNamespace(get_id=lambda: "reader"),
        dag_states=lambda: dags,
        scheduler=lambda: schedulers[-1],
    )
    airflow = FastAPI()
    airflow.mount(URL_PREFIX, pages)
    with TestClient(airflow, base_url=f"http://airflow{URL_PREFIX}", follow_redirects=False) as client:
        yield client
