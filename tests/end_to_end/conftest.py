"""End to end: a stand-in over HTTP, the real DAG, a DuckDB file."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import duckdb
import pytest

from tests.support.airflow_runs import make_home
from tests.support.commands import make
from tests.support.program import AS_INSTALLED
from tests.support.stand_in import StandIn
from tests.support.warehouses import made_data
from virus_warehouse.data_folder import DataFolder


@pytest.fixture(scope="session", autouse=True)
def airflow_home():
    return make_home()


MPOX = "mpox: {taxon: 10244, aux_reports: [ANNOTATION]}"
"""The source that `make ingest` has loaded."""


class Ingested(NamedTuple):
    """What `make ingest` has left, and the URL of the stand-in from which it has loaded, which still serves it."""

    done: subprocess.CompletedProcess[str]
    data: DataFolder
    stand_in_url: str
    lineage: Path


@pytest.fixture(scope="session")
def ingested(airflow_home, tmp_path_factory) -> Iterator[Ingested]:
    """What the first `make ingest SOURCE=mpox` leaves; for reading.

    It runs once, because each process with Airflow takes ten seconds of processor time to start. Airflow's OpenLineage
    provider, which decides at that start whether it listens, writes what it sends of the run to a file.
    """
    folder = tmp_path_factory.mktemp("ingested")
    data, sources, lineage = made_data(folder / "data"), folder / "sources.yaml", folder / "lineage.jsonl"
    sources.write_text(f"sources: {{{MPOX}}}", encoding="utf-8")
    transport = {"type": "file", "log_file_path": str(lineage), "append": True}
    with StandIn() as server:
        done = make(
            "ingest",
            "SOURCE=mpox",
            AIRFLOW__OPENLINEAGE__TRANSPORT=json.dumps(transport),
            NCBI_DATASETS_URL=server.url,
            PYTHONPATH=os.pathsep.join([str(AS_INSTALLED), *filter(None, [os.environ.get("PYTHONPATH")])]),
            VIRUS_DATA=str(data.root),
            VIRUS_SOURCES=str(sources),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield Ingested(done, data, server.url, lineage)


@pytest.fixture
def mpox_loaded(ingested, data, follow) -> None:
    """Fill the data folder with what `make ingest SOURCE=mpox` has loaded and published, and follow that source."""
    shutil.copytree(ingested.data.root, data.root, dirs_exist_ok=True)
    follow(f"{{{MPOX}}}")


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
