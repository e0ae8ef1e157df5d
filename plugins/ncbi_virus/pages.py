"""The pages of the warehouse inside Airflow's UI: with its login, and its state of the DAGs."""

from datetime import datetime

from airflow.api.common.airflow_health import HEALTHY, get_airflow_health
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import get_user
from airflow.models.dag import DagModel
from fastapi import FastAPI
from sqlalchemy import select

from virus_warehouse.pages.app import create_app
from virus_warehouse.pages.host import DagState, Scheduler

PREFIX = "ncbi_virus_ingest__"


def airflow_pages() -> FastAPI:
    """The app for Airflow to mount. Airflow does not protect mounted apps with its login, so the app does."""
    return create_app(user=get_user, dag_states=dag_states, scheduler=scheduler)


def dag_states(session: SessionDep) -> dict[str, DagState]:
    """The DAGs of the sources, by source, from Airflow's database."""
    columns = (DagModel.dag_id, DagModel.is_paused, DagModel.next_dagrun_create_after)
    rows = session.execute(select(*columns).where(DagModel.dag_id.startswith(PREFIX, autoescape=True)))
    return {dag_id.removeprefix(PREFIX): DagState(bool(is_paused), due) for dag_id, is_paused, due in rows}


def scheduler() -> Scheduler:
    """The scheduler, from its heartbeat in Airflow's database."""
    state = get_airflow_health()["scheduler"]
    seen = state["latest_scheduler_heartbeat"]
    return Scheduler(state["status"] == HEALTHY, datetime.fromisoformat(seen) if seen else None)
