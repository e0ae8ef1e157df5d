"""The form `celery` of docker-compose.yaml, run natively: two workers without a common disk, one of which is killed.

Servers stand in for the containers: PostgreSQL and Redis of Debian, moto for the object storage. The settings are those
of the compose file, but for addresses, folders, passwords and two waits.
"""

import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import URL, make_url

from scripts.airflow_home import CHECKOUT
from tests.support import buckets, celery_workers, lakes, redis
from tests.support.airflow_services import AirflowServices
from tests.support.celery_workers import CeleryWorker
from tests.support.compose_file import SERVICES, WAITS, environment, native
from tests.support.life import QUESTION, Life, dag_of
from tests.support.paused import paused
from tests.support.people import MailServer
from tests.support.postgres import postgres
from tests.support.program import command
from tests.support.stage import HOUR, TODAY
from tests.support.stand_in_process import StandInProcess, stand_in_process
from tests.support.warehouses import opened
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.run_file import read_state
from virus_warehouse.sources import read_sources
from virus_warehouse.warehouse.connection import Warehouse, warehouse_at
from virus_warehouse.warehouse.lake_address import lake_address
from virus_warehouse.warehouse.lake_catalog import connected
from virus_warehouse.warehouse.lake_lock import is_locked
from virus_warehouse.warehouse.ledger import DIED

SOURCES = ("mpox", "dengue", "flu")
SOURCES_FILE = f"""\
defaults: {{schedule: "0 {HOUR} * * *"}}
sources:
  mpox: {{taxon: 10244, reuse_hours: 0}}
  dengue: {{taxon: 12637, reuse_hours: 24}}
  flu: {{taxon: 11320, max_missing: 0.5, withdraw_after: 1}}
alerts:
  failed_after_minutes: 0
  channels:
    team: {{mail: {{to: [team@example.org]}}}}
  rules:
    - {{to: [team], kinds: [failed, held back]}}
"""
FIRST_DAY = TODAY - timedelta(days=3)
HOSTS = ("worker-1", "worker-2")
SECONDS = 180
OF_THE_DATA = ("VIRUS_DATA", "VIRUS_DATA_COPY", "VIRUS_WAREHOUSE")

TABLES = ("virus_genome", "virus_genome_history", "taxon", "taxon_lineage", "ops.quarantine", "ops.schema_drift")
RUN = re.compile(r"\d{8}T\d+Z-\w+-[0-9a-f]{6}")


@dataclass
class Team(Life):
    """What runs for a team.

    Attributes:
        airflow: API server, scheduler and DAG processor.
        workers: by host name.
        ncbi: the stand-in for NCBI.
        mail: the mail server.
        settings: of all Airflow services.
        sources: the sources file.
    """

    airflow: AirflowServices
    workers: dict[str, CeleryWorker]
    ncbi: StandInProcess
    mail: MailServer
    settings: dict[str, str]
    sources: Path

    @property
    def data(self) -> DataFolder:  # type: ignore[override]
        """The data folder in the bucket, as it is now; its copy is the test's own."""
        with patch.dict(os.environ, {name: self.settings[name] for name in OF_THE_DATA}):
            return DataFolder.from_environment()

    @contextmanager
    def merges_held(self) -> Iterator[None]:
        """Let every merge stand still, within its transaction: it cannot learn which files the lake has."""
        address = lake_address(self.settings["VIRUS_WAREHOUSE"], "the lake")
        with connected(address) as connection, connection.transaction():
            table = sql.Identifier(address.schema, "ducklake_data_file")
            connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(table))
            yield

    def warehouse(self) -> Warehouse:
        return warehouse_at(lake_address(self.settings["VIRUS_WAREHOUSE"], "the lake"))

    def ledger(self, dag_run_id: str) -> list[tuple[Any, ...]]:
        """What the ledger has of a DAG run: a row for each try."""
        with self.warehouse().exclusive() as session:
            return session.execute(
                "SELECT run_id, status, error, package_path FROM ops.ingest_run "
                "WHERE dag_run_id = ? ORDER BY started_at",
                [dag_run_id],
            ).fetchall()

    def task(self, source: str, dag_run_id: str) -> dict[str, Any]:
        return self.airflow.task(dag_of(source), dag_run_id)

    def host(self, source: str, dag_run_id: str) -> str:
        """Wait until the task of a run is running; returns its host."""
        running = self.airflow.wait_until(
            f"{source} is running",
            lambda: task if (task := self.task(source, dag_run_id))["state"] == "running" else None,
        )
        return str(running["hostname"])

    def stage(self, source: str) -> object:
        """The stage of the newest run of a source."""
        newest = max(self.data.runs.glob(f"*Z-{source}-*.json"), default=None)
        state = read_state(newest) if newest else None
        return state["stage"] if state else None

    @contextmanager
    def held_in_its_merge(self, source: str) -> Iterator[str]:
        """A run that stands still within its merge, in a transaction; yields the DAG run's id.

        NCBI does not respond until merges are held: then the run can do all but merge.
        """
        with ExitStack() as held:
            with paused(self.ncbi.url):
                dag_run_id = self.run(source)
                self.host(source, dag_run_id)
                self.airflow.wait_until(f"{source} downloads", lambda: self.stage(source) == "download")
                held.enter_context(self.merges_held())
            lake = lake_address(self.settings["VIRUS_WAREHOUSE"], "the lake")
            self.airflow.wait_until(
                f"{source} merges", lambda: self.stage(source) == "merge" and is_locked(lake, "writers")
            )
            yield dag_run_id

    def command(self, *arguments: str | Path, **settings: str) -> str:
        """Run `virus-warehouse` on a host of its own; returns its output."""
        done = command(*map(str, arguments), **self.settings | settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    """The form `celery`, with nothing loaded."""
    missing = (lakes.unavailable, redis.unavailable, buckets.unavailable, celery_workers.unavailable)
    if reason := next((reason for unavailable in missing if (reason := unavailable())), None):
        pytest.skip(reason)
    sources = tmp_path / "sources.yaml"
    sources.write_text(SOURCES_FILE, encoding="utf-8")
    questions = tmp_path / "questions"
    questions.mkdir()
    (questions / "mpox.sql").write_text(QUESTION, encoding="utf-8")
    passwords = {name: secrets.token_hex(16) for name in ("REDIS_PASSWORD", "LAKE_PASSWORD", "OBJECT_STORAGE_PASSWORD")}
    _, *redis_options = SERVICES["redis"]["command"]
    bucket = SERVICES["object-storage"]["environment"]["S3_BUCKET"]
    with ExitStack() as servers:
        database = make_url(servers.enter_context(postgres()))
        port = servers.enter_context(redis.redis(passwords["REDIS_PASSWORD"], *redis_options[2:]))
        bucket_url = servers.enter_context(buckets.bucket_server())
        buckets.new_bucket(bucket_url, bucket)
        ncbi = servers.enter_context(stand_in_process(FIRST_DAY, epoch=TODAY, records=1200))
        create_databases(database, passwords)

        settings: dict[str, str] = {}
        airflow = AirflowServices(settings, database="in the settings")
        variables = passwords | {
            "POSTGRES_PASSWORD": str(database.password),
            "AIRFLOW_FERNET_KEY": "",
            "AIRFLOW_API_SECRET_KEY": secrets.token_hex(16),
            "AIRFLOW_JWT_SECRET": secrets.token_hex(32),
        }
        settings |= native(
            environment("celery-scheduler", variables),
            api=airflow.url,
            bucket=bucket_url,
            database=f"@127.0.0.1:{database.port}/",
            queue=f"@127.0.0.1:{port}/",
            data=str(tmp_path / "copy"),
            checkout=str(CHECKOUT),
            home=str(airflow.home),
        )
        settings |= WAITS
        settings |= {"VIRUS_SOURCES": str(sources), "VIRUS_QUESTIONS": str(questions), "NCBI_DATASETS_URL": ncbi.url}
        mail = servers.enter_context(MailServer())
        (airflow.home / "login").mkdir()
        for name in (name for name in settings if name.startswith("AWS_")):
            monkeypatch.setenv(name, settings[name])
        copies = {host: {"VIRUS_DATA_COPY": str(tmp_path / host)} for host in HOSTS}
        with airflow, celery_workers.celery_workers(copies, airflow.environment, airflow.home) as workers:
            airflow.post("/connections", {"connection_id": "smtp_default", **mail.in_airflow})
            yield Team(airflow, {worker.host: worker for worker in workers}, ncbi, mail, settings, sources)


def create_databases(server: URL, passwords: dict[str, str]) -> None:
    """Airflow's, as PostgreSQL's container makes it, and the lake's, as `lake-init` does it, twice."""
    with psycopg.connect(
        host=server.host, port=server.port, user=server.username, password=server.password, dbname=server.database
    ) as connection:
        connection.autocommit = True
        connection.execute("CREATE DATABASE airflow")
    where = {"PGHOST": str(server.host), "PGPORT": str(server.port), "PGPASSWORD": str(server.password)}
    script = SERVICES["lake-init"]["volumes"][0].split(":")[0]
    for given in (passwords | {"LAKE_PASSWORD": "an earlier one"}, passwords):
        subprocess.run(["sh", CHECKOUT / script], env=os.environ | where | given, check=True)
    lake = URL.create("postgresql", "virus_warehouse", passwords["LAKE_PASSWORD"], server.host, server.port)
    for database, opens in (("virus_warehouse", True), ("airflow", False)):
        refused = nullcontext() if opens else pytest.raises(psycopg.OperationalError, match="permission denied")
        with refused:
            psycopg.connect(lake.set(database=database).render_as_string(hide_password=False)).close()


def undisturbed(team: Team, folder: Path, days: tuple[date, ...], sources: dict[date, tuple[str, ...]]) -> Path:
    """A warehouse file with what these sources load on these days, when nothing happens."""
    data = DataFolder(folder)
    data.create()
    followed, warehouse = read_sources(team.sources), Warehouse(data.warehouse)
    for day in days:
        team.ncbi.set_today(day)
        for source in sources[day]:
            with DatasetsClient(team.ncbi.url) as client:
                ingest(followed.source(source), client=client, warehouse=warehouse, data=data)
    return data.warehouse


def contents(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The contents of a warehouse, without what differs between two plays: times and the ids of runs."""

    def compared(row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(
            RUN.sub("a run", value) if isinstance(value, str) else value
            for value in row
            if not isinstance(value, datetime)
        )

    with opened(file) as connection:
        return {
            table: sorted(map(compared, connection.execute(f"FROM {table}").fetchall()), key=repr) for table in TABLES
        }


def load_on_both_workers(team: Team) -> None:
    """Let three sources run at once: two workers have two slots each, so neither can take all."""
    with paused(team.ncbi.url):
        for source in SOURCES:
            team.airflow.unpause(dag_of(source))
        runs = {}
        for source in SOURCES:
            [run] = team.airflow.wait_until(f"{source} runs", lambda source=source: team.airflow.runs(dag_of(source)))
            runs[source] = run["dag_run_id"]
        assert {team.host(source, run) for source, run in runs.items()} == set(HOSTS)
    for source, run in runs.items():
        team.published(source, run)


def lose_a_worker(team: Team) -> str:
    """Kill the worker of a run within its merge: the retry ends well on the other, whose host is returned."""
    with team.held_in_its_merge("mpox") as dag_run_id:
        lost = team.host("mpox", dag_run_id)
        team.workers[lost].kill()
    assert not team.workers[lost].is_healthy()
    assert team.airflow.finished(dag_of("mpox"), dag_run_id)["state"] == "success"
    [left] = set(HOSTS) - {lost}
    task = team.task("mpox", dag_run_id)
    assert (task["hostname"], task["try_number"]) == (left, 2)
    (dead, first, error, _), (_, second, _, package) = team.ledger(dag_run_id)
    assert (first, second) == ("failed", "success")
    assert error == DIED
    assert dead in package, "what the lost run has downloaded was not used"
    team.published("mpox", dag_run_id)
    return left


def stop_a_worker(team: Team, host: str) -> None:
    """Stop a worker within a merge, as `docker compose stop` does: it ends after its task, which succeeds."""
    with team.held_in_its_merge("dengue") as dag_run_id:
        team.workers[host].stop()
    assert team.workers[host].wait(SECONDS) == 0
    assert team.airflow.finished(dag_of("dengue"), dag_run_id)["state"] == "success"
    assert team.task("dengue", dag_run_id)["try_number"] == 1
    assert [status for _, status, *_ in team.ledger(dag_run_id)] == ["success"]


@pytest.mark.long
def test_two_workers_load_publish_and_survive_the_loss_of_one(team: Team, tmp_path: Path) -> None:
    assert all(worker.is_healthy() for worker in team.workers.values())
    load_on_both_workers(team)

    team.ncbi.set_today(TODAY)
    left = lose_a_worker(team)
    stop_a_worker(team, left)

    copy = tmp_path / "copy.duckdb"
    with team.warehouse().unchanging() as state:
        state.copy_to(copy)
    sources = {FIRST_DAY: SOURCES, TODAY: ("mpox", "dengue")}
    assert contents(copy) == contents(undisturbed(team, tmp_path / "undisturbed", (FIRST_DAY, TODAY), sources))


@pytest.mark.long
@pytest.mark.browser
def test_a_day_of_a_team_that_loses_a_worker(team: Team, tmp_path: Path) -> None:
    load_on_both_workers(team)
    team.ncbi.set_today(TODAY)
    team.backfill(FIRST_DAY)

    team.refuse_a_run()
    team.inform()
    assert len(team.mails("team", "flu: failed", "400")) == 1
    left = lose_a_worker(team)
    team.published("flu", team.run("flu"))
    team.inform()
    assert len(team.mails("team", "Over: flu: failed")) == 1

    team.drop_records()
    team.approve()

    backups = tmp_path / "backups"
    made = team.command("backup", backups, VIRUS_DATA_COPY=str(tmp_path / "of the back-ups"))
    assert "NOT BACKED UP" not in made, made
    assert team.command("backup", "--verify", backups).startswith("OK ")
    stop_a_worker(team, left)
    restored = tmp_path / "restored"
    done = command("restore", str(backups), VIRUS_DATA=str(restored), VIRUS_SOURCES=str(team.sources))
    assert done.returncode == 0, done.stderr
    loads = "SELECT run_id FROM ops.ingest_run WHERE status = 'success' ORDER BY ALL"
    with team.warehouse().exclusive() as lake, opened(restored / "warehouse.duckdb") as file:
        in_lake, in_file = (session.execute(loads).fetchall() for session in (lake, file))
    assert len(in_file) == len(SOURCES) + 2 + 3
    assert set(in_lake) - set(in_file) == {in_lake[-1]}, "what was loaded since"
