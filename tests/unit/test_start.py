"""`make start`, with short programs in place of Airflow's parts."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.support.ports import free_port

pytestmark = pytest.mark.slow

START = Path(__file__).parents[2] / "scripts" / "start.py"

PART = """
import http.server, sys, time

class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/execution/health" else 503)
        self.end_headers()

def main():
    if sys.argv[1] == {dies!r}:
        sys.exit("a last line")
    if sys.argv[1] == "api-server":
        time.sleep(3)
        server = http.server.HTTPServer(("127.0.0.1", {port}), Healthy)
        print("answers", flush=True)
        server.serve_forever()
    print("runs", flush=True)
    time.sleep(600)

if __name__ == "__main__":
    main()
"""
URL = "def get_execution_api_server_url(): return 'http://127.0.0.1:{port}/execution/'"

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts an Airflow whose API server takes three seconds to answer, and of which the named part dies."""

    def started(dies: str) -> "subprocess.Popen[str]":
        package, home, port = tmp_path / "airflow", tmp_path / "home", free_port()
        (package / "executors").mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(PART.format(dies=dies, port=port))
        (package / "executors" / "base_executor.py").write_text(URL.format(port=port))
        home.mkdir()
        (home / "passwords.json").write_text(json.dumps({"admin": "secret"}))
        environment = os.environ | {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(tmp_path)}
        return subprocess.Popen([sys.executable, START], env=environment, stdout=subprocess.PIPE, text=True)

    return started


@pytest.mark.parametrize("part", ["scheduler", "api-server"])
def test_it_ends_with_an_error_when_a_part_has_died(start: Start, part: str) -> None:
    process = start(part)
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 1
    assert f"{part:13} | a last line" in output.splitlines()
    assert output.splitlines()[-1].startswith(f"Airflow's {part} has died, so nothing would run")


def test_scheduler_starts_once_the_api_server_answers_and_all_run_until_stopped(start: Start) -> None:
    """A task that starts before fails with "Connection refused", and its try is spent."""
    process = start("none")
    assert process.stdout is not None
    lines = []
    while "scheduler     | runs\n" not in lines:
        lines.append(process.stdout.readline())
        assert lines[-1], lines
    assert lines.index("api-server    | answers\n") < lines.index("scheduler     | runs\n")
    assert {"dag-processor | runs\n", "triggerer     | runs\n"} <= set(lines)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) == 4
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(3)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=90)
    assert (process.returncode, output.splitlines()[-1]) == (0, "Airflow has stopped.")
    assert not [child for child in children if child.is_running()]
