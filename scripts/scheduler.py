"""Airflow's scheduler, started once the API server answers: for `make start` and docker-compose.yaml.

    python scripts/scheduler.py

A task reports to the API server before it does anything. After a restart, tasks that were due meanwhile would start at
once, and fail with "Connection refused" as long as the server still imports Airflow: that spends a try of each, and the
next one comes minutes later.
"""

import sys
import time

import requests
from airflow.__main__ import main as airflow
from airflow.executors.base_executor import get_execution_api_server_url

PAUSE_SECONDS = 1
TIMEOUT_SECONDS = 10


def wait_for_api_server() -> None:
    """Wait, without a limit: nothing can run before, and each way to start this ends it if the server does not come."""
    url = f"{get_execution_api_server_url().rstrip('/')}/health"
    if not _answers(url):
        print(f"Waiting for Airflow's API server, {url}", flush=True)
        while not _answers(url):
            time.sleep(PAUSE_SECONDS)


def _answers(url: str) -> bool:
    """Whether a server at the URL responds. It may do so with an error that only concerns this request."""
    try:
        return requests.get(url, timeout=TIMEOUT_SECONDS).status_code < 500
    except requests.exceptions.SSLError:  # it is there: how to check its certificate is in the settings of the tasks
        return True
    except requests.RequestException:
        return False


if __name__ == "__main__":
    wait_for_api_server()
    sys.argv[1:] = ["scheduler"]
    sys.exit(airflow())
