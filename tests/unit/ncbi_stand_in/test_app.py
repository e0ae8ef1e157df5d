"""The calls other than downloads, and the stand-in as a separate process."""

import os
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
import requests

from tests.support.stand_in import DEFAULT_TODAY, StandIn
from tests.unit.ncbi_stand_in.helpers import Download, get

INCLUDE = Path(__file__).parents[3] / "include"


def test_version(stand_in: StandIn) -> None:
    response = requests.get(f"{stand_in.url}/version", timeout=60)
    assert list(response.json()) == ["version"]
    assert response.json()["version"] == response.headers["X-Datasets-Version"]


def test_unknown_path_returns_ncbi_404(stand_in: StandIn) -> None:
    response = requests.get(f"{stand_in.url}/virus/nothing", timeout=60)
    assert response.status_code == 404
    assert response.json()["error"] == "Not Found"
    assert response.json()["message"].startswith("Your request is invalid. (For more help, see ")


def test_clock_call_reads_and_sets_the_clock(stand_in: StandIn) -> None:
    url = f"{stand_in.control_url}/clock"
    assert requests.get(url, timeout=60).json() == {"today": DEFAULT_TODAY.isoformat()}
    tomorrow = (DEFAULT_TODAY + timedelta(days=1)).isoformat()
    assert requests.post(url, json={"today": tomorrow}, timeout=60).json() == {"today": tomorrow}
    assert requests.get(url, timeout=60).json() == {"today": tomorrow}
    assert requests.post(url, json={"today": "soon"}, timeout=60).status_code == 422


def test_requests_are_recorded_verbatim_and_control_calls_are_not(stand_in: StandIn) -> None:
    before = len(stand_in.requests)
    pairs = [("aux_report", "ANNOTATION"), ("aux_report", "BIOSAMPLE_REPORT"), ("include_sequence", "NONE")]
    get(stand_in, "Monkeypox virus", pairs, headers={"User-Agent": "a test"})
    requests.get(f"{stand_in.control_url}/clock", timeout=60)
    (recorded,) = stand_in.requests[before:]
    assert recorded.method == "GET"
    assert recorded.path == "/datasets/v2/virus/taxon/Monkeypox virus/genome/download"
    assert recorded.query == pairs
    assert recorded.headers["user-agent"] == "a test"
    listed = requests.get(f"{stand_in.control_url}/requests", timeout=60).json()
    assert listed[-1]["query"] == [list(pair) for pair in pairs]


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_process_announces_its_url_and_stops_cleanly(stop: signal.Signals) -> None:
    options = ["--port", "0", "--records", "40", "--today", "2026-11-20"]
    command = [sys.executable, "-m", "ncbi_stand_in", *options]
    environment = {**os.environ, "PYTHONPATH": str(INCLUDE)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        package = Download(requests.get(f"{url}/virus/taxon/10239/genome/download", timeout=60))
        process.send_signal(stop)
        assert process.wait(60) == 0
        assert process.stderr.read() == ""
    assert package.accessions


def test_helper_leaves_nothing_running() -> None:
    with StandIn(today=date(2026, 11, 20), records=40) as stand_in:
        assert requests.get(f"{stand_in.url}/version", timeout=60).ok
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(f"{stand_in.url}/version", timeout=60)
