"""The DAGs that Airflow loads from the DAG files."""

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import CronDataIntervalTimetable
from airflow.sdk.exceptions import ParamValidationError

from ncbi_virus.assets import APPROVALS, LOADS, PUBLICATIONS, UNCHANGED, warehouse_asset
from virus_warehouse.publish import gates
from virus_warehouse.publish.gates import BLOCKING
from virus_warehouse.warehouse import load_gates

DAGS = Path(__file__).parents[3] / "dags"
OTHERS = {"ncbi_virus_approve", "ncbi_virus_census", "ncbi_virus_housekeeping", "ncbi_virus_publish"}
"""The DAGs that are not of a source."""


@pytest.fixture
def load(monkeypatch, tmp_path):
    def load(sources: str | None = None) -> DagBag:
        if sources is not None:
            file = tmp_path / "sources.yaml"
            file.write_text(sources, encoding="utf-8")
            monkeypatch.setenv("VIRUS_SOURCES", str(file))
        return DagBag(DAGS)

    return load


def test_the_sources_of_the_repository_import_without_errors(load):
    bag = load()
    assert bag.import_errors == {}
    assert {"ncbi_virus_ingest__mpox", "ncbi_virus_ingest__sars2_usa"} <= set(bag.dags)


def test_a_source_becomes_a_dag(load):
    dag = load("sources: {flu: {taxon: 11320, schedule: '30 5 * * 1'}}").dags["ncbi_virus_ingest__flu"]
    assert [task.task_id for task in dag.topological_sort()] == ["ingest", "stopped_loads", "ask", "loaded"]
    assert dag.catchup is False
    assert isinstance(dag.timetable, CronDataIntervalTimetable)
    assert dag.timetable.expression == "30 5 * * 1"
    ingest = dag.get_task("ingest")
    assert ingest.pool == "ncbi_datasets"
    assert ingest.outlets == [LOADS]
    assert "ncbi" in dag.doc_md.lower()
    # Neither costs a daily run anything: one is skipped, and the scheduler itself ends the other.
    assert dag.get_task("stopped_loads").trigger_rule == "all_failed"
    assert isinstance(dag.get_task("loaded"), EmptyOperator)


def test_process_of_a_task_makes_the_dag_of_its_source_only(load, monkeypatch):
    """With 500 sources, the others take seconds."""
    monkeypatch.setattr("airflow.sdk.get_parsing_context", lambda: SimpleNamespace(dag_id="ncbi_virus_ingest__flu"))
    dags = load("sources: {flu: {taxon: 11320}, mpox: {taxon: 10244}}").dags
    assert [dag_id for dag_id in dags if "ingest" in dag_id] == ["ncbi_virus_ingest__flu"]


def test_the_trigger_form_takes_mode_and_days(load):
    params = load("sources: {flu: {taxon: 11320}}").dags["ncbi_virus_ingest__flu"].params
    assert set(params) == {"mode", "since", "until", "accept_missing", "accept_emptied", "archived"}
    assert params.get_param("mode").schema["enum"] == [None, "incremental", "window", "full", "census", "replay"]
    assert params.get_param("since").schema["format"] == "date"


def test_the_census_is_weekly_and_mapped_over_the_sources(load):
    dag = load("sources: {flu: {taxon: 11320}, mpox: {taxon: 10244}}").dags["ncbi_virus_census"]
    assert dag.timetable.expression == "0 12 * * 0"
    assert dag.catchup is False
    assert set(dag.params) == {"source", "accept_missing", "accept_emptied"}
    assert dag.params.get_param("source").schema["enum"] == [None, "flu", "mpox"]
    assert [task.task_id for task in dag.topological_sort()] == ["followed", "census", "stopped_loads", "ask", "loaded"]
    census = dag.get_task("census")
    assert census.is_mapped
    assert census.pool == "ncbi_datasets"
    assert census.upstream_task_ids == {"followed"}
    assert census.partial_kwargs["outlets"] == [LOADS]


def test_publication_runs_after_each_load_one_at_a_time(load):
    dag = load("sources: {flu: {taxon: 11320}, mpox: {taxon: 10244}}").dags["ncbi_virus_publish"]
    assert [task.task_id for task in dag.topological_sort()] == [
        "prepare",
        "check",
        "publish",
        "all_sources_published",
        "questions",
        "ask",
    ]
    # The aliases, for loads of sources that are defined only in a user's own DAG.
    expected = (LOADS, UNCHANGED, APPROVALS, warehouse_asset("flu"), warehouse_asset("mpox"))
    assert {asset.name for asset in dag.timetable.asset_condition.objects} == {asset.name for asset in expected}
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert dag.is_paused_upon_creation is False
    assert dag.get_task("publish").outlets == [PUBLICATIONS]
    assert set(dag.params) == {"source", "accept_findings"}
    assert set(dag.params.get_param("accept_findings").schema["items"]["enum"]) == set(BLOCKING)


def test_questions_wait_side_by_side_and_are_asked_from_the_start(load):
    """A waiting question is a running DAG run: it must not keep others from being asked."""
    dag = load("sources: {flu: {taxon: 11320}}").dags["ncbi_virus_approve"]
    assert (dag.schedule, dag.is_paused_upon_creation) == (None, False)
    assert min(dag.max_active_runs, dag.max_active_tasks) >= 1000
    ask, ask_to_load = dag.get_task("ask"), dag.get_task("ask_to_load")
    assert (ask.defaults, ask.outlets) == ([ask.KEEP], [APPROVALS])
    assert ask_to_load.defaults == [ask_to_load.KEEP]
    assert dag.get_task("load").upstream_task_ids == {"ask_to_load"}
    assert set(dag.params) == {"source", "question"}
    assert ask.response_timeout


def test_housekeeping_is_weekly_and_one_at_a_time(load):
    dag = load("sources: {flu: {taxon: 11320}}").dags["ncbi_virus_housekeeping"]
    assert dag.timetable.expression == "0 18 * * 0"
    assert (dag.catchup, dag.max_active_runs) == (False, 1)
    assert [task.task_id for task in dag.topological_sort()] == ["housekeeping"]


def test_alerts_run_every_ten_minutes_where_the_file_has_some(load):
    sources = "sources: {flu: {taxon: 11320}}\n"
    assert "ncbi_virus_alerts" not in load(sources).dags
    assert load(sources).dags["ncbi_virus_ingest__flu"].deadline is None
    dags = load(sources + "alerts: {channels: {team: {slack: {}}}, late_after_hours: 2}").dags
    alerts = dags["ncbi_virus_alerts"]
    assert (alerts.timetable.expression, alerts.catchup, alerts.max_active_runs) == ("*/10 * * * *", False, 1)
    assert alerts.is_paused_upon_creation is False
    deadline = dags["ncbi_virus_ingest__flu"].deadline
    [deadline] = deadline if isinstance(deadline, list) else [deadline]
    assert (deadline.interval, deadline.callback.kwargs) == (timedelta(hours=2), {"source": "flu"})


def test_invalid_alerts_fail_their_dag_and_no_source(load):
    bag = load("sources: {flu: {taxon: 11320}}\nalerts: {channels: {team: {fax: {}}}}")
    assert bag.import_errors == {}
    assert {"ncbi_virus_alerts", "ncbi_virus_ingest__flu"} <= set(bag.dags)


def test_messages_name_the_fields_of_the_forms(load):
    bag = load()

    def title(dag_id, field):
        return bag.dags[dag_id].params.get_param(field).schema["title"]

    assert f'field "{title("ncbi_virus_publish", "accept_findings")}"' in gates.ways_to_accept(["history"])
    for what in ("missing", "emptied"):
        assert f'"{title("ncbi_virus_ingest__mpox", f"accept_{what}")}"' in load_gates.ways_to_accept(what)


@pytest.mark.parametrize("given", [None, [], ["shrinkage"], ["shrinkage", "dates_in_range"]])
def test_findings_of_blocking_gates_can_be_accepted(load, given):
    assert load().dags["ncbi_virus_publish"].params.get_param("accept_findings").resolve(given) == given


@pytest.mark.parametrize("given", [["everything"], ["freshness"], "shrinkage", True])
def test_names_of_other_gates_are_refused_before_the_run_begins(load, given):
    field = load().dags["ncbi_virus_publish"].params.get_param("accept_findings")
    with pytest.raises(ParamValidationError):
        field.resolve(given)


BROKEN = {
    "unknown key": ("bad: {taxon: 1, hots: human}", "'hots'"),
    "bad enum": ("bad: {taxon: 1, aux_reports: [BIOSAMPLE]}", "BIOSAMPLE_REPORT"),
    "bad date": ("bad: {taxon: 1, released_since: soon}", "'released_since'"),
    "two of one name": ("bad: {taxon: 1}\n  bad: {taxon: 2}", "'bad': given twice"),
}


@pytest.mark.parametrize(("entry", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_source_is_an_import_error_and_other_sources_keep_their_dags(load, tmp_path, entry, message):
    bag = load(f"sources:\n  good: {{taxon: 10244}}\n  {entry}\n")
    assert set(bag.dags) == {"ncbi_virus_ingest__good", *OTHERS}
    (error,) = bag.import_errors.values()
    line = error.strip().splitlines()[-1]
    assert message in line
    assert str(tmp_path / "sources.yaml") in line
    assert "'bad'" in line


def test_an_empty_file_is_one_import_error(load, tmp_path):
    bag = load("")
    assert set(bag.dags) == OTHERS
    (error,) = bag.import_errors.values()
    assert f"{tmp_path / 'sources.yaml'}: the file is empty" in error.strip().splitlines()[-1]
