"""`make start`: Airflow with its UI, until Ctrl-C; leaves no process behind.

The parts are those of `airflow standalone`, which would start the scheduler before the API server answers, and go on
when a part has died: without a scheduler, runs would be queued for ever. This command ends with an error as soon as one
has ended.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

import airflow_home

GRACE_SECONDS = 20

PARTS = {part: ("-m", "airflow", part) for part in ("api-server", "dag-processor", "triggerer")} | {
    "scheduler": (str(Path(__file__).with_name("scheduler.py")),)
}
"""The parts of Airflow, and how Python runs each."""


def main() -> int:
    """Run every part in a process group of its own, and end all of them with the first that ends."""
    home = Path(os.environ["AIRFLOW_HOME"])
    environment = airflow_home.environment(home)
    port = environment.get("AIRFLOW__API__PORT", "8080")
    print(f"Airflow: http://127.0.0.1:{port}, login {airflow_home.LOGIN}, password {airflow_home.password(home)}")
    print("It takes about half a minute to answer. Ctrl-C stops it.", flush=True)
    stopping = threading.Event()
    # Before Airflow starts: a command run in the background inherits "ignore SIGINT", and would pass it on.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    parts = {part: _start(part, environment) for part in PARTS}
    died = None
    while died is None and not stopping.wait(0.5):
        died = next((part for part, process in parts.items() if process.poll() is not None), None)
    _end(parts.values())
    if died is not None:
        print(f"Airflow's {died} has died, so nothing would run: see its last lines above. Run `make start` again.")
        return 1
    print("Airflow has stopped.")
    return 0


def _start(part: str, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start a part; a thread prints its output, each line with the part's name."""
    process = subprocess.Popen(
        [sys.executable, *PARTS[part]],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )

    def print_lines() -> None:
        for line in process.stdout or ():
            print(f"{part:13} | {line}", end="", flush=True)

    threading.Thread(target=print_lines, daemon=True).start()
    return process


def _end(parts: Iterable[subprocess.Popen[str]]) -> None:
    """Let the parts end, then whatever of their processes outlived them."""
    for process in parts:
        process.terminate()
    for process in parts:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_SECONDS)
    for process in parts:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
