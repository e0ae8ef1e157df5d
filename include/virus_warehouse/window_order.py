"""Which day of a backfill fetches first: the earliest, as its package serves the later ones."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from virus_warehouse.archive import Archive
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.package_reuse import ReusablePackages
from virus_warehouse.run_file import running_states, states_since
from virus_warehouse.run_mode import WINDOW
from virus_warehouse.sources import Source
from virus_warehouse.windows import Window

STARTING = timedelta(minutes=5)
"""How long after Airflow has begun an earlier day its run is expected to appear."""


class EarlierDayFirst(RuntimeError):
    """An earlier day of the same backfill is about to fetch what this one asks for: try again once it has."""


@dataclass(frozen=True)
class DayOfBackfill:
    """A day of a backfill that Airflow has begun.

    Attributes:
        dag_run_id: its DAG run.
        began_at: when that began, this time: Airflow runs a day again under the same id.
    """

    dag_run_id: str
    began_at: datetime


EarlierDay = Callable[[], DayOfBackfill | None]
"""Asks for the latest of the earlier days of a backfill that run now; None when there is none."""


def let_earlier_day_fetch_first(source: Source, window: Window, data: DataFolder, earlier_day: EarlierDay) -> None:
    """Stop a day of a backfill that would ask NCBI for what an earlier day is about to bring.

    Airflow starts several days of a backfill together and in no certain order. Each waits for the one before it,
    so all of them for the first. Nobody waits for a day whose run has ended, or has not appeared for `STARTING`.

    Args:
        source: the source.
        window: the day.
        data: where packages and run files are.
        earlier_day: asks Airflow for the day to wait for.

    Raises:
        EarlierDayFirst: when that day is to be waited for.
    """
    if ReusablePackages(source, Archive(data.packages, source.name)).covering(window) is not None:
        return
    if (day := earlier_day()) is not None and datetime.now(UTC) < day.began_at + STARTING:
        begun = states_since(data.runs, source.name, day.began_at)
        if all(state.get("dag_run_id") != day.dag_run_id for state in begun):
            raise EarlierDayFirst(f"{day.dag_run_id} has been started, and may bring what this day asks for")
    fetches = {"source": source.name, "fingerprint": source.fingerprint, "mode": WINDOW}
    for state in running_states(data.runs):
        since = state.get("updated_since")
        if state.items() >= fetches.items() and since is not None and str(since) < str(window.updated_since):
            raise EarlierDayFirst(f"run {state['run_id']} may bring what this day asks for")
