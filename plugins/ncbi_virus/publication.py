"""The tasks of a publication, steps of `virus_warehouse.publish`."""

from datetime import datetime
from typing import Any

from airflow.sdk import get_current_context, task

from ncbi_virus.approvals import run_of
from ncbi_virus.assets import PUBLICATIONS, snapshot_asset
from ncbi_virus.hooks.virus_warehouse import VirusWarehouseHook
from ncbi_virus.metrics import send_snapshot_metrics
from ncbi_virus.retries import RETRY_POLICY
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.followed import followed_sources
from virus_warehouse.publish.about import read_about
from virus_warehouse.publish.candidate import candidate_path
from virus_warehouse.publish.check import check_candidate
from virus_warehouse.publish.figures import snapshot_figures
from virus_warehouse.publish.last_check import last_check
from virus_warehouse.publish.prepare import new_publication_id, prepare_candidate
from virus_warehouse.publish.publication import publish_candidate
from virus_warehouse.sources import valid_sources
from virus_warehouse.stopped_load import settled_questions


class SourcesHeldBack(RuntimeError):
    """The snapshot is published, with sources held back in their last published state."""


@task(retry_policy=RETRY_POLICY)
def prepare() -> str:
    """Copy the warehouse to a candidate snapshot; returns the id of the publication."""
    data, dag_run = DataFolder.from_environment(), get_current_context()["dag_run"]
    publication_id = new_publication_id(dag_run.start_date, dag_run.run_id)
    prepare_candidate(VirusWarehouseHook().get_conn(), data, publication_id, followed_sources(data))
    return publication_id


@task(retry_policy=RETRY_POLICY)
def check(publication_id: str, params: dict[str, Any] | None = None) -> None:
    """Run the gates on the candidate; findings of a source hold back that source only."""
    data, asked = DataFolder.from_environment(), params or {}
    check_candidate(
        candidate_path(data, publication_id),
        followed_sources(data),
        data.snapshot,
        asked.get("accept_findings") or (),
        source=asked.get("source"),
    )


@task(retry_policy=RETRY_POLICY, outlets=[PUBLICATIONS])
def publish(publication_id: str, *, outlet_events: Any = None) -> dict[str, str]:
    """Publish the candidate; returns the held-back sources, and since when."""
    data = DataFolder.from_environment()
    is_published, about = publish_candidate(data, publication_id), read_about(data.snapshot)
    send_snapshot_metrics(snapshot_figures(data.snapshot))
    for source, counts in about.changes.items() if is_published else ():
        event = {"publication_id": publication_id, **counts}
        outlet_events[PUBLICATIONS].add(snapshot_asset(source), extra=event)
    return {source: since.isoformat() for source, since in about.held_back.items()}


@task(retry_policy=RETRY_POLICY, trigger_rule="all_done")
def questions(publication_id: str | None = None) -> list[dict[str, Any]]:
    """The runs of `ncbi_virus_approve` to start: a run for each question, and once more those that are settled.

    A run that starts again ends if its question is not asked any more. One that waits for an answer is left alone.
    """
    data = DataFolder.from_environment()
    # A full load that succeeded replaces the question about one that was stopped.
    runs = [run_of(*question, starts_again=True) for question in settled_questions(data, valid_sources())]
    check = last_check(data)
    if check is None or check.publication_id != publication_id:
        return runs  # the publication failed before its check ended
    runs += [
        run_of(source, question, starts_again=question not in check.asked_before)
        for source, question in check.questions.items()
    ]
    return runs + [run_of(question.rpartition("__")[0], question, starts_again=True) for question in check.settled]


@task(retries=0)
def all_sources_published(held_back: dict[str, str]) -> None:
    """Fail the run if a source is held back, so that it does not look successful.

    Raises:
        SourcesHeldBack: if a source is held back.
    """
    if held_back:
        times = {source: datetime.fromisoformat(since) for source, since in held_back.items()}
        since_when = ", ".join(f"{source} since {since:%Y-%m-%d %H:%M} UTC" for source, since in times.items())
        raise SourcesHeldBack(
            f"held back: {since_when}. The snapshot is published with their last published state. See the log of "
            f"the task check, the page Overview or ops.source_status for the reasons and how to resolve them."
        )
