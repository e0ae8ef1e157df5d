"""`make start` ends when a part of Airflow has died, whose place a short program takes here."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

START = Path(__file__).parents[2] / "scripts" / "start.py"

STANDALONE = """
import subprocess, sys, time
parts = [subprocess.Popen([sys.executable, {part!r}, name]) for name in ("scheduler", "api-server")]
print("all parts run", flush=True)
while True:
    time.sleep(0.1)
"""

PART = """
import sys, time
time.sleep(5 if sys.argv[1] == {dies!r} else 600)
"""

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Start:
    """Starts it with an Airflow of which the named part dies after five seconds."""

    def started(dies: str) -> "subprocess.Popen[str]":
        part, package, home = tmp_path / "part.py", tmp_path / "airflow", tmp_path / "home"
        part.write_text(PART.format(dies=dies))
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(STANDALONE.format(part=str(part)))
        home.mkdir()
        (home / "passwords.json").write_text(json.dumps({"admin": "secret"}))
        environment = os.environ | {"AIRFLOW_HOME": str(home), "PYTHONPATH": str(tmp_path)}
        return subprocess.Popen([sys.executable, START], env=environment, stdout=subprocess.PIPE, text=True)

    return started


@pytest.mark.slow
@pytest.mark.parametrize("part", ["scheduler", "api-server"])
def test_it_ends_with_an_error_when_a_part_has_died(start: Start, part: str) -> None:
    process = start(part)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert output.splitlines()[-1].startswith(f"Airflow's {part} has died, so nothing would run")


@pytest.mark.slow
def test_it_runs_until_it_is_stopped(start: Start) -> None:
    process = start("none")
    assert process.stdout is not None
    while "all parts run" not in process.stdout.readline():
        pass
    children = psutil.Process(process.pid).children(recursive=True)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(5)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output.splitlines()[-1]) == (0, "Airflow has stopped.")
    assert not [child for child in children if child.is_running()]
