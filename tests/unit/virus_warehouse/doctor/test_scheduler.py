"""The check of Airflow, where it does not answer; `tests/end_to_end/test_doctor.py` has one that does."""

import pytest

from tests.support.scripted_server import Answer, ScriptedServer
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.doctor.scheduler import check_scheduler


def test_without_an_address_nothing_is_asked(installation: Installation) -> None:
    found = check_scheduler(installation)
    assert found.verdict == "skipped"
    assert found.way_out
    assert "AIRFLOW__API__BASE_URL" in found.way_out


@pytest.mark.parametrize("answer", [Answer(503), Answer(body=b"<html>"), Answer(body=b"[]"), Answer(body=b'{"a": 1}')])
def test_another_answer_than_that_of_airflow_is_a_failure(installation: Installation, answer: Answer) -> None:
    with ScriptedServer(answer) as server:
        login = server.url.replace("http://", "http://admin:secret@")
        found = check_scheduler(Installation(installation.data, airflow_url=login))
        assert [request.path for request in server.requests] == ["/api/v2/monitor/health"]
    assert found.verdict == "failure"
    assert server.url in found.message
    assert "secret" not in found.message


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/airflow", "localhost", "admin:secret@localhost:8080", "http://"]
)
def test_an_address_without_airflow_is_a_failure(installation: Installation, address: str) -> None:
    found = check_scheduler(Installation(installation.data, airflow_url=address))
    assert (found.verdict, "secret" in found.message) == ("failure", False)
