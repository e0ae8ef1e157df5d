"""Backfills through Airflow's REST API, run by a real scheduler on PostgreSQL against the stand-in.

The world's day is today's, because Airflow makes no run for a day to come. Each story has a source of its own.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import duckdb
import pytest
import requests

from tests.support.airflow_services import AirflowServices
from tests.support.postgres import unavailable
from tests.support.stand_in import StandIn
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.schema import OUTCOMES

pytestmark = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

NOW = datetime.now(UTC)
TODAY = NOW.date()
HOUR = (NOW.hour + 12) % 24 or 1
"""Of the daily schedule: not midnight, and no new scheduled run falls due while the tests run."""
LAST_DAY = TODAY - timedelta(days=1 if NOW.hour >= HOUR else 2)
"""The day of the last data interval that is over."""
DAY = timedelta(days=1)

MPOX, DENGUE, SARS2 = (f"ncbi_virus_ingest__{source}" for source in ("mpox", "dengue", "sars2"))
TAXA = {"mpox": 10244, "dengue": 12637, "sars2": 2697049}


@pytest.fixture(scope="session")
def airflow_home():
    """Stands in for the home that the other end-to-end tests share: this Airflow brings its own."""


@dataclass
class Stage:
    """Everything there is: Airflow, the stand-in, the data folder."""

    airflow: AirflowServices
    stand_in: StandIn
    data: DataFolder

    def ledger(self, source: str, **wanted: object) -> list[dict[str, Any]]:
        """The rows of a source in the ledger, oldest first, whose columns have these values."""
        rows = self.rows("SELECT * FROM ops.ingest_run WHERE source = ? ORDER BY started_at", source)
        return [row for row in rows if all(row[column] == value for column, value in wanted.items())]

    def genomes(self, source: str) -> dict[str, dict[str, Any]]:
        """The records held of a source, by accession."""
        rows = self.rows("SELECT * FROM virus_genome WHERE source = ?", source)
        return {row["accession"]: row for row in rows}

    def rows(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """Ask the warehouse itself; waits, as every run does, while somebody holds it."""
        with Warehouse(self.data.warehouse).exclusive() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            result = connection.execute(sql, list(parameters))
            names = [column[0] for column in result.description or ()]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def shown(self, source: str) -> dict[str, tuple[str, date]]:
        """accession.version and update date of all that the stand-in shows of a source now, by accession."""
        url = f"{self.stand_in.url}/virus/taxon/{TAXA[source]}/genome/download?include_sequence=NONE"
        with zipfile.ZipFile(io.BytesIO(requests.get(url, timeout=30).content)) as archive:
            lines = archive.read("ncbi_dataset/data/data_report.jsonl").splitlines()
        records = [json.loads(line) for line in lines]
        return {
            record["accession"].split(".")[0]: (record["accession"], date.fromisoformat(record["updateDate"][:10]))
            for record in records
        }

    def requests_of(self, source: str) -> list[dict[str, str]]:
        """What the runs have asked of the stand-in, without what this test has."""
        return [
            dict(request.query)
            for request in self.stand_in.requests
            if f"/taxon/{TAXA[source]}/" in request.path and "virus-warehouse" in request.headers["user-agent"]
        ]


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("stage")
    sources = folder / "sources.yaml"
    listed = ", ".join(f"{source}: {{taxon: {taxon}}}" for source, taxon in TAXA.items())
    sources.write_text(f"defaults: {{schedule: '0 {HOUR} * * *'}}\nsources: {{{listed}}}", encoding="utf-8")
    data = DataFolder(folder / "data")
    with StandIn(today=TODAY, epoch=TODAY, records=1200) as stand_in:
        environment = {
            "VIRUS_DATA": str(data.root),
            "VIRUS_SOURCES": str(sources),
            "NCBI_DATASETS_URL": stand_in.url,
        }
        with AirflowServices(environment) as airflow:
            yield Stage(airflow, stand_in, data)
        assert airflow.processes() == []


def moment(day: date) -> str:
    """When the data interval of a day begins."""
    return datetime.combine(day, time(HOUR), UTC).isoformat()


def midnight(day: date) -> str:
    return datetime.combine(day, time(), UTC).isoformat()


def scheduled_run(stage: Stage, dag_id: str) -> dict[str, Any]:
    """Unpause a DAG: the scheduler makes a run of the last data interval. Gives it when it is done."""
    stage.airflow.unpause(dag_id)
    (run,) = stage.airflow.wait_until(f"{dag_id} has a run", lambda: stage.airflow.runs(dag_id))
    return stage.airflow.finished(dag_id, run["dag_run_id"])


def assert_every_line_is_accounted_for(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        assert row["lines"] == sum(row[outcome] for outcome in OUTCOMES), row


def test_seven_days_at_once_are_seven_windows_of_one_download(stage):
    """Airflow was off for nine days, and somebody fills in seven of them."""
    first, end = TODAY - 10 * DAY, TODAY - 3 * DAY
    stage.stand_in.set_today(first)
    assert scheduled_run(stage, MPOX)["state"] == "success"
    (full,) = stage.ledger("mpox")
    assert (full["mode"], full["run_type"], full["status"]) == ("full", "scheduled", "success")
    before = stage.genomes("mpox")

    stage.stand_in.set_today(TODAY)
    age_packages(stage, "mpox", days=10)
    # The dialog's dates have a time: "to" at midnight leaves out a day whose run comes later on it.
    dialog = {"dag_id": MPOX, "from_date": midnight(first), "to_date": midnight(end)}
    promised = stage.airflow.post("/backfills/dry_run", dialog)["backfills"]
    assert [run["logical_date"][:10] for run in promised] == [str(first + number * DAY) for number in range(7)]
    runs = stage.airflow.backfill(MPOX, moment(first), moment(end - DAY), max_active_runs=3)
    assert [run["state"] for run in runs] == ["success"] * 7

    rows = {row["dag_run_id"]: row for row in stage.ledger("mpox", run_type="backfill")}
    windows = [rows.pop(run["dag_run_id"]) for run in runs]
    assert rows == {}, "one try each"
    days = [first + number * DAY for number in range(7)]
    assert [(row["updated_since"], row["until"]) for row in windows] == [(day, day + DAY) for day in days]
    assert {(row["mode"], row["status"], row["try_number"]) for row in windows} == {("window", "success", 1)}
    assert {row["watermark_before"] for row in windows} == {row["watermark"] for row in windows} == {full["watermark"]}
    assert_every_line_is_accounted_for(windows)

    # The first day brought the package, which served them all, though three started at once.
    assert len(stage.requests_of("mpox")) == 2, "the full load's and the backfill's"
    assert sorted(row["attempts"] for row in windows) == [0] * 6 + [1]
    (brought_by,) = [row["run_id"] for row in windows if row["attempts"] == 1]
    assert brought_by == windows[0]["run_id"]
    assert {row["package_path"] for row in windows} == {f"packages/mpox/{brought_by}.zip"}
    assert {row["requested_at"] for row in windows} == {windows[0]["requested_at"]}
    assert at_once(runs) == 3

    # Each merged what NCBI shows of its day, and no other.
    shown = stage.shown("mpox")
    for day, row in zip(days, windows, strict=True):
        assert row["lines"] - row["out_of_window"] == sum(updated == day for _, updated in shown.values())
    after = stage.genomes("mpox")
    changed = {accession for accession, row in after.items() if row != before.get(accession)}
    in_window = {accession for accession, (_, updated) in shown.items() if first <= updated < end}
    assert changed <= in_window
    for accession in in_window:
        assert (after[accession]["accession_version"], after[accession]["update_date"]) == shown[accession]
    assert {after[accession]["run_id"] for accession in changed} <= {row["run_id"] for row in windows} | {
        before[accession]["run_id"] for accession in changed & before.keys()
    }
    assert len(after) - len(before) == sum(row["inserted"] for row in windows) > 0
    revised = stage.rows("SELECT * FROM virus_genome_history WHERE source = 'mpox' AND ended_by = 'revision'")
    assert len(revised) == sum(row["revised"] for row in windows) > 0
    later = {accession for accession, (_, updated) in shown.items() if updated >= end}
    assert all(after.get(accession) == before.get(accession) for accession in later)
    assert later - before.keys(), "there was something to leave out"

    # The snapshot holds all seven, whichever publication came last.
    with duckdb.connect(stage.data.snapshot, read_only=True) as snapshot:
        published = snapshot.execute("SELECT run_id FROM ops.ingest_run WHERE run_type = 'backfill'").fetchall()
    assert {run_id for (run_id,) in published} == {row["run_id"] for row in windows}

    # Who waits for the asset hears of every run that changed something.
    events = stage.airflow.get("/assets/events", limit=100)["asset_events"]
    heard = {event["extra"]["run_id"] for event in events if event["uri"] == "x-virus-warehouse://mpox"}
    changes = [row["run_id"] for row in (full, *windows) if row["inserted"] + row["revised"] + row["touched"]]
    assert heard == set(changes)

    # The next run follows the watermark, as if there had been no backfill. It has no logical date.
    run_id = stage.airflow.trigger(MPOX)
    assert stage.airflow.finished(MPOX, run_id)["logical_date"] is None
    (row,) = stage.ledger("mpox", dag_run_id=run_id)
    assert (row["mode"], row["run_type"], row["status"]) == ("incremental", "manual", "success")
    assert row["updated_since"] == full["watermark"] - timedelta(days=14)
    assert row["watermark"] > full["watermark"]
    held = {(row["accession_version"], row["update_date"]) for row in stage.genomes("mpox").values()}
    assert {shown[accession] for accession in in_window | later} <= held


def age_packages(stage: Stage, source: str, *, days: int) -> None:
    """Let the packages held be as old as the story has it: a recent one would spare the backfill its download."""
    for sidecar in (stage.data.packages / source).glob("*.json"):
        content = json.loads(sidecar.read_text(encoding="utf-8"))
        content["requested_at"] = (datetime.fromisoformat(content["requested_at"]) - timedelta(days=days)).isoformat()
        sidecar.write_text(json.dumps(content), encoding="utf-8")


def at_once(runs: list[dict[str, Any]]) -> int:
    """The most runs that were running at a time."""
    starts, ends = (sorted(run[name] for run in runs) for name in ("start_date", "end_date"))
    return max(sum(start <= moment for start in starts) - sum(end < moment for end in ends) for moment in starts)


def test_a_run_that_is_processed_again_becomes_a_window_of_its_day(stage):
    run = scheduled_run(stage, DENGUE)
    run_id = run["dag_run_id"]
    (loaded,) = stage.ledger("dengue")
    task = stage.airflow.task(DENGUE, run_id)
    assert (task["state"], task["try_number"], task["max_tries"]) == ("success", 1, 2)
    settings = stage.airflow.get(f"/dags/{DENGUE}/tasks/ingest")
    assert (settings["retries"], settings["retry_exponential_backoff"]) == (2, 2)
    assert settings["retry_delay"]["seconds"] == 300

    (again,) = stage.airflow.backfill(DENGUE, run["logical_date"], run["logical_date"], reprocess_behavior="completed")
    # Airflow clears the run in place and calls it a backfill from now on. The ledger knows better.
    assert (again["dag_run_id"], again["run_type"], again["state"]) == (run_id, "backfill", "success")
    first, second = stage.ledger("dengue", dag_run_id=run_id)
    assert first == loaded
    assert (first["mode"], first["run_type"], first["try_number"]) == ("full", "scheduled", 1)
    assert (second["mode"], second["run_type"], second["try_number"]) == ("window", "backfill", 2)
    assert (second["updated_since"], second["until"]) == (LAST_DAY, LAST_DAY + DAY)
    assert second["watermark"] == loaded["watermark"]

    # Cleared once more, by hand: the same window again.
    stage.airflow.post(f"/dags/{DENGUE}/dagRuns/{run_id}/clear", {"dry_run": False})
    assert stage.airflow.finished(DENGUE, run_id)["state"] == "success"
    *_, third = rows = stage.ledger("dengue", dag_run_id=run_id)
    assert len(rows) == 3
    for column in ("mode", "run_type", "updated_since", "until", "watermark", "lines", "out_of_window"):
        assert third[column] == second[column]
    assert third["unchanged"] == second["unchanged"] == third["lines"] - third["out_of_window"]
    assert_every_line_is_accounted_for(rows)
    # The package of the full load, a minute old, served both.
    assert len(stage.requests_of("dengue")) == 1


def test_a_window_that_cannot_be_meant_fails_at_once(stage):
    stage.airflow.unpause(DENGUE)
    run_id = stage.airflow.trigger(DENGUE, {"since": str(TODAY - 3 * DAY), "until": str(TODAY - 10 * DAY)})
    assert stage.airflow.finished(DENGUE, run_id)["state"] == "failed"
    task = stage.airflow.task(DENGUE, run_id)
    assert (task["state"], task["try_number"], task["max_tries"]) == ("failed", 1, 2)
    (row,) = stage.ledger("dengue", dag_run_id=run_id)
    said = f"the window from {TODAY - 3 * DAY} until {TODAY - 10 * DAY} holds no day"
    assert row["status"] == "failed"
    assert said in row["error"]
    (log,) = [log for path, log in stage.airflow.task_logs().items() if f"run_id={run_id}/task_id=ingest" in path]
    assert said in log


def test_newest_first_into_an_empty_warehouse(stage):
    """A backfill before anything was loaded. It has the last day too: so no scheduled run is due that loads all."""
    days = [LAST_DAY - number * DAY for number in range(3)]
    stage.airflow.seen(SARS2)
    started = stage.airflow.start_backfill(
        SARS2, moment(days[-1]), moment(days[0]), max_active_runs=1, run_backwards=True
    )
    stage.airflow.unpause(SARS2)
    runs = stage.airflow.finished_backfill(started)
    assert [run["logical_date"][:10] for run in sorted(runs, key=lambda run: run["start_date"])] == [*map(str, days)]
    windows = stage.ledger("sars2")
    assert [(row["mode"], row["updated_since"], row["until"]) for row in windows] == [
        ("window", day, day + DAY) for day in days
    ]
    assert_every_line_is_accounted_for(windows)
    # Newest first costs a download a day: the package of a day does not reach back to those before.
    assert [row["attempts"] for row in windows] == [1, 1, 1]
    assert [asked["updated_since"][:10] for asked in stage.requests_of("sars2")] == [*map(str, days)]
    held = stage.genomes("sars2")
    shown = {name: value for name, value in stage.shown("sars2").items() if days[-1] <= value[1] < days[0] + DAY}
    assert {name: (row["accession_version"], row["update_date"]) for name, row in held.items()} == shown
    assert {row["watermark"] for row in windows} == {None}

    run_id = stage.airflow.trigger(SARS2)
    assert stage.airflow.finished(SARS2, run_id)["state"] == "success"
    (row,) = stage.ledger("sars2", dag_run_id=run_id)
    assert (row["mode"], row["updated_since"], row["watermark_before"]) == ("full", None, None)
    assert row["unchanged"] == len(held)
    assert stage.genomes("sars2").keys() == stage.shown("sars2").keys()


def test_the_logs_hold_nothing_to_wonder_about(stage):
    failed = [run["dag_run_id"] for run in stage.airflow.runs(DENGUE) if run["state"] == "failed"]
    for path, log in stage.airflow.task_logs().items():
        if not any(f"run_id={run_id}/" in path for run_id in failed):
            events = [json.loads(line) for line in log.splitlines()]
            assert [event for event in events if event["level"] not in ("debug", "info")] == [], path
    for service, log in stage.airflow.service_logs().items():
        errors = re.findall(r".*(?:\[(?:error|critical) |Traceback).*", log)
        assert [error for error in errors if not any(f"run_id={run_id} " in error for run_id in failed)] == [], service
