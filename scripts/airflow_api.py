"""A client for Airflow's REST API."""

from typing import Any

import requests


def is_healthy(url: str) -> bool:
    """Whether Airflow responds at a URL, with all components that a DAG run needs."""
    try:
        state = requests.get(f"{url}/api/v2/monitor/health", timeout=5).json()
        return all(state[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))
    except (requests.RequestException, ValueError, KeyError):
        return False


class AirflowApi:
    """The REST API of the Airflow at `url`.

    Args:
        url: its URL.
        login: the user.
        password: the user's password.

    Raises:
        RuntimeError: when Airflow responds with an error, to the login or to a call.
    """

    def __init__(self, url: str, login: str, password: str) -> None:
        self._url = url
        self._session = requests.Session()
        token = self._asked("POST", "/auth/token", json={"username": login, "password": password})["access_token"]
        self._session.headers["Authorization"] = f"Bearer {token}"

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """The response to a path such as `/dags`; arguments are those of `requests`."""
        return self._asked(method, f"/api/v2{path}", **arguments)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _asked(self, method: str, path: str, **arguments: Any) -> Any:
        answer = self._session.request(method, f"{self._url}{path}", timeout=30, **arguments)
        if not answer.ok:
            raise RuntimeError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json()
