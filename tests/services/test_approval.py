"""A source that is held back, asked about in Airflow's required actions and answered there."""

import re
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from playwright.sync_api import expect

from ncbi_virus.operators.ask_for_approval import AskForApprovalOperator
from tests.support.stage import Stage
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.publish.about import read_about
from virus_warehouse.publish.publication import publish
from virus_warehouse.run_mode import FULL
from virus_warehouse.sources import read_sources
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.windows import WindowRequest

APPROVE, PUBLISH = "ncbi_virus_approve", "ncbi_virus_publish"


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
    warehouse, followed = Warehouse(stage.data.warehouse), read_sources(stage.data.root.parent / "sources.yaml")
    with DatasetsClient(stage.stand_in.url) as client:
        ingest(
            followed.source(source),
            client=client,
            warehouse=warehouse,
            data=stage.data,
            wish=WindowRequest(mode=FULL),
        )
    publish(warehouse, stage.data, followed)


def lose(stage: Stage, source: str, many: int) -> None:
    """Delete records of a source from the warehouse."""
    first = "SELECT accession FROM virus_genome WHERE source = ? ORDER BY accession LIMIT ?"
    with Warehouse(stage.data.warehouse).exclusive() as connection:
        connection.execute(
            f"DELETE FROM virus_genome WHERE source = ? AND accession IN ({first})", [source, source, many]
        )


def published_once(stage: Stage) -> dict[str, Any]:
    return stage.airflow.finished(PUBLISH, stage.airflow.trigger(PUBLISH))


def question(stage: Stage, source: str, other_than: str = "") -> tuple[str, str]:
    """Wait until the source is asked about; returns the DAG run and the text that a person reads."""

    def asked() -> tuple[str, str] | None:
        found = stage.airflow.get("/dags/~/dagRuns/~/hitlDetails", dag_id_pattern=APPROVE, response_received=False)
        texts = {
            str(detail["task_instance"]["dag_run_id"]): str(detail["body"])
            for detail in found["hitl_details"]
            if detail["task_instance"]["state"] == "awaiting_input"
        }
        waiting = ((run, text) for run, text in texts.items() if run.startswith(f"approve__{source}__"))
        return next((found for found in waiting if found[0] != other_than), None)

    answer = stage.airflow.wait_until(f"{source} is asked about", asked)
    assert answer is not None
    return answer


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
    question(stage, source)
    with stage.logged_in("/required_actions", viewport={"width": 1400, "height": 900}) as page:
        page.get_by_role("link", name=f"Publish {source} despite shrinkage?").click()
        expect(page.get_by_text(re.compile(f"shrinkage of {source}: of .* published records"))).to_be_visible()
        page.get_by_role("button", name=AskForApprovalOperator.PUBLISH).click()
    stage.airflow.wait_until(f"{source} is published", lambda: not is_held_back(stage, source))
    assert answers(stage, source) == [("publish", stage.airflow.login)]


def test_newer_finding_replaces_the_question_and_a_kept_one_is_not_asked_again(stage: Stage, source: str) -> None:
    published_once(stage)
    first, text = question(stage, source)
    assert "50 are missing" in text
    lose(stage, source, 1)
    published_once(stage)
    second, text = question(stage, source, other_than=first)
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
