"""Where Airflow writes: the environment, then the connection, then the data folder."""

import json

import pytest
from airflow.sdk.exceptions import AirflowNotFoundException

from ncbi_virus.hooks.virus_warehouse import VirusWarehouseHook
from virus_warehouse.connection_fields import NoWarehousePath
from virus_warehouse.warehouse import migrate


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("VIRUS_DATA", str(tmp_path))


def path(conn_id: str = "virus_warehouse") -> str:
    return str(VirusWarehouseHook(conn_id).get_conn().path)


def test_default_path_is_in_the_data_folder(tmp_path):
    assert path() == f"{tmp_path}/warehouse.duckdb"


@pytest.mark.parametrize("conn_type", ["virus_warehouse", "duckdb"])
def test_a_connection_names_the_file(monkeypatch, conn_type):
    connection = {"conn_type": conn_type, "host": "/elsewhere/virus.duckdb"}
    monkeypatch.setenv("AIRFLOW_CONN_VIRUS_WAREHOUSE", json.dumps(connection))
    assert path() == "/elsewhere/virus.duckdb"


def test_environment_overrides_the_connection(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_VIRUS_WAREHOUSE", '{"conn_type": "duckdb", "host": "/elsewhere/virus.duckdb"}')
    monkeypatch.setenv("VIRUS_WAREHOUSE", "/here/virus.duckdb")
    assert path() == "/here/virus.duckdb"


def test_another_connection_must_exist():
    with pytest.raises(AirflowNotFoundException):
        path("no_such_connection")


@pytest.mark.parametrize(
    ("connection", "found"),
    [
        ({"conn_type": "duckdb"}, "no path"),
        ({"conn_type": "duckdb", "host": ":memory:"}, "no path"),
        ({"conn_type": "duckdb", "password": "a-token"}, "a MotherDuck database"),
        ({"conn_type": "duckdb", "host": "md:mine?motherduck_token=a-token"}, "a MotherDuck database"),
    ],
)
def test_connection_without_a_file_is_reported_without_its_token(monkeypatch, connection, found):
    monkeypatch.setenv("AIRFLOW_CONN_VIRUS_WAREHOUSE", json.dumps(connection))
    with pytest.raises(NoWarehousePath) as refused:
        path()
    assert f"'virus_warehouse' has {found}" in str(refused.value)
    assert "a-token" not in str(refused.value)


def test_connection_test_describes_the_file_at_the_path(monkeypatch, tmp_path):
    hook = VirusWarehouseHook()
    file = tmp_path / "virus.duckdb"
    monkeypatch.setenv("VIRUS_WAREHOUSE", str(file))
    assert hook.test_connection() == (True, f"{file} does not exist yet; the first run creates it")
    migrate.upgrade(file)
    assert hook.test_connection() == (True, f"{file} is a DuckDB file")
    file.write_text("accession,country")
    assert hook.test_connection() == (False, f"{file} is not a DuckDB file")
    monkeypatch.setenv("VIRUS_WAREHOUSE", str(tmp_path / "nowhere" / "virus.duckdb"))
    is_usable, message = hook.test_connection()
    assert not is_usable
    assert "is not a writable folder" in message
