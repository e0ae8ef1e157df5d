"""Backfills through Airflow's REST API, run by a real scheduler on PostgreSQL against the stand-in.

Each test has a source of its own.
"""

import io
import json
import re
import zipfile
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import duckdb
import pytest
import requests

from tests.support.stage import HOUR, LAST_DAY, TODAY, Stage
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.run_record import OUTCOMES

DAY = timedelta(days=1)


def dag_of(source: str) -> str:
    return f"ncbi_virus_ingest__{source}"


def ledger(stage: Stage, source: str, **wanted: object) -> list[dict[str, Any]]:
    """The rows of a source in the ledger, oldest first, whose columns have these values."""
    rows = stage.rows("SELECT * FROM ops.ingest_run WHERE source = ? ORDER BY started_at", source)
    return [row for row in rows if all(row[column] == value for column, value in wanted.items())]


def genomes(stage: Stage, source: str) -> dict[str, dict[str, Any]]:
    """The records of a source, by accession."""
    rows = stage.rows("SELECT * FROM virus_genome WHERE source = ?", source)
    return {row["accession"]: row for row in rows}


def shown(stage: Stage) -> dict[str, tuple[str, date]]:
    """accession.version and update date of the stand-in's current monkeypox records, by accession."""
    url = f"{stage.stand_in.url}/virus/taxon/10244/genome/download?include_sequence=NONE"
    with zipfile.ZipFile(io.BytesIO(requests.get(url, timeout=120).content)) as archive:
        lines = archive.read("ncbi_dataset/data/data_report.jsonl").splitlines()
    records = [json.loads(line) for line in lines]
    return {
        record["accession"].split(".")[0]: (record["accession"], date.fromisoformat(record["updateDate"][:10]))
        for record in records
    }


def requests_of(stage: Stage, source: str) -> list[dict[str, str]]:
    """The requests of a source's runs to the stand-in. Each source has a `released_since` of its own."""
    number = int(source.removeprefix("own_"))
    asked = [dict(request.query) for request in stage.stand_in.requests]
    return [each for each in asked if each.get("released_since", "").startswith(f"1990-01-{number:02d}")]


def moment(day: date) -> str:
    """The start of a day's data interval."""
    return datetime.combine(day, time(HOUR), UTC).isoformat()


def midnight(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat()


def scheduled_run(stage: Stage, dag_id: str) -> dict[str, Any]:
    """Unpause a DAG: the scheduler creates a run of the last data interval. Returns it when it is done."""
    stage.airflow.unpause(dag_id)
    (run,) = stage.airflow.wait_until(f"{dag_id} has a run", lambda: stage.airflow.runs(dag_id))
    return stage.airflow.finished(dag_id, run["dag_run_id"])


def assert_every_line_is_accounted_for(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert row["lines"] == sum(row[outcome] for outcome in OUTCOMES), row


def test_three_days_at_once_are_three_windows_of_one_download(stage: Stage) -> None:
    """Airflow was off for a week, and three days of it are backfilled."""
    source = stage.own_source()
    dag = dag_of(source)
    first, end = TODAY - 8 * DAY, TODAY - 5 * DAY
    stage.stand_in.set_today(first)
    with stage.publications_paused():
        assert scheduled_run(stage, dag)["state"] == "success"
    (full,) = ledger(stage, source)
    assert (full["mode"], full["run_type"], full["status"]) == ("full", "scheduled", "success")
    before = genomes(stage, source)

    stage.stand_in.set_today(TODAY)
    age_packages(stage, source, days=8)
    # The dialog's dates have a time: "to" at midnight excludes a day whose run is later on that day.
    dialog = {"dag_id": dag, "from_date": midnight(first), "to_date": midnight(end)}
    planned = stage.airflow.post("/backfills/dry_run", dialog)["backfills"]
    assert [run["logical_date"][:10] for run in planned] == [str(first + number * DAY) for number in range(3)]
    with Warehouse(stage.data.warehouse).exclusive():  # so that the first day cannot start its run
        started = stage.airflow.start_backfill(dag, moment(first), moment(end - DAY), max_active_runs=3)
        stage.airflow.wait_until("the later days wait in no slot", lambda: waiting(stage, dag) == 2)
    runs = stage.airflow.finished_backfill(started)
    assert [run["state"] for run in runs] == ["success"] * 3

    rows = {row["dag_run_id"]: row for row in ledger(stage, source, run_type="backfill")}
    windows = [rows.pop(run["dag_run_id"]) for run in runs]
    assert rows == {}, "expected one try each"
    days = [first + number * DAY for number in range(3)]
    assert [(row["updated_since"], row["until"]) for row in windows] == [(day, day + DAY) for day in days]
    assert {(row["mode"], row["status"], row["try_number"]) for row in windows} == {("window", "success", 1)}
    assert {row["watermark_before"] for row in windows} == {row["watermark"] for row in windows} == {full["watermark"]}
    assert_every_line_is_accounted_for(windows)

    # The first day downloaded the package, which all three used, although they started together.
    assert len(requests_of(stage, source)) == 2, "the full load's and the backfill's"
    assert sorted(row["attempts"] for row in windows) == [0] * 2 + [1]
    (brought_by,) = [row["run_id"] for row in windows if row["attempts"] == 1]
    assert brought_by == windows[0]["run_id"]
    assert {row["package_path"] for row in windows} == {f"packages/{source}/{brought_by}.zip"}
    assert {row["requested_at"] for row in windows} == {windows[0]["requested_at"]}
    assert at_once(runs) == 3

    # Each merged only NCBI's records of its day.
    shown_now = shown(stage)
    for day, row in zip(days, windows, strict=True):
        assert row["lines"] - row["out_of_window"] == sum(updated == day for _, updated in shown_now.values())
    after = genomes(stage, source)
    changed = {accession for accession, row in after.items() if row != before.get(accession)}
    in_window = {accession for accession, (_, updated) in shown_now.items() if first <= updated < end}
    assert changed <= in_window
    for accession in in_window:
        assert (after[accession]["accession_version"], after[accession]["update_date"]) == shown_now[accession]
    assert {after[accession]["run_id"] for accession in changed} <= {row["run_id"] for row in windows} | {
        before[accession]["run_id"] for accession in changed & before.keys()
    }
    assert len(after) - len(before) == sum(row["inserted"] for row in windows) > 0
    revised = stage.rows("SELECT * FROM virus_genome_history WHERE source = ? AND ended_by = 'revision'", source)
    assert len(revised) == sum(row["revised"] for row in windows) > 0
    later = {accession for accession, (_, updated) in shown_now.items() if updated >= end}
    assert all(after.get(accession) == before.get(accession) for accession in later)
    assert later - before.keys(), "some records must be outside the window"

    # The publication follows them, once or several times.
    stage.airflow.wait_until(
        "all three are published", lambda: published_backfill(stage, source) == {row["run_id"] for row in windows}
    )

    # Every run that changed something has an asset event.
    events = stage.airflow.get("/assets/events", limit=100, order_by="-timestamp")["asset_events"]
    heard = {event["extra"]["run_id"] for event in events if event["uri"] == f"x-virus-warehouse://{source}"}
    changes = [row["run_id"] for row in (full, *windows) if row["inserted"] + row["revised"] + row["touched"]]
    assert heard == set(changes)

    # The next run follows the watermark, unaffected by the backfill. It has no logical date.
    with stage.publications_paused():
        run_id = stage.airflow.trigger(dag)
        assert stage.airflow.finished(dag, run_id)["logical_date"] is None
    (row,) = ledger(stage, source, dag_run_id=run_id)
    assert (row["mode"], row["run_type"], row["status"]) == ("incremental", "manual", "success")
    assert row["updated_since"] == full["watermark"] - timedelta(days=14)
    assert row["watermark"] > full["watermark"]
    held = {(row["accession_version"], row["update_date"]) for row in genomes(stage, source).values()}
    assert {shown_now[accession] for accession in in_window | later} <= held


def waiting(stage: Stage, dag: str) -> int:
    """The number of a DAG's runs that have released their slot to check again later."""
    tasks = [stage.airflow.task(dag, run["dag_run_id"]) for run in stage.airflow.runs(dag)]
    return [task["state"] for task in tasks].count("up_for_reschedule")


def published_backfill(stage: Stage, source: str) -> set[str]:
    with duckdb.connect(stage.data.snapshot, read_only=True) as snapshot:
        backfilled = "SELECT run_id FROM ops.ingest_run WHERE run_type = 'backfill' AND source = ?"
        return {run_id for (run_id,) in snapshot.execute(backfilled, [source]).fetchall()}


def age_packages(stage: Stage, source: str, *, days: int) -> None:
    """Age the archived packages: a recent one would be reused instead of a download by the backfill."""
    for sidecar in (stage.data.packages / source).glob("*.json"):
        content = json.loads(sidecar.read_text(encoding="utf-8"))
        content["requested_at"] = (datetime.fromisoformat(content["requested_at"]) - timedelta(days=days)).isoformat()
        sidecar.write_text(json.dumps(content), encoding="utf-8")


def at_once(runs: list[dict[str, Any]]) -> int:
    """The maximum number of concurrent runs."""
    starts, ends = (sorted(run[name] for run in runs) for name in ("start_date", "end_date"))
    return max(sum(start <= moment for start in starts) - sum(end < moment for end in ends) for moment in starts)


@pytest.mark.usefixtures("publications_paused")
def test_reprocessed_run_becomes_a_window_of_its_day(stage: Stage) -> None:
    source = stage.own_source()
    dag = dag_of(source)
    run = scheduled_run(stage, dag)
    run_id = run["dag_run_id"]
    (loaded,) = ledger(stage, source)
    task = stage.airflow.task(dag, run_id)
    assert (task["state"], task["try_number"], task["max_tries"]) == ("success", 1, 2)
    settings = stage.airflow.get(f"/dags/{dag}/tasks/ingest")
    assert (settings["retries"], settings["retry_exponential_backoff"]) == (2, 2)
    assert settings["retry_delay"]["seconds"] == 300

    (again,) = stage.airflow.backfill(dag, run["logical_date"], run["logical_date"], reprocess_behavior="completed")
    # Airflow clears the run in place and calls it a backfill from now on. The ledger keeps both tries.
    assert (again["dag_run_id"], again["run_type"], again["state"]) == (run_id, "backfill", "success")
    first, second = ledger(stage, source, dag_run_id=run_id)
    assert first == loaded
    assert (first["mode"], first["run_type"], first["try_number"]) == ("full", "scheduled", 1)
    assert (second["mode"], second["run_type"], second["try_number"]) == ("window", "backfill", 2)
    assert (second["updated_since"], second["until"]) == (LAST_DAY, LAST_DAY + DAY)
    assert second["watermark"] == loaded["watermark"]

    # Cleared once more, by hand: the same window again.
    stage.airflow.post(f"/dags/{dag}/dagRuns/{run_id}/clear", {"dry_run": False})
    assert stage.airflow.finished(dag, run_id)["state"] == "success"
    *_, third = rows = ledger(stage, source, dag_run_id=run_id)
    assert len(rows) == 3
    for column in ("mode", "run_type", "updated_since", "until", "watermark", "lines", "out_of_window"):
        assert third[column] == second[column]
    assert third["unchanged"] == second["unchanged"] == third["lines"] - third["out_of_window"]
    assert_every_line_is_accounted_for(rows)
    # Both used the package of the full load, which is a minute old.
    assert len(requests_of(stage, source)) == 1


@pytest.mark.long
def test_invalid_window_fails_at_once(stage: Stage) -> None:
    source = stage.own_source()
    dag = dag_of(source)
    stage.airflow.unpause(dag)
    run_id = stage.airflow.trigger(dag, {"since": str(TODAY - 3 * DAY), "until": str(TODAY - 10 * DAY)})
    assert stage.airflow.finished(dag, run_id)["state"] == "failed"
    task = stage.airflow.task(dag, run_id)
    assert (task["state"], task["try_number"], task["max_tries"]) == ("failed", 1, 2)
    (row,) = ledger(stage, source, dag_run_id=run_id)
    said = f"the window from {TODAY - 3 * DAY} until {TODAY - 10 * DAY} is empty"
    assert row["status"] == "failed"
    assert said in row["error"]
    (log,) = [log for path, log in stage.airflow.task_logs().items() if f"run_id={run_id}/task_id=ingest" in path]
    assert said in log


@pytest.mark.usefixtures("publications_paused")
def test_newest_first_into_an_empty_warehouse(stage: Stage) -> None:
    """A backfill before any load. It includes the last day, so that no scheduled run is due that loads everything."""
    source = stage.own_source()
    dag = dag_of(source)
    days = [LAST_DAY - number * DAY for number in range(2)]
    stage.airflow.seen(dag)
    started = stage.airflow.start_backfill(
        dag, moment(days[-1]), moment(days[0]), max_active_runs=1, run_backwards=True
    )
    stage.airflow.unpause(dag)
    runs = stage.airflow.finished_backfill(started)
    assert [run["logical_date"][:10] for run in sorted(runs, key=lambda run: run["start_date"])] == [*map(str, days)]
    windows = ledger(stage, source)
    assert [(row["mode"], row["updated_since"], row["until"]) for row in windows] == [
        ("window", day, day + DAY) for day in days
    ]
    assert_every_line_is_accounted_for(windows)
    # Newest first needs a download per day: the package of a day does not cover earlier days.
    assert [row["attempts"] for row in windows] == [1, 1]
    assert [asked["updated_since"][:10] for asked in requests_of(stage, source)] == [*map(str, days)]
    held = genomes(stage, source)
    shown_then = {name: value for name, value in shown(stage).items() if days[-1] <= value[1] < days[0] + DAY}
    assert {name: (row["accession_version"], row["update_date"]) for name, row in held.items()} == shown_then
    assert {row["watermark"] for row in windows} == {None}

    run_id = stage.airflow.trigger(dag)
    assert stage.airflow.finished(dag, run_id)["state"] == "success"
    (row,) = ledger(stage, source, dag_run_id=run_id)
    assert (row["mode"], row["updated_since"], row["watermark_before"]) == ("full", None, None)
    assert row["unchanged"] == len(held)
    assert genomes(stage, source).keys() == shown(stage).keys()


ACCEPTED = ("accepted: ", "NCBI did not list ")
"""Warnings about findings of a publication, and about missing records, that a person has accepted."""


@pytest.mark.usefixtures("publications_paused")
def test_logs_have_no_unexpected_errors(stage: Stage) -> None:
    """Logs of all runs so far, except those that are meant to fail, and findings that a person has accepted."""
    dag = dag_of(stage.own_source())
    assert scheduled_run(stage, dag)["state"] == "success"
    dags = [each["dag_id"] for each in stage.airflow.get("/dags", limit=100)["dags"]]
    failed = [run["dag_run_id"] for each in dags for run in stage.airflow.runs(each) if run["state"] == "failed"]
    logs = stage.airflow.task_logs()
    assert any(f"dag_id={dag}/" in path for path in logs)
    for path, log in logs.items():
        if not any(f"run_id={run_id}/" in path for run_id in failed):
            events = [json.loads(line) for line in log.splitlines()]
            alarming = [event for event in events if event["level"] not in ("debug", "info")]
            assert [event for event in alarming if not event["event"].startswith(ACCEPTED)] == [], path
    for service, log in stage.airflow.service_logs().items():
        errors = re.findall(r".*(?:\[(?:error|critical) |Traceback).*", log)
        assert [error for error in errors if not any(f"run_id={run_id} " in error for run_id in failed)] == [], service
