"""`virus-warehouse doctor` asks Airflow's own API server, on a metadata database, whether its components are alive."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from airflow.api_fastapi.app import create_app
from airflow.jobs.job import Job
from airflow.utils.session import create_session

from tests.support.ports import free_port
from tests.support.waiting import until
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.doctor.finding import Finding
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.doctor.scheduler import check_scheduler


@pytest.fixture(scope="module")
def airflow_url() -> Iterator[str]:
    """Airflow's API server in this process; no scheduler runs."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(create_app(apps="core"), port=port, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started, 60)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def heard_of(component: str, ago: timedelta) -> None:
    """Let this be the last sign of life of a component."""
    with create_session() as session:
        session.query(Job).filter(Job.job_type == component).delete()
        job = Job(job_type=component, state="running")
        job.latest_heartbeat = datetime.now(UTC) - ago
        session.add(job)


@pytest.fixture(autouse=True)
def _without_jobs() -> Iterator[None]:
    """Other tests of the same worker leave some."""
    _forget_jobs()
    yield
    _forget_jobs()


def _forget_jobs() -> None:
    with create_session() as session:
        session.query(Job).delete()


def test_the_health_of_airflow(airflow_url: str, tmp_path: Path) -> None:
    def check() -> Finding:
        return check_scheduler(Installation(DataFolder(tmp_path), airflow_url=airflow_url))

    none = check()
    assert none.verdict == "failure"
    assert "scheduler is unhealthy; dag_processor is not running." in none.message
    heard_of("DagProcessorJob", timedelta())
    heard_of("SchedulerJob", timedelta(hours=2))
    dead = check()
    assert dead.verdict == "failure"
    assert "scheduler is unhealthy, last heard of at " in dead.message
    assert "dag_processor" not in dead.message
    heard_of("SchedulerJob", timedelta())
    alive = check()
    assert alive.message == f"{airflow_url}: metadatabase, scheduler, dag_processor are healthy."
    assert alive.verdict == "ok"
    heard_of("TriggererJob", timedelta(hours=2))
    assert "triggerer is unhealthy" in check().message
