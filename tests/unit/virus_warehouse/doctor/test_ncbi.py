"""The checks that ask NCBI, against the stand-in."""

import socket
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.stand_in import StandIn
from virus_warehouse.doctor.checks import Check
from virus_warehouse.doctor.clock import check_clock
from virus_warehouse.doctor.connections import check_connections
from virus_warehouse.doctor.examination import examine
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.doctor.ncbi_package import TINY, check_ncbi
from virus_warehouse.doctor.read_settings import check_settings


@pytest.fixture
def ncbi(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with StandIn() as server:
        monkeypatch.setenv("NCBI_DATASETS_URL", server.url)
        yield server


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing listens where NCBI should be."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/datasets/v2"
    monkeypatch.setenv("NCBI_DATASETS_URL", address)
    return


def test_a_tiny_package_is_downloaded_with_the_key_and_leaves_nothing(
    installation: Installation, ncbi: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    without = check_ncbi(installation)
    assert without.verdict == "ok"
    assert without.message.endswith("without an API key.")
    monkeypatch.setenv("AIRFLOW_CONN_NCBI_DATASETS", '{"conn_type": "ncbi_datasets", "password": "secret"}')
    with_key = check_ncbi(installation)
    assert (with_key.verdict, "secret" in with_key.message) == ("ok", False)
    assert with_key.message.endswith("with the API key.")
    assert [request.headers.get("api-key") for request in ncbi.requests] == [None, "secret"]
    assert all(request.query == TINY.query() for request in ncbi.requests)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_one_fault_of_ncbi_is_overcome_and_two_are_a_failure(installation: Installation, ncbi: StandIn) -> None:
    ncbi.fault("truncated")
    assert check_ncbi(installation).verdict == "ok"
    ncbi.fault("truncated", times=2)
    found = check_ncbi(installation)
    assert found.verdict == "failure"
    assert "delivered no complete package" in found.message
    assert found.way_out
    assert "wait" in found.way_out


def test_a_key_that_ncbi_refuses_is_a_failure_without_the_key(
    installation: Installation, ncbi: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCBI_API_KEY", "secret")
    ncbi.fault("status", status=403, body='{"message": "API key secret is not valid"}')
    found = check_ncbi(installation)
    assert found.verdict == "failure"
    assert "API key *** is not valid. Check the API key, or remove it." in found.message
    assert found.way_out == "Correct the API key or the base URL that are in use."


def test_an_answer_without_a_record_is_a_failure(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Answer(404, {"Content-Type": "application/json"}, b'{"message": "does not match any items"}')
    with ScriptedServer(nothing) as server:
        monkeypatch.setenv("NCBI_DATASETS_URL", server.url)
        found = check_ncbi(installation)
    assert found.verdict == "failure"
    assert "no record, although NCBI has reference genomes of taxon 1335626" in found.message


@pytest.mark.usefixtures("no_network")
def test_without_network_ncbi_is_one_failure_and_the_clock_is_skipped(installation: Installation) -> None:
    found = check_ncbi(installation)
    assert found.verdict == "failure"
    assert "Connection refused" in found.message
    clock = check_clock(installation)
    assert (clock.verdict, clock.way_out) == ("skipped", "See the check 'ncbi'.")


def test_a_wrong_setting_or_connection_is_one_failure(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCBI_DATASETS_URL", "ncbi")
    checks = [Check(look.__name__, look) for look in (check_settings, check_connections, check_clock, check_ncbi)]
    assert [finding.verdict for _, finding in examine(installation, checks)] == ["failure", *["skipped"] * 3]
    monkeypatch.delenv("NCBI_DATASETS_URL")
    monkeypatch.setenv("AIRFLOW_CONN_NCBI_DATASETS", "http://https://host?patience=soon")
    assert [finding.verdict for _, finding in examine(installation, checks)] == ["ok", "failure", *["skipped"] * 2]


@pytest.mark.parametrize(
    ("off", "verdict", "words"),
    [
        (timedelta(), "ok", "The clock agrees with"),
        (timedelta(minutes=10), "warning", "The clock is 10 minutes ahead of"),
        (timedelta(minutes=-10), "warning", "The clock is 10 minutes behind"),
        (timedelta(days=2), "failure", "The clock is 48 hours ahead of"),
        (timedelta(days=-2), "failure", "The clock is 48 hours behind"),
    ],
)
def test_the_clock_is_compared_with_that_of_ncbi(
    installation: Installation, ncbi: StandIn, off: timedelta, verdict: str, words: str
) -> None:
    found = check_clock(Installation(installation.data, now=lambda: datetime.now(UTC) + off))
    assert (found.verdict, found.message[: len(words)]) == (verdict, words)
