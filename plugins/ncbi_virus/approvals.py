"""The questions to people, each of which is a run of `ncbi_virus_approve`."""

from typing import Any

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import XComArg, task

from ncbi_virus.retries import RETRY_POLICY
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.sources import valid_sources
from virus_warehouse.stopped_load import questions_to_ask, settled_questions


def run_of(source: str, question: str, *, starts_again: bool) -> dict[str, Any]:
    """Arguments of `TriggerDagRunOperator`, to ask a question or to end it: a settled one ends as it starts again.

    Args:
        source: the source asked about.
        question: the id of the question.
        starts_again: whether a run of it that exists starts again.
    """
    conf = {"source": source, "question": question}
    return {"trigger_run_id": f"approve__{question}", "conf": conf, "reset_dag_run": starts_again}


@task(retry_policy=RETRY_POLICY)
def stopped_loads() -> list[dict[str, Any]]:
    """The runs of `ncbi_virus_approve` to start: about full loads that were stopped, and about what they replace."""
    data, sources = DataFolder.from_environment(), valid_sources()
    settled = [run_of(*question, starts_again=True) for question in settled_questions(data, sources)]
    return settled + [run_of(*question, starts_again=False) for question in questions_to_ask(data, sources)]


def ask(runs: XComArg) -> None:
    """Start runs of `ncbi_virus_approve`, in a task `ask` for each.

    Args:
        runs: arguments from `run_of`.
    """
    TriggerDagRunOperator.partial(
        task_id="ask",
        trigger_dag_id="ncbi_virus_approve",
        skip_when_already_exists=True,
        map_index_template="{{ task.conf.source }}",
    ).expand_kwargs(runs)
