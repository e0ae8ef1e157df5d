"""Where Airflow writes: the environment, then the connection, then the data folder."""

import json

import pytest
from airflow.sdk.exceptions import AirflowNotFoundException

from ncbi_virus.warehouse import NoWarehousePath, get_warehouse
from virus_warehouse.data_folder import DataFolder


@pytest.fixture
def data(tmp_path):
    return DataFolder(tmp_path)


def test_without_a_connection_it_lies_in_the_data_folder(data, tmp_path):
    assert get_warehouse(data).path == tmp_path / "warehouse.duckdb"


def test_a_connection_names_the_file(data, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_VIRUS_WAREHOUSE", '{"conn_type": "duckdb", "host": "/elsewhere/virus.duckdb"}')
    assert str(get_warehouse(data).path) == "/elsewhere/virus.duckdb"


def test_the_environment_wins_over_the_connection(data, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_VIRUS_WAREHOUSE", '{"conn_type": "duckdb", "host": "/elsewhere/virus.duckdb"}')
    monkeypatch.setenv("VIRUS_WAREHOUSE", "/here/virus.duckdb")
    assert str(get_warehouse(data).path) == "/here/virus.duckdb"


def test_another_connection_must_exist(data):
    with pytest.raises(AirflowNotFoundException):
        get_warehouse(data, "no_such_connection")


@pytest.mark.parametrize(
    ("connection", "found"),
    [
        ({"conn_type": "duckdb"}, "no path"),
        ({"conn_type": "duckdb", "host": ":memory:"}, "no path"),
        ({"conn_type": "duckdb", "password": "a-token"}, "a database of MotherDuck's"),
        ({"conn_type": "duckdb", "host": "md:mine?motherduck_token=a-token"}, "a database of MotherDuck's"),
    ],
)
def test_connection_that_names_no_file_is_told_without_its_token(data, monkeypatch, connection, found):
    monkeypatch.setenv("AIRFLOW_CONN_VIRUS_WAREHOUSE", json.dumps(connection))
    with pytest.raises(NoWarehousePath) as refused:
        get_warehouse(data)
    assert f"'virus_warehouse' has {found}" in str(refused.value)
    assert "a-token" not in str(refused.value)
