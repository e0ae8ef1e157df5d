"""Runs a DAG once, here and now, as `airflow dags test` does."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import IO

MANUAL_RUN = {"AIRFLOW__CORE__DEFAULT_TASK_RETRIES": "0", "NCBI_DATASETS_PATIENCE": "75"}
"""Somebody is waiting: `dags test` waits out the delay of every retry, so the attempts inside the task have to do."""


def run_dag(
    dag_id: str,
    *,
    logical_date: str | None = None,
    conf: Mapping[str, object] | None = None,
    output: IO[str] | None = None,
) -> int:
    """Run a DAG with all its tasks, and give Airflow's exit code.

    Args:
        dag_id: the DAG.
        logical_date: ISO 8601, with zone; now by default.
        conf: values for the trigger form's fields.
        output: where Airflow's log goes; the terminal by default.
    """
    command = [sys.executable, "-m", "airflow", "dags", "test", dag_id, *filter(None, [logical_date])]
    if conf:
        command += ["--conf", json.dumps(conf)]
    environment = MANUAL_RUN | os.environ
    return subprocess.run(command, env=environment, stdout=output, stderr=output, check=False).returncode
