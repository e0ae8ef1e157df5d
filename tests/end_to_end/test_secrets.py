"""The API key in successful and failed DAG runs: it is sent to NCBI and stored nowhere."""

import os
from pathlib import Path

import pytest

from tests.support.airflow_runs import run_dag
from tests.support.packages import package
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.warehouses import line

MPOX = "ncbi_virus_ingest__mpox"
KEY = "5ec4e7" * 6


@pytest.fixture(params=["environment", "connection"])
def key(request, monkeypatch):
    """The key, configured in either of the two ways."""
    if request.param == "environment":
        monkeypatch.setenv("NCBI_API_KEY", KEY)
    else:
        monkeypatch.setenv("AIRFLOW_CONN_NCBI_DATASETS", f'{{"conn_type": "http", "password": "{KEY}"}}')


def test_the_key_is_in_no_log_template_xcom_event_file_or_url(key, follow, data, capfd, caplog, monkeypatch):
    follow("{mpox: {taxon: 10244}}")
    monkeypatch.setenv("NCBI_DATASETS_PATIENCE", "1")
    echo = f'{{"error":"Bad Request","code":400,"message":"API key {KEY} is not valid"}}'.encode()
    good, refused, down = Answer(body=package([line()])), Answer(400, body=echo), Answer(503, body=KEY.encode())
    before = set(files(data.root))
    with caplog.at_level("DEBUG"):
        for answer, state in ((good, "success"), (refused, "failed"), (down, "failed")):
            with ScriptedServer(answer) as ncbi:
                monkeypatch.setenv("NCBI_DATASETS_URL", ncbi.url)
                assert run_dag(MPOX).state == state
            assert {request.headers["api-key"] for request in ncbi.requests} == {KEY}
            assert not [value for request in ncbi.requests for _, value in request.query if KEY in value]
    # Airflow's database has the rendered templates, XComs and asset events; its home has the logs.
    written = set(files(data.root)) - before
    kept = [*written, *files(Path(os.environ["AIRFLOW_HOME"]))]
    assert len(written) > 5
    assert [path for path in kept if KEY.encode() in path.read_bytes()] == []
    output = "".join([*capfd.readouterr(), caplog.text])
    assert "*** is not valid" in output
    assert KEY not in output


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
