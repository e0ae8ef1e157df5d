"""What a person is asked about in Airflow's required actions: a source that is held back, a load that was stopped."""

import re
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from playwright.sync_api import expect

from ncbi_virus.approvals import run_of
from ncbi_virus.operators.ask_for_approval import AskForApprovalOperator
from ncbi_virus.operators.ask_to_load import AskToLoadOperator
from tests.support.life import APPROVE, asked_about
from tests.support.stage import PUBLISH, Stage
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.publish.about import read_about
from virus_warehouse.publish.publication import publish
from virus_warehouse.run_mode import CENSUS, FULL
from virus_warehouse.stopped_load import questions_to_ask
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.load_gates import GateError
from virus_warehouse.windows import WindowRequest


@pytest.fixture
def source(stage: Stage) -> Iterator[str]:
    """A source whose records are published, and that has lost fifty of them since; they come back in the end."""
    name = stage.own_source()
    load_and_publish(stage, name)
    lose(stage, name, 50)
    yield name
    load_and_publish(stage, name)
    assert not is_held_back(stage, name), "other tests share this Airflow"


def load_and_publish(stage: Stage, source: str) -> None:
    load(stage, source, FULL)
    publish(Warehouse(stage.data.warehouse), stage.data, stage.followed)


def load(stage: Stage, source: str, mode: str) -> None:
    """Load a source in this process."""
    with DatasetsClient(stage.stand_in.url) as client:
        ingest(
            stage.followed.source(source),
            client=client,
            warehouse=Warehouse(stage.data.warehouse),
            data=stage.data,
            wish=WindowRequest(mode=mode),
        )


def lose(stage: Stage, source: str, many: int) -> None:
    """Delete records of a source from the warehouse."""
    first = "SELECT accession FROM virus_genome WHERE source = ? ORDER BY accession LIMIT ?"
    with Warehouse(stage.data.warehouse).exclusive() as connection:
        connection.execute(
            f"DELETE FROM virus_genome WHERE source = ? AND accession IN ({first})", [source, source, many]
        )


def published_once(stage: Stage) -> dict[str, Any]:
    return stage.airflow.finished(PUBLISH, stage.airflow.trigger(PUBLISH))


def is_held_back(stage: Stage, source: str) -> bool:
    return source in read_about(stage.data.snapshot).held_back


def answers(stage: Stage, source: str) -> list[tuple[str, str]]:
    """The answers in the snapshot's description, and who gave them."""
    with duckdb.connect(stage.data.snapshot, read_only=True) as connection:
        rows = connection.execute("SELECT value FROM _about WHERE topic = 'answer' AND source = ?", [source]).fetchall()
    return [tuple(value.split(", ")[:2]) for (value,) in rows]


@pytest.mark.browser
def test_held_back_source_is_approved_in_the_browser_and_published(stage: Stage, source: str) -> None:
    assert published_once(stage)["state"] == "failed", "the run says that not all is published"
    assert is_held_back(stage, source)
    asked_about(stage.airflow, source)
    with stage.logged_in("/required_actions", viewport={"width": 1400, "height": 900}) as page:
        page.get_by_role("link", name=f"Publish {source} despite shrinkage?").click()
        expect(page.get_by_text(re.compile(f"shrinkage of {source}: of .* published records"))).to_be_visible()
        page.get_by_role("button", name=AskForApprovalOperator.PUBLISH).click()
    stage.airflow.wait_until(f"{source} is published", lambda: not is_held_back(stage, source))
    assert answers(stage, source) == [("publish", stage.airflow.login)]


@pytest.mark.long
def test_newer_finding_replaces_the_question_and_a_kept_one_is_not_asked_again(stage: Stage, source: str) -> None:
    published_once(stage)
    first, text = asked_about(stage.airflow, source)
    assert "50 are missing" in text
    lose(stage, source, 1)
    published_once(stage)
    second, text = asked_about(stage.airflow, source, other_than=first)
    assert "51 are missing" in text
    stage.airflow.finished(APPROVE, first)
    assert stage.airflow.task(APPROVE, first, "ask")["state"] == "skipped"
    path = f"/dags/{APPROVE}/dagRuns/{second}/taskInstances/ask/-1/hitlDetails"
    stage.airflow.call("PATCH", path, json={"chosen_options": [AskForApprovalOperator.KEEP], "params_input": {}})
    assert stage.airflow.finished(APPROVE, second)["state"] == "success"
    published_once(stage)
    assert answers(stage, source) == [("keep", stage.airflow.login)]
    assert is_held_back(stage, source)
    assert stage.airflow.task(APPROVE, second, "ask")["state"] == "success", "not asked again"


@pytest.fixture
def outdated(stage: Stage) -> Iterator[str]:
    """A source that holds fifty records that NCBI does not list. Its DAG is paused in the end."""
    name = stage.own_source()
    load_and_publish(stage, name)
    with Warehouse(stage.data.warehouse).exclusive() as connection:
        connection.execute(
            "INSERT INTO virus_genome SELECT * REPLACE ('ZZ' || accession AS accession) FROM virus_genome "
            "WHERE source = ? ORDER BY accession LIMIT 50",
            [name],
        )
    yield name
    stage.airflow.pause(ingest_dag(name))


@pytest.fixture
def stopped(stage: Stage, outdated: str) -> tuple[str, str]:
    """A source that holds records that NCBI does not list, and the run of its census, which was stopped."""
    stage.airflow.unpause(ingest_dag(outdated))
    return outdated, census(stage, outdated)


def ingest_dag(source: str) -> str:
    return f"ncbi_virus_ingest__{source}"


def census(stage: Stage, source: str) -> str:
    """Run a census that is stopped, without waiting for its retries; returns the run."""
    dag_id = ingest_dag(source)
    dag_run_id = stage.airflow.trigger(dag_id, {"mode": "census"})
    stage.airflow.wait_until(
        f"{dag_run_id} is stopped", lambda: stage.airflow.task(dag_id, dag_run_id)["state"] == "up_for_retry"
    )
    path = f"/dags/{dag_id}/dagRuns/{dag_run_id}/taskInstances/ingest"
    stage.airflow.call("PATCH", path, json={"new_state": "failed"})
    run = stage.airflow.finished(dag_id, dag_run_id)
    assert run["state"] == "failed", "the question alone makes no success"
    return newest_stopped_run(stage, source)


def newest_stopped_run(stage: Stage, source: str) -> str:
    [stopped, *_] = stage.rows(
        "SELECT run_id, error FROM ops.ingest_run WHERE source = ? AND status = 'failed' ORDER BY started_at DESC",
        source,
    )
    assert "missing records" in stopped["error"]
    return str(stopped["run_id"])


def ask_about_a_stopped_load(stage: Stage, source: str) -> None:
    """Start the run that asks, as the tasks `stopped_loads` and `ask` of a source's DAG do."""
    [question] = questions_to_ask(stage.data, [stage.followed.source(source)])
    asked = run_of(*question, starts_again=False)
    run = {"dag_run_id": asked["trigger_run_id"], "logical_date": None, "conf": asked["conf"]}
    stage.airflow.post(f"/dags/{APPROVE}/dagRuns", run)


def approvals(stage: Stage, source: str) -> list[tuple[str, str]]:
    rows = stage.rows("SELECT answer, answered_by FROM ops.approval WHERE source = ? ORDER BY answered_at", source)
    return [(row["answer"], row["answered_by"]) for row in rows]


@pytest.mark.browser
def test_stopped_census_is_approved_in_the_browser_and_loaded_from_the_archive(stage: Stage, outdated: str) -> None:
    """The census is stopped in this process: end_to_end/test_census_run.py has one that a DAG runs, and that asks."""
    source, dag_id = outdated, ingest_dag(outdated)
    with pytest.raises(GateError, match="missing records"):
        load(stage, source, CENSUS)
    run_id = newest_stopped_run(stage, source)
    ask_about_a_stopped_load(stage, source)
    asked_about(stage.airflow, source)
    with stage.publications_paused():
        stage.airflow.unpause(dag_id)
        [scheduled] = stage.airflow.wait_until(f"{dag_id} has a run", lambda: stage.airflow.runs(dag_id))
        run = stage.airflow.finished(dag_id, scheduled["dag_run_id"])
        assert run["state"] == "success", "waiting delays nobody"
    with stage.logged_in("/required_actions", viewport={"width": 1400, "height": 900}) as page:
        page.get_by_role("link", name=f"Load the census of {source} despite missing?").click()
        expect(page.get_by_text(re.compile(f"NCBI's full list of {source} lacks 50 of the"))).to_be_visible()
        page.get_by_role("button", name=AskToLoadOperator.LOAD).click()
    loaded = "FROM ops.ingest_run WHERE source = ? AND archived_run_id = ? AND status = 'success'"
    stage.airflow.wait_until(f"{source} is loaded", lambda: stage.rows(loaded, source, run_id))
    [row] = stage.rows(loaded, source, run_id)
    assert (row["approved_by"], row["attempts"], row["missing"]) == (stage.airflow.login, 0, 50)
    stage.airflow.wait_until(f"{source} is published", lambda: ("load", stage.airflow.login) in answers(stage, source))


@pytest.mark.long
def test_newer_census_replaces_the_question_and_one_that_succeeds_ends_it(
    stage: Stage, stopped: tuple[str, str]
) -> None:
    source, _ = stopped
    first, _ = asked_about(stage.airflow, source)
    census(stage, source)
    second, _ = asked_about(stage.airflow, source, other_than=first)
    stage.airflow.finished(APPROVE, first)
    assert stage.airflow.task(APPROVE, first, "ask_to_load")["state"] == "skipped"
    dag_id = ingest_dag(source)
    accepted = {"mode": "census", "accept_missing": True}
    assert stage.airflow.finished(dag_id, stage.airflow.trigger(dag_id, accepted))["state"] == "success"
    stage.airflow.finished(APPROVE, second)
    assert stage.airflow.task(APPROVE, second, "ask_to_load")["state"] == "skipped"
    assert approvals(stage, source) == []


@pytest.mark.long
def test_kept_records_stay_and_nothing_is_loaded(stage: Stage, stopped: tuple[str, str]) -> None:
    source, run_id = stopped
    asked, _ = asked_about(stage.airflow, source)
    path = f"/dags/{APPROVE}/dagRuns/{asked}/taskInstances/ask_to_load/-1/hitlDetails"
    stage.airflow.call("PATCH", path, json={"chosen_options": [AskToLoadOperator.KEEP], "params_input": {}})
    assert stage.airflow.finished(APPROVE, asked)["state"] == "success"
    assert approvals(stage, source) == [("keep", stage.airflow.login)]
    assert stage.rows("SELECT run_id FROM ops.ingest_run WHERE archived_run_id = ?", run_id) == []
