"""`make start`: Airflow with its UI, until Ctrl-C; leaves no process behind.

`airflow standalone` goes on when one of its parts has died: without a scheduler, runs would be queued for ever. So the
command ends with an error as soon as a part has ended.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import airflow_home
import psutil

GRACE_SECONDS = 20

PARTS = ("scheduler", "dag-processor", "api-server", "triggerer")
"""The parts of Airflow that `airflow standalone` starts, each as a child process."""


def main() -> int:
    """Run `airflow standalone` in a process group of its own, and end that group with it."""
    home = Path(os.environ["AIRFLOW_HOME"])
    environment = airflow_home.environment(home)
    port = environment.get("AIRFLOW__API__PORT", "8080")
    print(f"Airflow: http://127.0.0.1:{port}, login {airflow_home.LOGIN}, password {airflow_home.password(home)}")
    print("It takes about half a minute to answer. Ctrl-C stops it.", flush=True)
    stopping = threading.Event()
    # Before Airflow starts: a command run in the background inherits "ignore SIGINT", and would pass it on.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopping.set())
    airflow = subprocess.Popen([sys.executable, "-m", "airflow", "standalone"], env=environment, start_new_session=True)
    parts: dict[int, str] = {}
    died = None
    while airflow.poll() is None and died is None and not stopping.wait(0.5):
        died = _part_that_died(airflow.pid, parts)
    if airflow.poll() is None:
        # `standalone` stops its parts on SIGINT only; a SIGTERM would orphan them.
        airflow.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            airflow.wait(GRACE_SECONDS)
    _end_group(airflow)
    if died is not None and not stopping.is_set():
        print(f"Airflow's {died} has died, so nothing would run: see its last lines above. Run `make start` again.")
        return 1
    print("Airflow has stopped.")
    return 0 if stopping.is_set() else 1


def _part_that_died(standalone: int, parts: dict[int, str]) -> str | None:
    """The part of Airflow that has ended, if any.

    Args:
        standalone: the process of `airflow standalone`. It does not wait for its children, so a dead one is a zombie.
        parts: the parts seen so far, by process; filled here.
    """
    running = set()
    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(standalone).children():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):  # a zombie is no such process either
                command = " ".join(child.cmdline()).split()
                if child.status() != psutil.STATUS_ZOMBIE:
                    running.add(child.pid)
                    parts.update((child.pid, part) for part in PARTS if part in command)
        return next((part for process, part in parts.items() if process not in running), None)
    return None


def _end_group(airflow: subprocess.Popen[bytes]) -> None:
    """End whatever of Airflow's processes outlived it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(airflow.pid, number)
            airflow.poll()
            time.sleep(2)


if __name__ == "__main__":
    sys.exit(main())
