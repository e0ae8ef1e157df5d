"""What only Airflow knows of a source: whether its DAG is switched on, and when it runs next."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.models.dag import DagModel
from fastapi import Depends
from sqlalchemy import select

PREFIX = "ncbi_virus_ingest__"


@dataclass(frozen=True)
class DagState:
    """The DAG of a source.

    Attributes:
        is_paused: whether nothing runs by itself.
        next_run_at: when the next scheduled run is due; None when none is planned.
    """

    is_paused: bool
    next_run_at: datetime | None


def dag_states(session: SessionDep) -> dict[str, DagState]:
    """The DAGs of the sources, by source, as Airflow's database has them."""
    columns = (DagModel.dag_id, DagModel.is_paused, DagModel.next_dagrun_create_after)
    rows = session.execute(select(*columns).where(DagModel.dag_id.startswith(PREFIX, autoescape=True)))
    return {dag_id.removeprefix(PREFIX): DagState(bool(is_paused), due) for dag_id, is_paused, due in rows}


DagStates = Annotated[dict[str, DagState], Depends(dag_states)]
