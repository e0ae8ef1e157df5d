"""docker-compose.yaml: its services in each form, and their settings for processes of this machine."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
FORMS = ("local", "celery")

VARIABLE = re.compile(r"\$\{(?P<name>[A-Z_]+):(?P<sign>[?-])(?P<text>[^}]*)\}")

PLACES = {
    "api": "http://airflow-api-server:8080",
    "bucket": "http://object-storage:8333",
    "database": "@postgres/",
    "queue": "@redis:6379/",
    "data": "/opt/virus-warehouse/data",
    "checkout": "/opt/virus-warehouse",
    "home": "/opt/airflow",
}
"""What names addresses and folders in the settings of a container."""

WAITS = {
    # Instead of five minutes: a test waits for both.
    "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
}
"""Settings of the tests, beside those of the compose file."""


def services(form: str) -> dict[str, dict[str, Any]]:
    """The services of a form, by name."""
    return {name: service for name, service in SERVICES.items() if form in service["profiles"]}


def interpolated(text: str, variables: Mapping[str, str]) -> str:
    """A text of the compose file with the values of its variables."""
    return VARIABLE.sub(lambda found: variables[found["name"]], text)


def environment(service: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a service.

    Args:
        service: its name.
        variables: those of `.env`.
    """
    given = SERVICES[service]["environment"]
    return {name: interpolated(value, variables) for name, value in given.items() if value is not None}


def native(settings: Mapping[str, str], **elsewhere: str) -> dict[str, str]:
    """Settings of a container for a process of this machine: other addresses and folders, and nothing else.

    Args:
        settings: those of the container.
        elsewhere: what each of `PLACES` is here.
    """
    assert elsewhere.keys() == PLACES.keys()
    # In this order: one is the beginning of another.
    pattern = re.compile("|".join(f"(?P<{name}>{re.escape(place)})" for name, place in PLACES.items()))
    return {name: pattern.sub(lambda found: elsewhere[str(found.lastgroup)], value) for name, value in settings.items()}
