"""A client is configured by an Airflow connection, which the environment overrides."""

import json

import pytest
from airflow.sdk.exceptions import AirflowNotFoundException

from ncbi_stand_in.middleware import DATASETS_VERSION
from ncbi_virus.hooks.ncbi_datasets import NcbiDatasetsHook
from ncbi_virus.provider import CLIENT_FIELDS
from tests.support.packages import package
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.stand_in import StandIn
from virus_warehouse.connection_fields import CLIENT_SETTINGS
from virus_warehouse.failure import PermanentFailure
from virus_warehouse.ncbi.client import NCBI_DATASETS_URL
from virus_warehouse.ncbi.errors import DatasetsUnavailable
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.settings import SettingError


@pytest.fixture
def connection(monkeypatch):
    def define(value: str | dict) -> None:
        text = value if isinstance(value, str) else json.dumps(value)
        monkeypatch.setenv("AIRFLOW_CONN_NCBI_DATASETS", text)

    return define


def test_default_host_is_ncbi(monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_NCBI_DATASETS", "")
    assert NcbiDatasetsHook().get_conn().base_url == NCBI_DATASETS_URL


def test_another_connection_must_exist():
    with pytest.raises(AirflowNotFoundException):
        NcbiDatasetsHook("no_such_connection").get_conn()


@pytest.mark.parametrize(
    ("value", "base_url"),
    [
        ({"conn_type": "http", "host": "https://mirror.example/datasets/v2"}, "https://mirror.example/datasets/v2"),
        ("http://127.0.0.1:8081/datasets%2Fv2", "http://127.0.0.1:8081/datasets/v2"),
        ("http://127.0.0.1:8081/datasets/v2", "http://127.0.0.1:8081/datasets/v2"),
        ("http://mirror.example/datasets%2Fv2", "https://mirror.example/datasets/v2"),
        ({"conn_type": "http", "host": "mirror.example", "port": 8081, "schema": "http"}, "http://mirror.example:8081"),
    ],
    ids=["host with scheme", "URI, escaped", "URI", "URI without port", "host, port and scheme apart"],
)
def test_the_host_is_the_base_url(connection, value, base_url):
    connection(value)
    assert NcbiDatasetsHook().get_conn().base_url == base_url


def test_environment_overrides_the_connection(connection, monkeypatch):
    connection({"conn_type": "http", "host": "https://mirror.example/v2", "password": "from-the-connection"})
    with ScriptedServer(Answer(body=package([]))) as server:
        monkeypatch.setenv("NCBI_DATASETS_URL", server.url)
        monkeypatch.setenv("NCBI_API_KEY", "from-the-environment")
        assert sent_key(server) == "from-the-environment"


def test_the_password_is_the_api_key(connection):
    with ScriptedServer(Answer(body=package([]))) as server:
        connection({"conn_type": "http", "host": server.url, "password": "from-the-connection"})
        assert sent_key(server) == "from-the-connection"


def test_extra_fields_are_the_clients_settings(connection):
    with ScriptedServer(Answer(503)) as server:
        extra = {"attempts": "2", "backoff_factor": 0, "read_timeout": 5, "connect_timeout": "1.5", "patience": 30}
        connection({"conn_type": "http", "host": server.url, "extra": extra})
        with pytest.raises(DatasetsUnavailable) as unavailable:
            sent_key(server)
        assert unavailable.value.attempts == len(server.requests) == 2


@pytest.mark.parametrize("value", ["many", "0", "nan"])
def test_extra_field_that_is_no_positive_number_is_named(connection, value):
    connection({"conn_type": "http", "host": "https://mirror.example", "extra": {"patience": value}})
    with pytest.raises(SettingError, match=f"its extra field patience is '{value}'; it must be a positive number"):
        NcbiDatasetsHook().get_conn()


def test_field_that_cannot_be_used_is_named_and_fails_at_once(connection):
    connection({"conn_type": "http", "host": "ftp://mirror.example"})
    with pytest.raises(PermanentFailure, match="the host of the connection 'ncbi_datasets' is 'ftp:"):
        NcbiDatasetsHook().get_conn()
    connection({"conn_type": "http", "password": "a secret"})
    with pytest.raises(PermanentFailure, match="the password of the connection 'ncbi_datasets' has invalid") as refused:
        NcbiDatasetsHook().get_conn()
    assert "a secret" not in str(refused.value)


def sent_key(server: ScriptedServer) -> str | None:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder, NcbiDatasetsHook().get_conn() as client:
        client.download(VirusGenomeRequest(taxon="10244"), Path(folder) / "package.zip")
    headers = {name.lower(): value for name, value in server.requests[0].headers.items()}
    return headers.get("api-key")


@pytest.mark.slow
def test_connection_test_reports_whether_ncbi_responds(monkeypatch):
    with StandIn() as server:
        monkeypatch.setenv("NCBI_DATASETS_URL", server.url)
        answered = NcbiDatasetsHook().test_connection()
    assert answered == (True, f"{server.url} responds, version {DATASETS_VERSION}")
    is_there, message = NcbiDatasetsHook().test_connection()
    assert not is_there
    assert f"{server.url}/version does not respond like NCBI Datasets" in message


def test_the_form_has_each_extra_field_that_is_read():
    assert CLIENT_FIELDS.keys() == CLIENT_SETTINGS.keys()
