"""Celery workers of an Airflow, each with a host name of its own, as in a container."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from scripts.airflow_home import CHECKOUT
from tests.support.compose_file import SERVICES
from tests.support.ports import free_port
from tests.support.waiting import until

START_SECONDS, STOP_SECONDS = 300, 60


def unavailable() -> str | None:
    """The reason why no process here can have a host name of its own, or None."""
    if subprocess.run(_on_host("a-name", "true"), capture_output=True, check=False).returncode == 0:
        return None
    return "this user cannot give a process a host name of its own"


class CeleryWorker:
    """A worker, started as in the compose file.

    Args:
        host: its host name.
        environment: of the worker.
        log: the file of its output.
    """

    def __init__(self, host: str, environment: Mapping[str, str], log: Path) -> None:
        self.host = host
        self._environment = {
            **environment,
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        }
        program, *arguments = str(SERVICES["celery-worker"]["command"]).split()
        command = _on_host(host, sys.executable, "-m", program, *arguments)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=self._environment, stdout=output, stderr=output, start_new_session=True
            )

    def is_healthy(self) -> bool:
        """What the health check of the compose file says."""
        _, _, path = SERVICES["celery-worker"]["healthcheck"]["test"]
        command = _on_host(self.host, sys.executable, str(CHECKOUT / path))
        return subprocess.run(command, env=self._environment, capture_output=True, check=False).returncode == 0

    def wait_until_healthy(self) -> None:
        """Wait until it responds."""
        until(lambda: self.is_healthy() or self._process.poll() is not None, START_SECONDS)
        assert self._process.poll() is None, f"{self.host} has ended"

    def stop(self) -> None:
        """Stop it as Docker does, without waiting: it ends after its tasks."""
        self._process.terminate()

    def wait(self, seconds: float) -> int:
        """Wait until it has ended; returns its exit code."""
        return self._process.wait(seconds)

    def kill(self) -> None:
        """Kill it and all processes that it has started, as with a machine that fails."""
        with suppress(psutil.NoSuchProcess):
            worker = psutil.Process(self._process.pid)
            worker.suspend()  # or it would replace those that are killed before it
            family = [worker, *worker.children(recursive=True)]
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(family[1:], STOP_SECONDS)
        self._process.wait(STOP_SECONDS)


@contextmanager
def celery_workers(
    hosts: Mapping[str, Mapping[str, str]], environment: Mapping[str, str], logs: Path
) -> Iterator[list[CeleryWorker]]:
    """Workers that respond, by host; killed at the end of the `with` block.

    Args:
        hosts: their host names, each with its own settings.
        environment: of the workers.
        logs: the folder of their output.
    """
    workers: list[CeleryWorker] = []
    try:
        for host, settings in hosts.items():
            workers.append(CeleryWorker(host, {**environment, **settings}, logs / f"{host}.log"))
        for worker in workers:
            worker.wait_until_healthy()
        yield workers
    finally:
        for worker in workers:
            worker.kill()


def _on_host(name: str, *command: str) -> list[str]:
    return ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', name, *command]
