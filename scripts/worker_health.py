"""The health check of a Celery worker in docker-compose.yaml: whether the worker of this host responds.

    python scripts/worker_health.py

It does what `celery inspect ping` does, without importing Airflow, which would take seconds of processor time, several
times a minute. A worker responds while its tasks work. One that does not is unhealthy, but nothing ends it: its tasks
may still be at work, and the other workers take the next ones.
"""

import os
import platform
import sys

from celery import Celery

SECONDS = 10


def main() -> int:
    """Ask the worker; returns the exit code."""
    node = f"celery@{platform.node()}"
    app = Celery(broker=os.environ["AIRFLOW__CELERY__BROKER_URL"], set_as_current=False)
    app.conf.broker_transport_options = {"socket_connect_timeout": SECONDS, "max_retries": 0}
    answer = app.control.inspect(destination=[node], timeout=SECONDS).ping()
    print(node, answer or "does not respond")
    return 0 if answer else 1


if __name__ == "__main__":
    sys.exit(main())
