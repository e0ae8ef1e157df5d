"""The health check of an Airflow service in docker-compose.yaml: Airflow's own verdict on it.

    python scripts/service_health.py scheduler

Docker restarts a container whose process has ended, but not one that is unhealthy. So this ends a service that has not
shown a sign of life for minutes, and Docker starts it again. Loads and publications survive that.

It imports nothing of Airflow: `airflow jobs check` would take seconds of processor time, several times a minute.
"""

import json
import os
import signal
import sys
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MONITOR = "http://airflow-api-server:8080/api/v2/monitor/health"
PATIENCE = 300
"""Seconds without a sign of life, and since the start of the container, after which a service is ended."""

FIRST_PROCESS = 1


def main(part: str) -> int:
    """Check a part of Airflow; returns the exit code."""
    with urllib.request.urlopen(MONITOR, timeout=5) as answer:  # nosec B310
        health = json.load(answer)
    print(part, health[part])
    if health[part]["status"] == "healthy":
        return 0
    if _silent_for(part, health[part]) > PATIENCE and _seconds_since_start() > PATIENCE:
        _end_service()
    return 1


def _silent_for(part: str, state: dict[str, Any]) -> float:
    """Seconds since its last sign of life; 0 for a part that gives none."""
    seen = state.get(f"latest_{part}_heartbeat")
    return (datetime.now(UTC) - datetime.fromisoformat(seen)).total_seconds() if seen else 0


def _seconds_since_start() -> float:
    return time.time() - Path(f"/proc/{FIRST_PROCESS}").stat().st_mtime


def _end_service() -> None:
    """Kill the service: a process that hangs may ignore anything else."""
    children = Path(f"/proc/{FIRST_PROCESS}/task/{FIRST_PROCESS}/children").read_text().split()
    for process in map(int, children):
        if process not in (os.getpid(), os.getppid()):
            os.kill(process, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
