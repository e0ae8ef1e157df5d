"""A whole Airflow for a test: API server, scheduler with LocalExecutor and DAG processor, on PostgreSQL.

with AirflowServices(environment) as airflow:
    airflow.unpause("ncbi_virus_ingest__mpox")
    airflow.get("/dags/ncbi_virus_ingest__mpox/dagRuns")
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import psutil

from scripts import airflow_home
from scripts.airflow_api import AirflowApi, is_healthy
from tests.support.ports import free_port
from tests.support.postgres import postgres
from tests.support.program import AS_INSTALLED
from tests.support.waiting import until

SERVICES = ("api-server", "scheduler", "dag-processor")
START_SECONDS, STOP_SECONDS, WAIT_SECONDS = 300, 60, 300
MARKER = "TEST_AIRFLOW_SERVICES"
"""An environment variable of every process started here, and of those that they start."""

ENDED = ("success", "failed")

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Backfill:
    """A backfill that was created: the runs that it makes."""

    dag_id: str
    logical_dates: list[str]


class AirflowServices:
    """Airflow with a home, a metadata database and ports of its own, while the `with` block lasts.

    Args:
        environment: settings of the tasks: `VIRUS_DATA`, `VIRUS_SOURCES`, `NCBI_DATASETS_URL`.
        python: the Python that runs it; this one by default.
        database: URL of an empty database for it; one in a server of its own by default.
    """

    def __init__(
        self, environment: Mapping[str, str], python: Path = Path(sys.executable), database: str | None = None
    ) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="airflow-services-"))
        self.marker = uuid.uuid4().hex
        self.seconds_to_healthy = 0.0
        self.environment: dict[str, str] = {}
        self._settings, self._python, self._database = environment, python, database
        self._port = free_port()
        # Behind a path, as where a proxy serves it: a link that forgets the path fails a test.
        self.url = f"http://127.0.0.1:{self._port}/airflow"
        self.login, self.password = airflow_home.LOGIN, uuid.uuid4().hex
        self._processes: list[subprocess.Popen[bytes]] = []
        self._api: AirflowApi | None = None
        self._resources = contextlib.ExitStack()

    def __enter__(self) -> Self:
        started = time.monotonic()
        try:
            self.environment = self._whole_environment(self._database or self._resources.enter_context(postgres()))
            command = [self._python, airflow_home.CHECKOUT / "scripts" / "airflow_home.py"]
            done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            self._start_services()
            self._api = AirflowApi(self.url, self.login, self.password)
            self._resources.callback(self._api.close)
        except BaseException:
            self.stop()
            raise
        self.seconds_to_healthy = time.monotonic() - started
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End every process, then the database, and delete the home."""
        self._stop_services()
        self._resources.close()
        shutil.rmtree(self.home, ignore_errors=True)

    def restart(self, between: Callable[[], None] = lambda: None) -> None:
        """End every process, and start the services again with the same home and database.

        Args:
            between: is called while nothing is running.
        """
        self._stop_services()
        between()
        self._start_services()

    def _start_services(self) -> None:
        self._processes = [self._start(service) for service in SERVICES]
        self.wait_until("Airflow is healthy", lambda: is_healthy(self.url), seconds=START_SECONDS)

    def _stop_services(self) -> None:
        # The scheduler waits for its tasks, which try for a minute to report to an API server that is gone.
        api_server, others = self._processes[:1], self._processes[1:]
        for ending in (others, api_server):
            for process in ending:
                process.terminate()
            deadline = time.monotonic() + STOP_SECONDS
            for process in ending:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(max(0.0, deadline - time.monotonic()))
        for process in self._processes:
            # Each leads a process group of its own, in which a child may still be running.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for left in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()

    def processes(self) -> list[psutil.Process]:
        """The running processes of this Airflow."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                if process.environ().get(MARKER) == self.marker and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def wait_until_gone(self) -> None:
        """Wait until no process of this Airflow is running."""
        until(lambda: not self.processes(), STOP_SECONDS)

    # The REST API

    def get(self, path: str, **parameters: Any) -> Any:
        """The response of the REST API."""
        return self.call("GET", path, params=parameters)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a POST request to the REST API."""
        return self.call("POST", path, json=body)

    def seen(self, dag_id: str) -> None:
        """Wait until the DAG processor has parsed a DAG."""
        self.wait_until(
            f"{dag_id} is there", lambda: dag_id in [dag["dag_id"] for dag in self.get("/dags", limit=100)["dags"]]
        )

    def unpause(self, dag_id: str) -> None:
        """Let the scheduler run a DAG."""
        self.seen(dag_id)
        self.call("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    def pause(self, dag_id: str) -> None:
        """Let the scheduler start no task of a DAG, and assets no run of it."""
        self.call("PATCH", f"/dags/{dag_id}", json={"is_paused": True})

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a manual run without logical date; returns its id."""
        run = self.post(f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf or {}})
        return str(run["dag_run_id"])

    def backfill(self, dag_id: str, from_date: str, to_date: str, **options: Any) -> list[dict[str, Any]]:
        """Create a backfill, wait until its runs are done, and return them by logical date.

        Args:
            dag_id: the DAG.
            from_date: as in the dialog: a moment, not later than the first run's logical date.
            to_date: not earlier than the last one's.
            options: `max_active_runs`, `reprocess_behavior`, `run_backwards`.
        """
        return self.finished_backfill(self.start_backfill(dag_id, from_date, to_date, **options))

    def start_backfill(self, dag_id: str, from_date: str, to_date: str, **options: Any) -> "Backfill":
        """Create a backfill."""
        body = {"dag_id": dag_id, "from_date": from_date, "to_date": to_date, **options}
        planned = [run["logical_date"] for run in self.post("/backfills/dry_run", body)["backfills"]]
        self.post("/backfills", body)
        return Backfill(dag_id, sorted(planned))

    def finished_backfill(self, backfill: "Backfill") -> list[dict[str, Any]]:
        """Wait until the runs of a backfill are done, and return them by logical date."""

        def done() -> list[dict[str, Any]] | None:
            runs = [run for run in self.runs(backfill.dag_id) if run["logical_date"] in backfill.logical_dates]
            ended = [run for run in runs if run["run_type"] == "backfill" and run["state"] in ENDED]
            return ended if len(ended) == len(backfill.logical_dates) else None

        runs = self.wait_until(f"the backfill of {backfill.dag_id} is done", done)
        return sorted(runs or [], key=lambda run: run["logical_date"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """The DAG's runs, oldest first."""
        return list(self.get(f"/dags/{dag_id}/dagRuns", limit=100, order_by="run_after")["dag_runs"])

    def finished(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """Wait until a run is done; returns it."""

        def done() -> dict[str, Any] | None:
            run = self.get(f"/dags/{dag_id}/dagRuns/{run_id}")
            return dict(run) if run["state"] in ENDED else None

        return self.wait_until(f"{run_id} is done", done) or {}

    def task(self, dag_id: str, run_id: str, task_id: str = "ingest") -> dict[str, Any]:
        """A task instance: its state, tries and so on."""
        return dict(self.get(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"))

    def wait_until(self, what: str, ask: Callable[[], Answer], *, seconds: float = WAIT_SECONDS) -> Answer:
        """Poll until there is a result; fails with the services' logs on a timeout or when a service has died."""
        deadline = time.monotonic() + seconds
        while not (answer := ask()):
            died = [process.args for process in self._processes if process.poll() is not None]
            if died or time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:.0f} s: {what}; died: {died}\n{self._tails()}")
            time.sleep(0.5)
        return answer

    def task_logs(self) -> dict[str, str]:
        """The log of every try of every task, by its path."""
        folder = self.home / "logs"
        return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.glob("dag_id=*/**/*.log"))}

    def service_logs(self) -> dict[str, str]:
        """The logs of the services, and of what else logs to the home."""
        return {path.stem: path.read_text(errors="replace") for path in sorted(self.home.glob("*.log"))}

    def _whole_environment(self, database: str) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW_ADMIN_PASSWORD": self.password,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            # The DAG files do not change, and parsing them again every half minute takes a fifth of a processor.
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__API__PORT": str(self._port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "PYTHONPATH": f"{AS_INSTALLED}{os.pathsep}{airflow_home.CHECKOUT / 'include'}",
            "PYTHONWARNINGS": "ignore",
            MARKER: self.marker,
            **self._settings,
        }

    def _start(self, service: str) -> subprocess.Popen[bytes]:
        scheduler = [airflow_home.CHECKOUT / "scripts" / "scheduler.py"]
        command = [self._python, *(scheduler if service == "scheduler" else ["-m", "airflow", service])]
        with (self.home / f"{service}.log").open("ab") as log:
            return subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, start_new_session=True)

    def call(self, method: str, path: str, **arguments: Any) -> Any:
        """Send any request to the REST API."""
        assert self._api, "Airflow is only available within the `with` block"
        return self._api.call(method, path, **arguments)

    def _tails(self) -> str:
        return "\n".join(f"--- {service}\n{log[-3000:]}" for service, log in self.service_logs().items())
