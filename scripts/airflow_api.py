"""Airflow's REST API, for whoever has its login."""

from typing import Any

import requests


def is_healthy(url: str) -> bool:
    """Whether the Airflow at an URL answers, and all that has to work for a DAG run does."""
    try:
        state = requests.get(f"{url}/api/v2/monitor/health", timeout=5).json()
        return all(state[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))
    except (requests.RequestException, ValueError, KeyError):
        return False


class AirflowApi:
    """The REST API of the Airflow at `url`.

    Args:
        url: where it is.
        login: who asks.
        password: theirs.

    Raises:
        RuntimeError: at once or by a call, when Airflow answers with an error; says with which.
    """

    def __init__(self, url: str, login: str, password: str) -> None:
        self._url = url
        self._session = requests.Session()
        token = self._asked("POST", "/auth/token", json={"username": login, "password": password})["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """What it answers to a path such as `/dags`; arguments are those of `requests`."""
        return self._asked(method, f"/api/v2{path}", **arguments)

    def close(self) -> None:
        """Let the connection go."""
        self._session.close()

    def _asked(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._session.request(method, f"{self._url}{path}", timeout=30, **arguments)
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()
