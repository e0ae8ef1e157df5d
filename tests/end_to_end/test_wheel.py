"""The package in another Airflow: the wheel, without the checkout, and a DAG file of ten lines."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.airflow_runs import MIGRATED_DATABASE
from tests.support.commands import CHECKOUT
from tests.support.lakes import copy_data
from tests.support.required_duckdb import NEEDS_REQUIRED_DUCKDB
from tests.support.stand_in import StandIn
from tests.support.wheel import environment_with, wheel_of
from virus_warehouse.data_folder import DataFolder

DAG_FILE = """\
from airflow.sdk import DAG

from ncbi_virus.operators.ncbi_virus_to_duckdb import NcbiVirusToDuckDBOperator

with DAG("mpox", schedule="@daily"):
    NcbiVirusToDuckDBOperator(task_id="ingest", source={"name": "mpox", "taxon": 10244})
"""

WHAT_AIRFLOW_HAS = """
import json, sys
from airflow.cli.cli_parser import get_parser
from airflow.plugins_manager import get_fastapi_plugins, get_plugin_info
from airflow.providers_manager import ProvidersManager
from fastapi.testclient import TestClient
import virus_warehouse

providers = ProvidersManager()
types = ("ncbi_datasets", "virus_warehouse")
apps, _ = get_fastapi_plugins()
pages = [app for app in apps if app["url_prefix"] == "/virus-warehouse"]
print(json.dumps({
    "package": virus_warehouse.__file__,
    "hooks": {name: providers.hooks[name].hook_name for name in types},
    "forms": {name: providers.field_behaviours[name]["relabeling"] for name in types},
    "fields": sorted(name for name in providers.connection_form_widgets if "ncbi_datasets" in name),
    "plugins": [str(plugin["source"]) for plugin in get_plugin_info() if plugin["name"] == "virus_warehouse"],
    "pages": [TestClient(page["app"]).get("/").status_code for page in pages],
}))
for dag_id in sys.argv[1:]:
    command = get_parser().parse_args(["dags", "test", dag_id])
    command.func(command)
"""
"""Prints what an Airflow has, and then runs DAGs: its start takes most of the time."""

Bare = Callable[..., subprocess.CompletedProcess[str]]
Loaded = tuple[dict[str, Any], DataFolder]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment with the wheel, and without the checkout."""
    folder = tmp_path_factory.mktemp("bare")
    return environment_with(wheel_of(CHECKOUT, folder), folder / "venv")


@pytest.fixture(scope="module")
def bare(programs: Path, airflow_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """Runs a program of that environment, with an Airflow that has one DAG file and no plugins folder."""
    home = tmp_path_factory.mktemp("airflow")
    shutil.copyfile(airflow_home / MIGRATED_DATABASE, home / "airflow.db")
    (home / "dags").mkdir()
    (home / "dags" / "mpox.py").write_text(DAG_FILE, encoding="utf-8")
    environment = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONWARNINGS": "ignore",
    }

    def run(program: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        command = [programs / program, *arguments]
        return subprocess.run(
            command, env=environment | settings, cwd=home, capture_output=True, text=True, timeout=300, check=False
        )

    return run


def seen_by_airflow(bare: Bare, *dags: str, **settings: str) -> dict[str, Any]:
    """What that Airflow has, before it runs these DAGs."""
    done = bare("python", "-c", WHAT_AIRFLOW_HAS, *dags, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    [has] = [line for line in done.stdout.splitlines() if line.startswith('{"package": ')]
    return {**json.loads(has), "log": done.stdout + done.stderr}


@pytest.fixture(scope="module")
def ncbi() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


@pytest.fixture(scope="module")
def loaded(bare: Bare, ncbi: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """What that Airflow has, and the data folder into which its DAG has loaded."""
    data = DataFolder(tmp_path_factory.mktemp("loaded") / "data")
    return seen_by_airflow(bare, "mpox", NCBI_DATASETS_URL=ncbi.url, VIRUS_DATA=str(data.root)), data


def test_connections_with_their_forms_and_the_pages_are_there(loaded: Loaded, programs: Path) -> None:
    seen, _ = loaded
    assert Path(seen["package"]).is_relative_to(programs.parent)
    assert seen["hooks"] == {"ncbi_datasets": "NCBI Datasets", "virus_warehouse": "Virus warehouse"}
    assert seen["forms"]["ncbi_datasets"] == {"host": "Base URL", "password": "API key"}
    assert seen["forms"]["virus_warehouse"] == {"host": "DuckDB file"}
    assert "extra__ncbi_datasets__patience" in seen["fields"]
    [source] = seen["plugins"]
    assert "virus-warehouse==" in source
    assert seen["pages"] == [401]


def test_with_the_plugins_folder_nothing_is_registered_twice(bare: Bare) -> None:
    seen = seen_by_airflow(bare, AIRFLOW__CORE__PLUGINS_FOLDER=str(CHECKOUT / "plugins"))
    assert len(seen["plugins"]) == 1
    assert seen["pages"] == [401]
    assert "already registered" not in seen["log"]


def test_a_dag_of_ten_lines_loads_and_the_command_publishes(
    loaded: Loaded, bare: Bare, ncbi: StandIn, tmp_path: Path
) -> None:
    data = copy_data(loaded[1], tmp_path / "data")
    with duckdb.connect(data.warehouse, read_only=True) as warehouse:
        [row] = warehouse.execute("SELECT dag_id, mode, status, inserted > 50 FROM ops.ingest_run").fetchall()
    assert row == ("mpox", "full", "success", True)

    (data.root / "sources.yaml").write_text("sources: {mpox: {taxon: 10244}}", encoding="utf-8")
    settings = {"NCBI_DATASETS_URL": ncbi.url, "VIRUS_DATA": str(data.root)}
    published = bare("virus-warehouse", "run", "mpox", **settings)
    assert published.returncode == 0, published.stdout + published.stderr
    assert published.stdout.startswith("OK mpox: incremental load committed, ")
    answer = bare("virus-warehouse", "sql", "SELECT count(*) > 50 AS loaded FROM virus_genome", **settings)
    assert "true" in answer.stdout


@NEEDS_REQUIRED_DUCKDB
def test_the_doctor_needs_no_checkout(bare: Bare, tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text("sources: {mpox: {taxon: 10244}}", encoding="utf-8")
    settings = {"VIRUS_SOURCES": str(tmp_path / "sources.yaml"), "VIRUS_DATA": str(tmp_path / "data")}
    done = bare("virus-warehouse", "doctor", "--offline", "--json", **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    messages = {check["check"]: check["message"] for check in json.loads(done.stdout)["checks"]}
    assert messages["packages"].endswith(" requirements met; only a checkout has pins to compare with.")
    assert messages["python"].endswith(" meets >=3.11.")


def test_default_data_folder_belongs_to_the_user(bare: Bare) -> None:
    done = bare("virus-warehouse", "sources", "check")
    assert done.returncode == 2
    assert ".local/share/virus-warehouse/sources.yaml: cannot be read" in done.stderr
