"""docker-compose.yaml is valid and has the documented safeguards."""

import json
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from tests.support.compose_file import (
    COMPOSE,
    FORMS,
    PLACES,
    ROOT,
    SERVICES,
    VARIABLE,
    WAITS,
    environment,
    native,
    services,
)

AIRFLOW = {name: service for name, service in SERVICES.items() if service["image"] == "virus-warehouse"}
VARIABLES = {found["name"] for found in VARIABLE.finditer(COMPOSE)}
ENV_EXAMPLE = (ROOT / ".env.example").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()

REQUIRED = re.compile(r"\$\{([A-Z_]+):\?[^}]+\}")
OF_CELERY = {"REDIS_PASSWORD", "LAKE_PASSWORD", "OBJECT_STORAGE_PASSWORD"}
"""Passwords that only one form needs: `lake-init` requires them."""
SECRET = re.compile(rf"{REQUIRED.pattern}|\$\{{({'|'.join(OF_CELERY)}):-\}}")
MONITOR = "http://airflow-api-server:8080/api/v2/monitor/health"


def validate(path: Path) -> subprocess.CompletedProcess[str]:
    schema = ["--builtin-schema", "vendor.compose-spec"]
    command = [sys.executable, "-m", "check_jsonschema", *schema, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_follows_the_compose_specification() -> None:
    outcome = validate(ROOT / "docker-compose.yaml")
    assert outcome.returncode == 0, outcome.stdout


def test_specification_rejects_a_mistyped_key(tmp_path: Path) -> None:
    mistyped = tmp_path / "docker-compose.yaml"
    mistyped.write_text(COMPOSE.replace("depends_on:", "depend_on:"))
    assert validate(mistyped).returncode != 0


@pytest.mark.parametrize("form", FORMS)
def test_the_services_are_those_of_airflow_3(form: str) -> None:
    prefix = {"local": "airflow", "celery": "celery"}[form]
    commands = {
        f"{prefix}-init": "python scripts/airflow_home.py",
        f"{prefix}-api-server": "airflow api-server",
        f"{prefix}-scheduler": "python scripts/scheduler.py",
        f"{prefix}-dag-processor": "airflow dag-processor",
        f"{prefix}-triggerer": "airflow triggerer",
    }
    others = {"postgres"}
    if form == "celery":
        commands["celery-worker"] = "airflow celery worker"
        others |= {"lake-init", "redis", "object-storage"}
    found = services(form)
    assert {name: service["command"] for name, service in found.items() if name in AIRFLOW} == commands
    assert set(found) == {*commands, *others}


def test_every_service_is_in_a_form() -> None:
    assert set(SERVICES) == {name for form in FORMS for name in services(form)}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_depends_on_nothing_outside_it(form: str) -> None:
    for service in services(form).values():
        assert set(service.get("depends_on", {})) <= set(services(form))


def test_the_form_celery_has_the_same_services_but_for_what_it_needs() -> None:
    for name, service in services("local").items():
        twin = SERVICES[name.replace("airflow-", "celery-")]
        other = {"profiles", "environment", "volumes", "depends_on", "deploy", "networks"}
        assert {key: value for key, value in service.items() if key not in other} == {
            key: value for key, value in twin.items() if key not in other
        }
        disk = "virus-data:/opt/virus-warehouse/data"
        shared = [volume for volume in service["volumes"] if volume != disk]
        assert [volume for volume in twin["volumes"] if volume != "/opt/virus-warehouse/data"] == shared
    local, celery = (environment(f"{form}-scheduler", dict.fromkeys(VARIABLES, "")) for form in ("airflow", "celery"))
    assert {name for name in local if local[name] != celery[name]} == {"AIRFLOW__CORE__EXECUTOR", "VIRUS_DATA"}
    assert set(celery) - set(local) == {
        "AIRFLOW__CELERY__BROKER_URL",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY",
        "AWS_ACCESS_KEY_ID",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "NCBI_DATASETS_PACE",
        "VIRUS_DATA_COPY",
        "VIRUS_WAREHOUSE",
    }


def test_both_forms_know_the_api_server_by_one_name() -> None:
    assert SERVICES["celery-api-server"]["networks"] == {"default": {"aliases": ["airflow-api-server"]}}


def test_two_workers_have_the_slots_that_the_scheduler_fills() -> None:
    worker = SERVICES["celery-worker"]
    settings = worker["environment"]
    slots = worker["deploy"]["replicas"] * int(settings["AIRFLOW__CELERY__WORKER_CONCURRENCY"])
    assert worker["deploy"]["replicas"] == 2
    assert slots == int(settings["AIRFLOW__CORE__PARALLELISM"])


def test_a_worker_that_is_stopped_has_minutes_for_its_tasks() -> None:
    assert SERVICES["celery-worker"]["stop_grace_period"] == "10m"


def test_a_worker_is_healthy_if_it_responds() -> None:
    """The rest of this is in `tests/services/test_celery.py`, where workers run."""
    check = SERVICES["celery-worker"]["healthcheck"]
    assert check["test"] == ["CMD", "python", "scripts/worker_health.py"]
    assert "scripts/worker_health.py" in DOCKERFILE
    seconds = int(re.findall(r"(?m)^SECONDS = (\d+)$", (ROOT / check["test"][-1]).read_text())[0])
    assert seconds < int(check["timeout"].removesuffix("s"))


def test_the_native_test_has_the_settings_of_the_compose_file() -> None:
    """But for addresses and folders, passwords, and the two waits."""
    variables = {name: name.lower() for name in VARIABLES}
    settings = environment("celery-scheduler", variables)
    elsewhere = native(settings, **{name: f"<{name}>" for name in PLACES})
    back = re.compile("|".join(f"<({name})>" for name in PLACES))
    assert {
        name: back.sub(lambda found: PLACES[found[0].strip("<>")], value) for name, value in elsewhere.items()
    } == settings
    assert {name for name, value in settings.items() if value != elsewhere[name]} == {
        "AIRFLOW_HOME",
        "AIRFLOW__CELERY__BROKER_URL",
        "AIRFLOW__CORE__DAGS_FOLDER",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
        "AIRFLOW__CORE__PLUGINS_FOLDER",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
        "AWS_ENDPOINT_URL",
        "NCBI_DATASETS_PACE",
        "VIRUS_DATA_COPY",
        "VIRUS_WAREHOUSE",
    }
    assert set(WAITS) - set(settings) == {"AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT"}


@pytest.mark.parametrize("name", ["postgres", "lake-init"])
def test_postgresql_is_16(name: str) -> None:
    assert re.fullmatch(r"postgres:16(\.\d+)?", SERVICES[name]["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_has_a_version(name: str) -> None:
    assert re.search(r":\d", SERVICES[name]["image"]) or SERVICES[name]["build"] == "."


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_limits_and_its_log_is_rotated(name: str) -> None:
    assert SERVICES[name]["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert re.fullmatch(r"\d+[mg]", limits["memory"])
    # Docker refuses more processors than there are: the form `local` runs on a machine with one.
    assert ("cpus" in limits) == (name not in services("local"))


@pytest.mark.parametrize("name", AIRFLOW)
def test_airflow_services_share_executor_retries_code_and_data(name: str) -> None:
    settings = AIRFLOW[name]["environment"]
    [form] = AIRFLOW[name]["profiles"]
    assert settings["AIRFLOW__CORE__EXECUTOR"] == {"local": "LocalExecutor", "celery": "CeleryExecutor"}[form]
    assert settings["AIRFLOW__CORE__DEFAULT_TASK_RETRIES"] == "2"
    assert int(settings["AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY"]) > 0
    server = "http://airflow-api-server:8080/execution/"
    assert settings["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == server
    folder = "/opt/virus-warehouse/data"
    if form == "local":
        assert settings["VIRUS_DATA"] == folder
        assert f"virus-data:{folder}" in AIRFLOW[name]["volumes"]
    else:
        assert (settings["VIRUS_DATA"], settings["VIRUS_DATA_COPY"]) == ("s3://virus-warehouse/data", folder)
        assert not [volume for volume in AIRFLOW[name]["volumes"] if volume.startswith("virus-data:")]


def test_persistent_data_are_in_declared_volumes() -> None:
    declared = set(yaml.safe_load(COMPOSE)["volumes"])
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    assert declared == {volume for volume in mounted if not volume.startswith((".", "/"))}
    assert {"postgres-data", "airflow-logs", "virus-data"} <= declared


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_checked_or_waited_for(name: str) -> None:
    conditions = {
        condition["condition"]
        for service in SERVICES.values()
        for needed, condition in service.get("depends_on", {}).items()
        if needed == name
    }
    if "healthcheck" in SERVICES[name]:
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
        assert conditions <= {"service_healthy"}
        assert SERVICES[name]["restart"] == "unless-stopped"
    else:
        assert conditions == {"service_completed_successfully"}
        assert SERVICES[name]["restart"] == "no"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("airflow-api-server", "metadatabase"),
        ("airflow-scheduler", "scheduler"),
        ("airflow-dag-processor", "dag_processor"),
        ("airflow-triggerer", "triggerer"),
    ],
)
def test_health_check_passes_only_for_a_healthy_service(name: str, part: str) -> None:
    healthy = {each: {"status": "healthy"} for each in ("metadatabase", "scheduler", "dag_processor", "triggerer")}
    assert health_check(name, healthy) == 0
    assert health_check(name, {**healthy, part: {"status": "unhealthy"}}) != 0
    assert health_check(name, {**healthy, part: {"status": None}}) != 0
    assert health_check(name, {}) != 0


@pytest.mark.parametrize("name", ["airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"])
def test_service_that_shows_no_sign_of_life_is_ended(name: str) -> None:
    """In a container of its own as far as processes go: its first process has the service as a child."""
    if subprocess.run(
        ["unshare", "--fork", "--pid", "--mount-proc", "true"], check=False, capture_output=True
    ).returncode:
        pytest.skip("this user cannot make a container of processes")
    part = name.removeprefix("airflow-").replace("-", "_")
    hour, second = timedelta(hours=1), timedelta(seconds=1)
    assert survives(name, part, silent_for=second, started=hour)
    assert survives(name, part, silent_for=hour, started=second)
    assert not survives(name, part, silent_for=hour, started=hour)


def survives(name: str, part: str, *, silent_for: timedelta, started: timedelta) -> bool:
    """Whether a service survives its health check.

    Args:
        name: of the service.
        part: its name in Airflow's answer.
        silent_for: since when it has shown no sign of life.
        started: how long before this its container started.
    """
    seen = (datetime.now(UTC) - silent_for).isoformat()
    health = {part: {"status": "unhealthy", f"latest_{part}_heartbeat": seen}}
    with serving(json.dumps(health)) as url:
        ahead = f"import time; real = time.time; time.time = lambda: real() + {started.total_seconds()}"
        check = shlex.join([sys.executable, "-c", f"{ahead}; {program(name, url)}", part])
        # The service is a child of the first process, as with Docker's init. What ends it is the first signal: of the
        # check, or else this one, which comes after SIGKILL and SIGTERM even if both are pending.
        profiled = 128 + signal.SIGPROF
        first = f"sleep 1000 & {check}; kill -s PROF $! 2>/dev/null; wait $!; [ $? = {profiled} ] && echo survives"
        done = subprocess.run(
            ["unshare", "--fork", "--pid", "--mount-proc", "sh", "-c", first],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert part in done.stdout, done.stderr
    return "survives" in done.stdout


def health_check(name: str, health: Mapping[str, Mapping[str, str | None]]) -> int:
    with serving(json.dumps(health)) as url:
        command = [sys.executable, "-c", program(name, url), SERVICES[name]["healthcheck"]["test"][-1]]
        return subprocess.run(command, capture_output=True, check=False).returncode


def program(name: str, url: str) -> str:
    """The program of a service's health check, with another address."""
    [cmd, python, path, _] = SERVICES[name]["healthcheck"]["test"]
    assert (cmd, python) == ("CMD", "python")
    text = (ROOT / path).read_text()
    assert MONITOR in text
    assert path in DOCKERFILE
    return f"exec({text.replace(MONITOR, url)!r})"


@contextmanager
def serving(body: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_only_the_ui_is_published_and_only_to_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {name: ["127.0.0.1:8080:8080"] for name in ("airflow-api-server", "celery-api-server")}


@pytest.mark.parametrize("name", SERVICES)
def test_file_contains_no_secret(name: str) -> None:
    for key, value in SERVICES[name]["environment"].items():
        if re.search(r"(PASSWORD|SECRET|TOKEN|KEY|AUTH)$", key):
            assert value is None or SECRET.fullmatch(value), f"{key} has a hard-coded value"
        for password in re.findall(r"://[^:/@]*:(.+)@", value or ""):
            assert SECRET.fullmatch(password), f"{key} has a hard-coded password"


def test_redis_has_a_password() -> None:
    command = SERVICES["redis"]["command"]
    assert command[command.index("--requirepass") + 1] == SERVICES["redis"]["environment"]["REDISCLI_AUTH"]
    assert command[command.index("--appendonly") + 1] == "yes"


def test_only_the_init_step_knows_the_admin_password() -> None:
    knowing = {name for name, service in SERVICES.items() if "AIRFLOW_ADMIN_PASSWORD" in str(service)}
    assert knowing == {"airflow-init", "celery-init"}


@pytest.mark.parametrize("missing", sorted(OF_CELERY))
def test_nothing_of_the_form_celery_starts_without_its_passwords(missing: str) -> None:
    for name in services("celery"):
        assert name in {"postgres", "lake-init"} or "lake-init" in needed(name)
    assert set(SERVICES["lake-init"]["environment"]) >= OF_CELERY
    [script] = [volume.split(":")[0] for volume in SERVICES["lake-init"]["volumes"]]
    # As compose passes on what .env does not have, and without a PostgreSQL to connect to.
    passwords = dict.fromkeys(OF_CELERY, "given") | {missing: ""}
    done = subprocess.run(["sh", ROOT / script], env=passwords, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"{missing}: is missing: see .env.example" in done.stderr


def needed(name: str) -> set[str]:
    """What a service waits for, directly or indirectly."""
    direct = set(SERVICES[name].get("depends_on", {}))
    return direct.union(*(needed(other) for other in direct))


def test_env_example_names_each_variable_and_gives_no_secret() -> None:
    given = dict(re.findall(r"^([A-Z_]+)=(.*)", ENV_EXAMPLE, re.MULTILINE))
    optional = set(re.findall(r"^# ([A-Z_]+)=", ENV_EXAMPLE, re.MULTILINE))
    passed_on = {key for s in SERVICES.values() for key, value in s["environment"].items() if value is None}
    assert set(given) - {"COMPOSE_PROFILES"} == set(REQUIRED.findall(COMPOSE))
    assert passed_on == {"NCBI_API_KEY", "NCBI_DATASETS_URL", "NCBI_DATASETS_PACE", "VIRUS_KEEP_SNAPSHOTS"}
    assert optional == passed_on | OF_CELERY
    assert COMPOSE.count("${") == len(SECRET.findall(COMPOSE)), "a variable that nothing requires"
    assert {name: value for name, value in given.items() if value} == {"COMPOSE_PROFILES": "local"}


def test_the_image_is_small_hashed_and_not_run_by_root() -> None:
    assert re.findall(r"^FROM (.+)", DOCKERFILE, re.MULTILINE) == ["python:3.12-slim"]
    assert "--require-hashes -r" in DOCKERFILE
    assert re.findall(r"^USER (.+)", DOCKERFILE, re.MULTILINE)[-1] not in {"root", "0"}
    assert not re.search(r"^(ARG|ENV|ADD) ", DOCKERFILE, re.MULTILINE)


def test_image_has_the_scripts_that_the_services_run() -> None:
    scripts = {word for service in AIRFLOW.values() for word in service["command"].split() if word.endswith(".py")}
    assert scripts <= {word for word in DOCKERFILE.split() if word.endswith(".py")}


def test_code_is_copied_after_the_packages_are_installed() -> None:
    assert DOCKERFILE.index("--require-hashes") < DOCKERFILE.index("COPY include")


def test_build_context_contains_only_what_the_image_copies() -> None:
    copied = {
        name.rstrip("/") for line in DOCKERFILE.splitlines() if line.startswith("COPY ") for name in line.split()[1:-1]
    }
    ignore = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] not in {"", "#"}]
    assert ignore[0] == "*"
    assert {line[1:] for line in ignore if line.startswith("!")} == copied
