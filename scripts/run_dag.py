"""Runs DAGs like `airflow dags test`, in a separate process or in this one.

python run_dag.py DAG CONF [DAG CONF ...] runs one after the other, up to the first that fails.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

MANUAL_RUN = {"AIRFLOW__CORE__DEFAULT_TASK_RETRIES": "0", "NCBI_DATASETS_PATIENCE": "75"}
"""For interactive runs: `dags test` waits for every retry's delay, so only the attempts inside the task are used."""


def run_dags(*dags: tuple[str, Mapping[str, object]]) -> int:
    """Run DAGs with all their tasks, one after the other, up to the first that fails.

    Args:
        dags: each with the values for its trigger form's fields.

    Returns:
        Airflow's exit code, also where the process was killed.
    """
    arguments = [argument for dag_id, conf in dags for argument in (dag_id, json.dumps(conf))]
    command = [sys.executable, __file__, *arguments]
    return subprocess.run(command, env=MANUAL_RUN | os.environ, check=False).returncode


def run_dag_here(dag_id: str, logical_date: str, log: Path) -> bool:
    """Run a DAG with all its tasks in this process; returns whether it succeeded. Only the first run starts Airflow.

    Args:
        dag_id: the DAG.
        logical_date: ISO 8601, with zone.
        log: the file to which Airflow's log is added.
    """
    for name, value in MANUAL_RUN.items():
        os.environ.setdefault(name, value)
    with _written_to(log):
        return _run(dag_id, logical_date)


def _run(*arguments: str) -> bool:
    # Airflow reads the environment when it is first imported.
    from airflow.cli.cli_parser import get_parser

    command = get_parser().parse_args(["dags", "test", *arguments])
    try:
        command.func(command)
    except SystemExit as end:
        return end.code in (None, 0)
    return True


@contextlib.contextmanager
def _written_to(log: Path) -> Iterator[None]:
    """Redirect the output of this process and its children to a file, bypassing `sys.stdout`."""
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


if __name__ == "__main__":
    arguments = iter(sys.argv[1:])
    succeeded = all(_run(dag_id, "--conf", conf) for dag_id, conf in zip(arguments, arguments, strict=True))
    sys.exit(0 if succeeded else 1)
