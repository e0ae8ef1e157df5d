"""A day in the life: what people do with the warehouse, one thing after the other, from its installation on.

Airflow and the command run from a wheel, without the checkout but for its DAG files, and in the end from a later
version's. This takes more than two minutes of processor time: too long for `make test`.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scripts import chromium
from tests.support import postgres
from tests.support.airflow_services import AirflowServices
from tests.support.commands import CHECKOUT
from tests.support.life import DAY, QUESTION, Life, dag_of
from tests.support.people import MailServer
from tests.support.program import AS_INSTALLED
from tests.support.stage import HOUR, TODAY
from tests.support.stand_in import StandIn
from tests.support.wheel import LATER_VERSION, environment_with, install, wheel_of, wheel_of_later_version
from virus_warehouse import __version__
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.manifest import read_manifest

FIRST_DAY = TODAY - 8 * DAY

LATE_AFTER = 60
"""Seconds. The run that is late waits for its retry, for longer than this test."""

SOURCES = f"""\
defaults: {{schedule: "0 {HOUR} * * *"}}
sources:
  mpox: {{taxon: 10244, reuse_hours: 0}}
  dengue: {{taxon: 12637}}
  flu: {{taxon: 11320, max_missing: 0.5, withdraw_after: 1}}
alerts:
  failed_after_minutes: 0
  late_after_hours: {LATE_AFTER / 3600}
  channels:
    team: {{mail: {{to: [team@example.org]}}}}
    night: {{mail: {{to: [night@example.org]}}}}
  rules:
    - {{to: [team], kinds: [failed, held back]}}
    - {{to: [night], kinds: [late]}}
"""


@dataclass
class Day(Life):
    """The parts of the day.

    Attributes:
        airflow: Airflow.
        ncbi: the stand-in for NCBI.
        mail: the mail server.
        data: the data folder.
        programs: the folder of the installed programs.
    """

    airflow: AirflowServices
    ncbi: StandIn
    mail: MailServer
    data: DataFolder
    programs: Path

    def command(self, *arguments: str | Path, **settings: str) -> str:
        """Run the installed `virus-warehouse`; returns its output."""
        done = subprocess.run(
            [self.programs / "virus-warehouse", *arguments],
            env=self.airflow.environment | settings,
            cwd=self.data.root.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def as_of(self, moment: datetime, **settings: str) -> str:
        """The records as of a moment, asked by the command."""
        of_then = f"SELECT * EXCLUDE (update_date) FROM virus_genome_as_of(TIMESTAMPTZ '{moment}') ORDER BY ALL"
        return self.command("sql", of_then, "--format", "csv", **settings)

    def deadline_has_passed(self, source: str, dag_run_id: str) -> None:
        """Wait until Airflow has called at the deadline of a DAG run."""
        logs = self.airflow.home / "logs" / "executor_callbacks" / dag_of(source) / dag_run_id
        self.airflow.wait_until(
            f"Airflow has called at the deadline of {dag_run_id}",
            lambda: any("Callback executed successfully" in log.read_text() for log in logs.glob("*")),
        )


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    """A new installation of the wheel, with nothing loaded."""
    if reason := postgres.unavailable() or chromium.unavailable():
        pytest.skip(reason)
    programs = environment_with(wheel_of(CHECKOUT, tmp_path), tmp_path / "installed")
    data, sources, questions = DataFolder(tmp_path / "data"), tmp_path / "sources.yaml", tmp_path / "questions"
    sources.write_text(SOURCES, encoding="utf-8")
    questions.mkdir()
    (questions / "mpox.sql").write_text(QUESTION, encoding="utf-8")
    with StandIn(today=FIRST_DAY, epoch=TODAY, records=1200) as ncbi, MailServer() as mail:
        environment = {
            "PYTHONPATH": str(AS_INSTALLED),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(tmp_path / "no_plugins"),
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "3600",
            "VIRUS_DATA": str(data.root),
            "VIRUS_SOURCES": str(sources),
            "VIRUS_QUESTIONS": str(questions),
            "NCBI_DATASETS_URL": ncbi.url,
            "NCBI_DATASETS_PATIENCE": "1",
        }
        with AirflowServices(environment, programs / "python") as airflow:
            # In Airflow's database, as people have it, and not in the environment.
            airflow.post("/connections", {"connection_id": "smtp_default", **mail.in_airflow})
            yield Day(airflow, ncbi, mail, data, programs)
        airflow.wait_until_gone()


def load_everything(day: Day) -> datetime:
    """Let the three sources run by their schedule; returns a moment at which all are published."""
    sources = ("mpox", "dengue", "flu")
    for source in sources:
        day.airflow.unpause(dag_of(source))
    for source in sources:
        dag_id = dag_of(source)
        [run] = day.airflow.wait_until(f"{source} runs", lambda dag_id=dag_id: day.airflow.runs(dag_id))
        day.published(source, run["dag_run_id"])
    assert day.rows("SELECT DISTINCT mode, run_type FROM ops.ingest_run") == [("full", "scheduled")]
    return datetime.now(UTC)


def break_ncbi(day: Day) -> tuple[str, str]:
    """Let NCBI refuse a run, which fails, and break another one, which waits for its retry; returns these DAG runs."""
    refused = day.refuse_a_run()
    day.ncbi.fault("status", times=100, status=503)
    waiting = day.run("dengue")
    day.airflow.wait_until(
        "the run waits for its next try",
        lambda: day.airflow.task(dag_of("dengue"), waiting)["state"] == "up_for_retry",
    )
    day.ncbi.clear_faults()
    day.inform()
    assert len(day.mails("team", "dengue: failed", "503")) == 1
    return refused, waiting


def recover(day: Day, refused: str, waiting: str) -> None:
    """See that the run that waits is late by now, and the one that has failed is not; and let the first go on."""
    for source, dag_run_id in (("flu", refused), ("dengue", waiting)):
        day.deadline_has_passed(source, dag_run_id)
    day.inform()
    assert len(day.mails("night", "dengue: late", waiting)) == 1
    assert day.mails("night", refused) == []
    again = {"dry_run": False, "dag_run_id": waiting, "task_ids": ["ingest"], "only_failed": False}
    day.airflow.post(f"/dags/{dag_of('dengue')}/clearTaskInstances", again)
    day.published("dengue", waiting)
    day.inform()
    assert len(day.mails("team", "Over: dengue: failed")) == 1
    assert len(day.mails("night", "Over: dengue: late", waiting)) == 1


@pytest.mark.long
@pytest.mark.browser
def test_a_day_in_the_life(day: Day, tmp_path: Path) -> None:
    first_day = load_everything(day)
    of_first_day = day.as_of(first_day)
    assert of_first_day.count("\n") > 300

    day.ncbi.set_today(TODAY)
    day.backfill(FIRST_DAY)
    refused, waiting = break_ncbi(day)
    day.drop_records()
    day.approve()
    recover(day, refused, waiting)
    assert day.as_of(first_day) == of_first_day

    backups = tmp_path / "backups"
    made = day.command("backup", backups)
    assert "NOT BACKED UP" not in made, made
    assert day.command("backup", "--verify", backups).startswith("OK ")
    assert read_manifest(day.data.manifest).virus_warehouse_version == __version__

    later = wheel_of_later_version(tmp_path / "later")
    day.airflow.restart(lambda: install(later, day.programs / "python"))
    day.published("mpox", day.run("mpox"))
    assert read_manifest(day.data.manifest).virus_warehouse_version == LATER_VERSION
    assert day.rows("SELECT count(note) FROM ops.quarantine") == [(0,)]
    assert day.as_of(first_day) == of_first_day

    elsewhere = DataFolder(tmp_path / "elsewhere")
    day.command("restore", backups, VIRUS_DATA=str(elsewhere.root))
    assert day.as_of(first_day, VIRUS_DATA=str(elsewhere.root)) == of_first_day
    assert day.command("run", "mpox", VIRUS_DATA=str(elsewhere.root)).startswith("OK mpox: incremental load committed")
    assert day.as_of(first_day, VIRUS_DATA=str(elsewhere.root)) == of_first_day
