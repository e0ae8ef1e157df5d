"""The check of connections, and the client that the checks use; connections are read as Airflow reads them."""

import json
from pathlib import Path

import pytest
from airflow.sdk import Connection

from virus_warehouse.doctor.client import impatient_client
from virus_warehouse.doctor.connections import check_connections
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.environment_connection import connection_of
from virus_warehouse.settings import SettingError

NCBI, WAREHOUSE = "AIRFLOW_CONN_NCBI_DATASETS", "AIRFLOW_CONN_VIRUS_WAREHOUSE"


@pytest.mark.parametrize(
    "text",
    [
        "ncbi-datasets://:secret@https%3A%2F%2Fapi.example.org%2FDatasets%2Fv2",
        "http://https://user:s%2Fcret@api.example.org:8443/datasets%2Fv2?patience=5",
        "http://127.0.0.1:8081/datasets/v2?__extra__=%7B%22patience%22%3A+5%7D",
        "virus-warehouse://%2Fsrv%2FData%2Fwarehouse.duckdb",
        "duckdb:///?database=%2Fsrv%2Fwarehouse.duckdb",
        json.dumps({"conn_type": "http", "host": "https://api.example.org", "password": "s", "extra": {"attempts": 2}}),
        json.dumps({"conn_type": "http", "host": "h", "port": "80", "schema": "x", "extra": '{"attempts": 2}'}),
    ],
)
def test_a_connection_is_read_as_airflow_reads_it(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(NCBI, text)
    ours = connection_of("ncbi_datasets")
    theirs = Connection.from_json(text, "c") if text.startswith("{") else Connection.from_uri(text, "c")
    assert ours
    fields = (theirs.host, theirs.schema, theirs.port, theirs.password, theirs.extra_dejson)
    assert (ours.host, ours.schema, ours.port, ours.password, ours.extra) == fields
    assert "secret" not in repr(ours)


@pytest.mark.parametrize("text", ["secret", "a://b://c://secret", '{"host": "secret"', '["secret"]', "http://h:secret"])
def test_an_unreadable_connection_is_named_without_its_value(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv(NCBI, text)
    with pytest.raises(SettingError) as refused:
        connection_of("ncbi_datasets")
    assert "secret" not in str(refused.value)
    found = check_connections(installation)
    assert (found.verdict, found.exit_code) == ("failure", 2)
    assert NCBI in found.message


def test_the_environment_takes_precedence_over_a_connection(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "without an API key" in check_connections(installation).message
    monkeypatch.setenv(NCBI, "ncbi-datasets://:secret@https%3A%2F%2Fmirror.example.org%2Fv2")
    found = check_connections(installation)
    assert found.verdict == "ok"
    assert "NCBI: https://mirror.example.org/v2, with an API key" in found.message
    assert "secret" not in found.message
    monkeypatch.setenv("NCBI_DATASETS_URL", "https://api.example.org/v2")
    with impatient_client() as client:
        assert (client.base_url, client.has_api_key) == ("https://api.example.org/v2", True)


@pytest.mark.parametrize("extra", ["patience=soon", "attempts=0"])
def test_an_extra_field_that_tasks_would_refuse_is_a_failure(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    monkeypatch.setenv(NCBI, f"http://https://api.example.org/?{extra}")
    found = check_connections(installation)
    assert found.verdict == "failure"
    assert "must be a positive number" in found.message


def test_a_file_that_only_airflow_uses_is_a_warning(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.duckdb"
    monkeypatch.setenv(WAREHOUSE, json.dumps({"conn_type": "virus_warehouse", "host": str(other)}))
    found = check_connections(installation)
    assert found.verdict == "warning"
    assert f"warehouse: {other} in Airflow, but this command uses {installation.data.warehouse}" in found.message
    monkeypatch.setenv("VIRUS_WAREHOUSE", str(other))
    assert check_connections(installation).verdict == "ok"


def test_a_file_that_cannot_be_the_warehouse_is_a_failure(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "warehouse.txt"
    text.write_text("not a database")
    places = {"warehouse.duckdb": "a folder of its own", str(tmp_path): "is a folder", str(text): "no DuckDB file"}
    places[str(installation.data.snapshot)] = "the published snapshot"
    for place, reason in places.items():
        monkeypatch.setenv(WAREHOUSE, json.dumps({"conn_type": "duckdb", "host": place}))
        found = check_connections(installation)
        assert found.verdict == "failure"
        assert reason in found.message
    monkeypatch.setenv(WAREHOUSE, json.dumps({"conn_type": "duckdb", "host": "md:secret"}))
    remote = check_connections(installation)
    assert (remote.verdict, "secret" in remote.message) == ("failure", False)
