"""`make start`, with short programs in place of Airflow's parts.

`test_start_answers_and_leaves_no_process` in `tests/end_to_end/test_commands.py` starts Airflow itself.
"""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.support.ports import free_port

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).parents[2]

PART = """
import http.server, pathlib, sys, time

ANSWERS = pathlib.Path({home!r}, "the API server answers")

class Healthy(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        Healthy.asked += self.path == "/execution/health"
        if Healthy.asked >= 2:
            ANSWERS.touch()
        self.send_response(200 if ANSWERS.exists() else 503)
        self.end_headers()

def main():
    if sys.argv[1] == {dies!r}:
        sys.exit("a last line")
    if sys.argv[1] == "api-server":
        http.server.HTTPServer(("127.0.0.1", {port}), Healthy).serve_forever()
    print("runs", ANSWERS.name if ANSWERS.exists() else "", flush=True)
    time.sleep(600)

if __name__ == "__main__":
    main()
"""
URL = "def get_execution_api_server_url(): return 'http://127.0.0.1:{port}/execution/'"

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts an Airflow whose API server answers when it is asked again, and of which the named part dies."""

    def started(dies: str) -> "subprocess.Popen[str]":
        package, home, port = tmp_path / "airflow", tmp_path / "home", free_port()
        (package / "executors").mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(PART.format(dies=dies, port=port, home=str(home)))
        (package / "executors" / "base_executor.py").write_text(URL.format(port=port))
        home.mkdir()
        (home / "passwords.json").write_text(json.dumps({"admin": "secret"}))
        (home / "ready").touch()  # scripts/setup would create it
        environment = os.environ | {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__API__PORT": str(port),
            "PYTHONPATH": str(tmp_path),
        }
        command = ["make", "--no-print-directory", "start"]
        return subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, text=True)

    return started


@pytest.mark.parametrize("part", ["scheduler", "api-server"])
def test_it_ends_with_an_error_when_a_part_has_died(start: Start, part: str) -> None:
    process = start(part)
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 2  # make's own, for a command that has failed
    assert f"{part:13} | a last line" in output.splitlines()
    assert output.splitlines()[-1].startswith(f"Airflow's {part} has died, so nothing would run")


def test_scheduler_starts_once_the_api_server_answers_and_all_run_until_stopped(start: Start) -> None:
    """A task that starts before fails with "Connection refused", and its try is spent."""
    process = start("none")
    assert process.stdout is not None
    address = process.stdout.readline()
    assert re.fullmatch(r"Airflow: http://127\.0\.0\.1:\d+, login admin, password secret\n", address)
    running: dict[str, str] = {}
    while not {"scheduler", "dag-processor", "triggerer"} <= running.keys():
        line = process.stdout.readline()
        assert line, running
        part, _, printed = line.partition("| runs")
        if printed:
            running[part.strip()] = printed.strip()
    assert running["scheduler"] == "the API server answers"
    [program] = psutil.Process(process.pid).children()
    children = program.children(recursive=True)
    assert len(children) == 4
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    program.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=90)
    assert (process.returncode, output.splitlines()[-1]) == (0, "Airflow has stopped.")
    assert not [child for child in children if child.is_running()]
