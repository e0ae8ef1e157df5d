"""docker-compose.yaml is valid and has the documented safeguards."""

import json
import re
import shlex
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

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yaml").read_text()
SERVICES = yaml.safe_load(COMPOSE)["services"]
AIRFLOW = {name: service for name, service in SERVICES.items() if name.startswith("airflow-")}
ENV_EXAMPLE = (ROOT / ".env.example").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()

REQUIRED = re.compile(r"\$\{([A-Z_]+):\?[^}]+\}")
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


def test_the_services_are_those_of_airflow_3() -> None:
    commands = {name: service["command"] for name, service in AIRFLOW.items()}
    assert commands == {
        "airflow-init": "python scripts/airflow_home.py",
        "airflow-api-server": "airflow api-server",
        "airflow-scheduler": "python scripts/scheduler.py",
        "airflow-dag-processor": "airflow dag-processor",
        "airflow-triggerer": "airflow triggerer",
    }
    assert set(SERVICES) == {*commands, "postgres"}


def test_postgresql_is_16() -> None:
    assert re.fullmatch(r"postgres:16(\.\d+)?", SERVICES["postgres"]["image"])


@pytest.mark.parametrize("name", AIRFLOW)
def test_airflow_services_share_executor_retries_code_and_data(name: str) -> None:
    environment = AIRFLOW[name]["environment"]
    assert environment["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert environment["AIRFLOW__CORE__DEFAULT_TASK_RETRIES"] == "2"
    assert int(environment["AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY"]) > 0
    server = "http://airflow-api-server:8080/execution/"
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == server
    assert environment["VIRUS_DATA"] == "/opt/virus-warehouse/data"
    assert f"virus-data:{environment['VIRUS_DATA']}" in AIRFLOW[name]["volumes"]


def test_persistent_data_are_in_declared_volumes() -> None:
    declared = set(yaml.safe_load(COMPOSE)["volumes"])
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    assert declared == {volume for volume in mounted if not volume.startswith(".")}
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
        # The service is a child of the first process, as with Docker's init.
        first = f"sleep 1000 & {check}; kill -0 $! && echo survives"
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
    assert published == {"airflow-api-server": ["127.0.0.1:8080:8080"]}


@pytest.mark.parametrize("name", SERVICES)
def test_file_contains_no_secret(name: str) -> None:
    for key, value in SERVICES[name]["environment"].items():
        if re.search(r"(PASSWORD|SECRET|TOKEN|KEY)$", key):
            assert value is None or REQUIRED.fullmatch(value), f"{key} has a hard-coded value"
        for password in re.findall(r"://[^:/@]*:(.+)@", value or ""):
            assert REQUIRED.fullmatch(password), f"{key} has a hard-coded password"


def test_only_the_init_step_knows_the_admin_password() -> None:
    services = {name for name, service in SERVICES.items() if "AIRFLOW_ADMIN_PASSWORD" in str(service)}
    assert services == {"airflow-init"}


def test_env_example_names_each_variable_and_gives_no_secret() -> None:
    required = set(re.findall(r"^([A-Z_]+)=", ENV_EXAMPLE, re.MULTILINE))
    optional = set(re.findall(r"^# ([A-Z_]+)=", ENV_EXAMPLE, re.MULTILINE))
    passed_on = {key for s in SERVICES.values() for key, value in s["environment"].items() if value is None}
    assert required == set(REQUIRED.findall(COMPOSE))
    assert optional == passed_on == {"NCBI_API_KEY", "NCBI_DATASETS_URL", "NCBI_DATASETS_PACE", "VIRUS_KEEP_SNAPSHOTS"}
    assert COMPOSE.count("${") == len(REQUIRED.findall(COMPOSE)), "a variable without :? may be left unset"
    assert not re.findall(r"^[A-Z_]+=.+", ENV_EXAMPLE, re.MULTILINE)


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
