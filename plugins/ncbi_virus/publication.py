"""The tasks after an ingest: check a copy of the warehouse, publish it, and tell Airflow what changed."""

from typing import Any

from airflow.providers.duckdb.operators.duckdb import DuckDBExecuteQueryOperator
from airflow.sdk import Asset, AssetAlias, Context, task

from ncbi_virus.warehouse import get_warehouse
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.gates import gates_sql, refuse_findings
from virus_warehouse.publish.snapshot import candidate_path, make_candidate, publish_candidate
from virus_warehouse.publish.source_status import write_source_status
from virus_warehouse.sources import read_sources

INGEST_TASK_ID = "ingest"


def source_asset(source: str) -> Asset:
    """The asset that stands for a source's records; its events carry the counts of the run."""
    return Asset(f"x-virus-warehouse://{source}")


def check_candidate() -> DuckDBExecuteQueryOperator:
    """The task that copies the warehouse and runs the gates on the copy; the task's log shows their SQL."""
    return DuckDBExecuteQueryOperator(
        task_id="check",
        sql=gates_sql(),
        database="{{ candidate_path(ti.xcom_pull(task_ids='ingest')['run_id']) }}",
        hook_params={"read_only": True},
        pre_execute=_make_candidate,
        handler=lambda cursor: refuse_findings(cursor.fetchall()),
    )


def candidate_path_of(run_id: str) -> str:
    """The candidate of a run, for a template."""
    return str(candidate_path(DataFolder.from_environment(), run_id))


def _make_candidate(context: Context) -> None:
    data = DataFolder.from_environment()
    run_id = context["ti"].xcom_pull(task_ids=INGEST_TASK_ID)["run_id"]
    write_source_status(make_candidate(get_warehouse(data), data, run_id), read_sources())


def publish_checked(source: str, run: Any) -> Any:
    """The task that publishes the checked copy and emits the source's asset event when the run changed something.

    Args:
        source: whose asset it is.
        run: the output of the ingest task.
    """
    # An alias, because an asset as an outlet has an event of every run, changed or not.
    alias = AssetAlias(f"virus_warehouse_{source}")

    @task(task_id="publish", outlets=[alias])
    def publish(run: dict[str, Any], *, outlet_events: Any = None) -> bool:
        published = publish_candidate(DataFolder.from_environment(), run["run_id"])
        if run["changed"]:
            outlet_events[alias].add(source_asset(source), extra={"run_id": run["run_id"], **run["counts"]})
        return published

    return publish(run)
