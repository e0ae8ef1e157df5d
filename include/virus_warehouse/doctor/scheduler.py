"""Whether Airflow's components are alive, as its health endpoint says."""

import requests

from virus_warehouse.doctor.finding import Finding, failure, ok, skipped
from virus_warehouse.doctor.installation import Installation

HEALTH = "/api/v2/monitor/health"

_SECONDS = 10
_NEEDED = ("metadatabase", "scheduler", "dag_processor")
_HEARTBEATS = {
    "scheduler": "latest_scheduler_heartbeat",
    "dag_processor": "latest_dag_processor_heartbeat",
    "triggerer": "latest_triggerer_heartbeat",
}


def check_scheduler(installation: Installation) -> Finding:
    """Whether scheduler, DAG processor and database are healthy, and the triggerer if there is one."""
    if not installation.airflow_url:
        return skipped(
            "The address of Airflow is not known.",
            "Set AIRFLOW__API__BASE_URL, or give --airflow http://localhost:8080, if Airflow runs the loads.",
        )
    url = f"{installation.airflow_url.rstrip('/')}{HEALTH}"
    address = _without_login(installation.airflow_url)
    try:
        response = requests.get(url, timeout=_SECONDS)
        response.raise_for_status()
        health = response.json()
        states = {name: (health.get(name) or {}).get("status") for name in (*_NEEDED, "triggerer")}
    except (requests.RequestException, ValueError, AttributeError) as error:
        return failure(
            f"{address}{HEALTH} does not answer as Airflow does: "
            f"{' '.join(str(error).replace(url, address + HEALTH).split())}",
            "Start Airflow's API server, or correct the address.",
        )
    ill = [name for name, state in states.items() if state != "healthy" and (state or name in _NEEDED)]
    if ill:
        found = "; ".join(f"{name} is {states[name] or 'not running'}{_heard(health.get(name), name)}" for name in ill)
        return failure(
            f"{address}: {found}.",
            "Restart this component of Airflow and read its log: until it is back, nothing runs by itself.",
        )
    return ok(f"{address}: {', '.join(name for name, state in states.items() if state)} are healthy.")


def _without_login(url: str) -> str:
    """An address without the user and password that it may have."""
    login, at, rest = url.rstrip("/").rpartition("@")
    scheme, separator, _ = login.partition("://")
    return f"{scheme}{separator}{rest}" if at and separator else rest


def _heard(component: object, name: str) -> str:
    heartbeat = component.get(_HEARTBEATS.get(name, "")) if isinstance(component, dict) else None
    return f", last heard of at {heartbeat}" if heartbeat else ""
