"""End to end: a stand-in over HTTP, the real DAG, a DuckDB file."""

from collections.abc import Callable, Iterator

import duckdb
import pytest

from tests.support.airflow_runs import make_home
from tests.support.stand_in import StandIn
from tests.support.warehouses import made_data
from virus_warehouse.data_folder import DataFolder


@pytest.fixture(scope="session", autouse=True)
def airflow_home():
    return make_home()


@pytest.fixture
def data(tmp_path, monkeypatch) -> DataFolder:
    folder = made_data(tmp_path / "data")
    monkeypatch.setenv("VIRUS_DATA", str(folder.root))
    return folder


@pytest.fixture
def stand_in(monkeypatch) -> Iterator[StandIn]:
    with StandIn() as server:
        monkeypatch.setenv("NCBI_DATASETS_URL", server.url)
        yield server


@pytest.fixture
def follow(tmp_path, monkeypatch) -> Callable[[str], None]:
    """Follow these sources, given as YAML."""

    def follow(sources: str) -> None:
        file = tmp_path / "sources.yaml"
        file.write_text(f"sources: {sources}", encoding="utf-8")
        monkeypatch.setenv("VIRUS_SOURCES", str(file))

    return follow


@pytest.fixture
def query(data) -> Callable[..., list[tuple]]:
    """Query the published snapshot."""

    def query(sql: str, parameters: list | None = None) -> list[tuple]:
        with duckdb.connect(data.snapshot, read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            return connection.execute(sql, parameters).fetchall()

    return query
