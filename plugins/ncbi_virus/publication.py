"""The tasks after an ingest: check a copy of the warehouse, publish it, and tell Airflow what changed."""

from collections.abc import Sequence
from typing import Any

from airflow.sdk import (
    Asset,
    AssetAlias,
    Context,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
    get_current_context,
    task,
)

from ncbi_virus.operators.gates import GatesOperator
from ncbi_virus.params import accepted_findings
from ncbi_virus.warehouse import get_warehouse
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.check import settle
from virus_warehouse.publish.gates import GateFailed, gates_sql
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.publish.snapshot import candidate_path, publish_candidate
from virus_warehouse.sources import read_sources

USER_DEFINED_MACROS = {
    "candidate_path": lambda ti, ingest: str(_candidate_of(ti, ingest)),
    "gates_sql": lambda: gates_sql(read_sources(), DataFolder.from_environment().snapshot),
}
"""What a DAG with a `check` task gives its templates."""


def source_asset(source: str) -> Asset:
    """The asset that stands for a source's records; its events carry the counts of the run."""
    return Asset(f"x-virus-warehouse://{source}")


def check_candidate(ingest: str, **kwargs: Any) -> GatesOperator:
    """The task that copies the warehouse and runs the gates on the copy; the task's log shows their SQL.

    Findings are told in the log and in the candidate's `_about`; those that block fail the task, unless the DAG run's
    `accept_findings` names their gate. A retry would find the same, so there is none.

    Args:
        ingest: id of the task, mapped or not, whose runs are to be published. Those that failed changed nothing.
        kwargs: further arguments of the task.
    """

    def make(context: Context) -> None:
        data = DataFolder.from_environment()
        prepare_candidate(get_warehouse(data), data, _run_ids(context["ti"], ingest)[-1], read_sources())

    def settle_rows(context: Context, rows: Any) -> None:
        settle(_candidate_of(context["ti"], ingest), rows, accepted_findings(context["params"]))

    return GatesOperator(
        task_id="check",
        sql="{{ gates_sql() }}",
        database=f"{{{{ candidate_path(ti, '{ingest}') }}}}",
        hook_params={"read_only": True},
        pre_execute=make,
        handler=lambda cursor: cursor.fetchall(),
        post_execute=settle_rows,
        retry_policy=ExceptionRetryPolicy(rules=[RetryRule(exception=GateFailed, action=RetryAction.FAIL)]),
        **kwargs,
    )


def publish_checked(ingest: str, sources: Sequence[str]) -> Any:
    """The task that publishes the checked copy and emits an asset event for each source whose run changed something.

    Args:
        ingest: as in `check_candidate`.
        sources: whose assets they are.
    """
    # Aliases, because an asset as an outlet has an event of every run, changed or not.
    aliases = {source: AssetAlias(f"virus_warehouse_{source}") for source in sources}

    @task(task_id="publish", outlets=list(aliases.values()))
    def publish(*, outlet_events: Any = None) -> bool:
        runs = _runs(get_current_context()["ti"], ingest)
        published = publish_candidate(DataFolder.from_environment(), runs[-1]["run_id"])
        for run in runs:
            if run["changed"] and run["source"] in aliases:
                event = {"run_id": run["run_id"], **run["counts"]}
                outlet_events[aliases[run["source"]]].add(source_asset(run["source"]), extra=event)
        return published

    return publish()


def _candidate_of(ti: Any, ingest: str) -> Any:
    return candidate_path(DataFolder.from_environment(), _run_ids(ti, ingest)[-1])


def _run_ids(ti: Any, ingest: str) -> list[str]:
    return [run["run_id"] for run in _runs(ti, ingest)]


def _runs(ti: Any, ingest: str) -> list[dict[str, Any]]:
    """What the ingest task, or each of its mapped ones that succeeded, returned; the last one began last."""
    returned = ti.xcom_pull(task_ids=ingest)
    runs = [returned] if isinstance(returned, dict) else [run for run in returned if run is not None]
    return sorted(runs, key=lambda run: str(run["run_id"]))
