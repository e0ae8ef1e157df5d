"""Airflow in this process: a home of its own, and DAG runs with all their tasks."""

import os
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from scripts import airflow_home

CHECKOUT = Path(__file__).resolve().parents[2]
MIGRATED_DATABASE = "migrated.db"
"""In the home that `make_home` returns: a copy of Airflow's database from before its first DAG run."""


def make_home() -> Path:
    """Create missing parts of the home that `tests/conftest.py` has configured: database, pool, login."""
    home = Path(os.environ["AIRFLOW_HOME"])
    if not (home / "airflow.db").exists():
        airflow_home.create(home)
        shutil.copyfile(home / "airflow.db", home / MIGRATED_DATABASE)
        (home / "ready").touch()  # scripts/setup would create it again
    return home


def run_dag(
    dag_id: str, *, logical_date: datetime | None = None, conf: dict[str, Any] | None = None, retries: int = 0
) -> Any:
    """Run a DAG as `dag.test()` does, and return its DAG run.

    Args:
        dag_id: the DAG.
        logical_date: none by default, as for a run from the REST API.
        conf: the trigger form's values.
        retries: of every task, a second apart. `dag.test()` loses Airflow's configured default on the way.
    """
    from airflow.dag_processing.dagbag import DagBag

    # Only the file of this DAG: parsing all of them takes a sixth of the processor time of a run.
    bag = DagBag(CHECKOUT / "dags" / f"{dag_id.split('__')[0]}.py")
    assert dag_id in bag.dags, bag.import_errors
    dag = bag.dags[dag_id]
    for task in dag.tasks:
        task.retries, task.retry_delay = retries, timedelta(seconds=1)
    return dag.test(logical_date=logical_date, run_conf=conf)


def publish(**conf: Any) -> Any:
    """Run the publishing DAG, as the assets updated by an ingest do; returns its DAG run.

    Args:
        conf: the trigger form's values.
    """
    return run_dag("ncbi_virus_publish", conf=conf)


def run_and_publish(dag_id: str, **arguments: Any) -> Any:
    """Run a DAG as `run_dag` does, and if it succeeds, publish; returns the DAG run of the load."""
    run = run_dag(dag_id, **arguments)
    if run.state == "success":
        published = publish()
        assert published.state == "success", task_states(published)
    return run


def task_states(run: Any) -> dict[str, str]:
    """The states of a DAG run's tasks by task id."""
    return {task.task_id: str(task.state) for task in run.get_task_instances()}
