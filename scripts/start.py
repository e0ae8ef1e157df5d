"""`make start`: Airflow with its UI, until Ctrl-C; leaves no process behind."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import airflow_home

GRACE_SECONDS = 20


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
    while airflow.poll() is None and not stopping.wait(0.5):
        pass
    if airflow.poll() is None:
        # `standalone` stops its parts on SIGINT only; a SIGTERM would orphan them.
        airflow.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            airflow.wait(GRACE_SECONDS)
    _end_group(airflow)
    print("Airflow has stopped.")
    return 0 if stopping.is_set() else 1


def _end_group(airflow: subprocess.Popen[bytes]) -> None:
    """End whatever of Airflow's processes outlived it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(airflow.pid, number)
            airflow.poll()
            time.sleep(2)


if __name__ == "__main__":
    sys.exit(main())
