"""What Airflow makes of the DAG files."""

from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import CronDataIntervalTimetable

from virus_warehouse.publish.gates import BLOCKING

DAGS = Path(__file__).parents[3] / "dags"


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
    assert [task.task_id for task in dag.topological_sort()] == ["ingest", "check", "publish"]
    assert dag.catchup is False
    assert isinstance(dag.timetable, CronDataIntervalTimetable)
    assert dag.timetable.expression == "30 5 * * 1"
    assert dag.get_task("ingest").pool == "ncbi_datasets"
    assert "ncbi" in dag.doc_md.lower()
    assert dag.get_task("check").upstream_task_ids == {"ingest"}
    assert "check" in dag.get_task("publish").upstream_task_ids


def test_the_trigger_form_takes_mode_and_days(load):
    params = load("sources: {flu: {taxon: 11320}}").dags["ncbi_virus_ingest__flu"].params
    assert set(params) == {"mode", "since", "until", "accept_missing", "accept_emptied", "accept_findings"}
    assert params.get_param("mode").schema["enum"] == [None, "incremental", "window", "full", "census", "replay"]
    assert params.get_param("since").schema["format"] == "date"
    assert set(params.get_param("accept_findings").schema["items"]["enum"]) == set(BLOCKING)


def test_the_census_is_weekly_and_mapped_over_the_sources(load):
    dag = load("sources: {flu: {taxon: 11320}, mpox: {taxon: 10244}}").dags["ncbi_virus_census"]
    assert dag.timetable.expression == "0 12 * * 0"
    assert dag.catchup is False
    assert set(dag.params) == {"source", "accept_missing", "accept_emptied", "accept_findings"}
    assert dag.params.get_param("source").schema["enum"] == [None, "flu", "mpox"]
    census = dag.get_task("census")
    assert census.is_mapped
    assert census.pool == "ncbi_datasets"
    assert census.upstream_task_ids == {"followed"}
    assert dag.get_task("check").upstream_task_ids == {"census"}
    assert dag.get_task("publish").upstream_task_ids == {"check"}
    assert [outlet.name for outlet in dag.get_task("publish").outlets] == [
        "virus_warehouse_flu",
        "virus_warehouse_mpox",
    ]


BROKEN = {
    "unknown key": ("bad: {taxon: 1, hots: human}", "'hots'"),
    "bad enum": ("bad: {taxon: 1, aux_reports: [BIOSAMPLE]}", "BIOSAMPLE_REPORT"),
    "bad date": ("bad: {taxon: 1, released_since: soon}", "'released_since'"),
    "two of one name": ("bad: {taxon: 1}\n  bad: {taxon: 2}", "'bad': given twice"),
}


@pytest.mark.parametrize(("entry", "told"), BROKEN.values(), ids=BROKEN)
def test_a_broken_source_is_an_import_error_and_the_others_keep_their_dags(load, tmp_path, entry, told):
    bag = load(f"sources:\n  good: {{taxon: 10244}}\n  {entry}\n")
    assert set(bag.dags) == {"ncbi_virus_ingest__good", "ncbi_virus_census"}
    (error,) = bag.import_errors.values()
    line = error.strip().splitlines()[-1]
    assert told in line
    assert str(tmp_path / "sources.yaml") in line
    assert "'bad'" in line


def test_an_empty_file_is_one_import_error(load, tmp_path):
    bag = load("")
    assert set(bag.dags) == {"ncbi_virus_census"}
    (error,) = bag.import_errors.values()
    assert f"{tmp_path / 'sources.yaml'}: the file is empty" in error.strip().splitlines()[-1]
