"""The values for Airflow's Helm chart say the same as the form `celery` of docker-compose.yaml."""

import re

import yaml

from tests.support.compose_file import ROOT, SERVICES

FILE = ROOT / "docs/helm/values.yaml"
VALUES = yaml.safe_load(FILE.read_text(encoding="utf-8"))
COMPOSE = SERVICES["celery-worker"]["environment"]

BY_THE_CHART = {
    "AIRFLOW__CORE__FERNET_KEY": "fernetKeySecretName",
    "AIRFLOW__API__SECRET_KEY": "apiSecretKeySecretName",
    "AIRFLOW__API_AUTH__JWT_SECRET": "jwtSecretName",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "data.metadataSecretName",
    "AIRFLOW__CELERY__BROKER_URL": "data.brokerUrlSecretName",
    "AIRFLOW__CORE__EXECUTOR": "executor",
    "AIRFLOW_HOME": "airflowHome",
}
"""Variables that the chart sets, and the value that it takes them from."""

ELSEWHERE = {"AWS_ENDPOINT_URL"}
"""Addresses outside the cluster."""

LIMITS = {
    "apiServer": "celery-api-server",
    "scheduler": "celery-scheduler",
    "dagProcessor": "celery-dag-processor",
    "triggerer": "celery-triggerer",
    "workers": "celery-worker",
    "redis": "redis",
    "migrateDatabaseJob": "celery-init",
}
"""Parts of the chart, and the services that they are."""


def value(path: str) -> object:
    found = VALUES
    for key in path.split("."):
        found = found[key]
    return found


def test_the_environment_is_that_of_the_compose_file() -> None:
    plain = {given["name"]: given["value"] for given in VALUES["env"]}
    secret = {given["envName"] for given in VALUES["secret"]}
    optional = {name for name, given in COMPOSE.items() if given is None}
    assert set(plain) | secret | set(BY_THE_CHART) == set(COMPOSE) - optional
    assert {name: given for name, given in plain.items() if name not in ELSEWHERE} == {
        name: COMPOSE[name] for name in plain if name not in ELSEWHERE
    }
    for name, path in BY_THE_CHART.items():
        assert value(path)
        if not path.endswith("SecretName"):
            assert value(path) == COMPOSE[name]


def test_what_has_a_password_is_a_reference_to_a_secret() -> None:
    plain = {given["name"] for given in VALUES["env"]}
    assert not [name for name in plain if "${" in COMPOSE[name]]
    assert all(given["secretName"] and given["secretKey"] for given in VALUES["secret"])
    assert [given["name"] for given in VALUES["apiServer"]["env"]] == ["AIRFLOW_ADMIN_PASSWORD"]
    assert all("secretKeyRef" in given["valueFrom"] for given in VALUES["apiServer"]["env"])
    assert not re.findall(r"://[^:/@\s]*:(?!password@)\S+@", FILE.read_text(encoding="utf-8"))


def test_parts_have_the_limits_of_the_services() -> None:
    for part, service in LIMITS.items():
        limits = SERVICES[service]["deploy"]["resources"]["limits"]
        assert VALUES[part]["resources"]["limits"] == {
            "cpu": limits["cpus"],
            "memory": re.sub("([mg])$", lambda unit: f"{unit[1].upper()}i", limits["memory"]),
        }


def test_workers_are_as_many_as_in_the_compose_file_and_stop_as_slowly() -> None:
    worker, workers = SERVICES["celery-worker"], VALUES["workers"]
    assert workers["replicas"] == worker["deploy"]["replicas"]
    assert workers["args"] == worker["command"].split()
    assert workers["terminationGracePeriodSeconds"] == 60 * int(worker["stop_grace_period"].removesuffix("m"))
    assert workers["livenessProbe"]["command"] == worker["healthcheck"]["test"][1:]


def test_parts_run_what_the_services_run() -> None:
    assert VALUES["scheduler"]["args"] == SERVICES["celery-scheduler"]["command"].split()
    init, server = (SERVICES[f"celery-{name}"]["command"] for name in ("init", "api-server"))
    assert VALUES["migrateDatabaseJob"]["args"] == init.split()
    assert VALUES["apiServer"]["args"] == ["bash", "-c", f"{init} && exec {server}"]


def test_data_and_sources_are_where_the_settings_say() -> None:
    mounted = {mount["mountPath"] for mount in VALUES["volumeMounts"]}
    assert mounted == {COMPOSE["VIRUS_DATA_COPY"], "/opt/virus-warehouse/include/sources.yaml"}
    assert {mount["name"] for mount in VALUES["volumeMounts"]} == {volume["name"] for volume in VALUES["volumes"]}


def test_no_program_of_airflows_own_image_is_used() -> None:
    """The chart's probes and log groomers, unless they are replaced, run programs that our image does not have."""
    for part in ("scheduler", "dagProcessor", "triggerer", "workers"):
        assert VALUES[part]["livenessProbe"]["command"][0] in {"airflow", "python"}
        assert VALUES[part]["logGroomerSidecar"] == {"enabled": False}
    assert VALUES["scheduler"]["startupProbe"]["command"]
    assert VALUES["createUserJob"] == {"enabled": False}
