"""`make start`: Airflow with its UI, until Ctrl-C; leaves no process behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import airflow_home

GRACE_SECONDS = 20


def main() -> int:
    """Run `airflow standalone` in a process group of its own, and end that group with it."""
    home = Path(os.environ["AIRFLOW_HOME"])
    environment = airflow_home.environment(home)
    port = environment.get("AIRFLOW__API__PORT", "8080")
    print(f"Airflow: http://127.0.0.1:{port}, login {airflow_home.LOGIN}, password {airflow_home.password(home)}")
    print("It takes about half a minute to answer. Ctrl-C stops it.", flush=True)
    airflow = subprocess.Popen([sys.executable, "-m", "airflow", "standalone"], env=environment, start_new_session=True)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        # `standalone` stops its children on SIGINT only; a SIGTERM would orphan them.
        _signal_group(airflow.pid, signal.SIGINT)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        airflow.wait()
    finally:
        _end_group(airflow.pid)
    print("Airflow has stopped.")
    return 0


def _end_group(group: int) -> None:
    """What outlived `standalone` gets a while to end, then none."""
    _signal_group(group, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    while _signal_group(group, 0) and time.monotonic() < deadline:
        time.sleep(0.2)
    _signal_group(group, signal.SIGKILL)


def _signal_group(group: int, number: int) -> bool:
    """Signal every process of a group; whether there was any."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
