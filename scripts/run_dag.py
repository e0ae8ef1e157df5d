"""Runs a DAG once, here and now, as `airflow dags test` does: in a process of its own, or in this one."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

MANUAL_RUN = {"AIRFLOW__CORE__DEFAULT_TASK_RETRIES": "0", "NCBI_DATASETS_PATIENCE": "75"}
"""Somebody is waiting: `dags test` waits out the delay of every retry, so the attempts inside the task have to do."""


def run_dag(dag_id: str, *, conf: Mapping[str, object] | None = None) -> int:
    """Run a DAG with all its tasks, and give Airflow's exit code, also where the process was killed.

    Args:
        dag_id: the DAG.
        conf: values for the trigger form's fields.
    """
    command = [sys.executable, "-m", "airflow", "dags", "test", dag_id]
    if conf:
        command += ["--conf", json.dumps(conf)]
    return subprocess.run(command, env=MANUAL_RUN | os.environ, check=False).returncode


def run_dag_here(dag_id: str, logical_date: str, log: Path) -> bool:
    """Run a DAG with all its tasks, and tell whether they succeeded. Each run but the first is spared Airflow's start.

    Args:
        dag_id: the DAG.
        logical_date: ISO 8601, with zone.
        log: the file to which Airflow's log is added.
    """
    for name, value in MANUAL_RUN.items():
        os.environ.setdefault(name, value)
    with _written_to(log):
        # Airflow reads the environment when it is first imported.
        from airflow.cli.cli_parser import get_parser

        command = get_parser().parse_args(["dags", "test", dag_id, logical_date])
        try:
            command.func(command)
        except SystemExit as end:
            return end.code in (None, 0)
    return True


@contextlib.contextmanager
def _written_to(log: Path) -> Iterator[None]:
    """Send what this process and those that it starts write to a file, whoever holds `sys.stdout`."""
    kept = {number: os.dup(number) for number in (1, 2)}
    sys.stdout.flush()
    try:
        with log.open("a", encoding="utf-8") as file:
            for number in kept:
                os.dup2(file.fileno(), number)
        yield
    finally:
        sys.stdout.flush()
        for number, descriptor in kept.items():
            os.dup2(descriptor, number)
            os.close(descriptor)
