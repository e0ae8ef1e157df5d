"""The order of a backfill's downloads: earliest day first, as its package serves the later days."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from virus_warehouse.archive import Archive
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.package_reuse import ReusablePackages
from virus_warehouse.run_file import states_since
from virus_warehouse.run_mode import WINDOW
from virus_warehouse.running import running_states
from virus_warehouse.sources import Source
from virus_warehouse.windows import Window

SILENT = timedelta(hours=1)
"""A run whose run file is older than this is not waited for: it may be stopped, or its host gone."""

STARTING = timedelta(minutes=5)
"""How long after Airflow has started an earlier day its run is expected to appear."""


class EarlierDayFirst(RuntimeError):
    """An earlier day of the same backfill is about to download what this one needs; try again later."""


@dataclass(frozen=True)
class DayOfBackfill:
    """A day of a backfill that Airflow has started.

    Attributes:
        dag_run_id: its DAG run.
        began_at: when it was last started: Airflow may run a day again under the same id.
    """

    dag_run_id: str
    began_at: datetime


EarlierDay = Callable[[], DayOfBackfill | None]
"""Gives the latest earlier day of a backfill that is running now; None when there is none."""


def let_earlier_day_fetch_first(source: Source, window: Window, data: DataFolder, earlier_day: EarlierDay) -> None:
    """Postpone a day of a backfill while an earlier day is about to download the same records.

    Airflow starts several days of a backfill together, in any order. Each waits for the one before it, so all wait
    for the first. A day whose run has ended, or has not appeared within `STARTING`, is not waited for.

    Args:
        source: the source.
        window: the window of the day.
        data: the data folder.
        earlier_day: gives the day to wait for.

    Raises:
        EarlierDayFirst: when an earlier day has to download first.
    """
    if source.reuse_hours == 0:  # no package of another day would be used
        return
    if ReusablePackages(source, Archive(data.packages, source.name)).covering(window) is not None:
        return
    now = datetime.now(UTC)
    if (day := earlier_day()) is not None and now < day.began_at + STARTING:
        begun = states_since(data.runs, source.name, min(day.began_at, now))
        if all(state.get("dag_run_id") != day.dag_run_id for state in begun):
            raise EarlierDayFirst(f"{day.dag_run_id} has been started and may download what this day needs")
    fetches = {"source": source.name, "fingerprint": source.fingerprint, "mode": WINDOW}
    for state in running_states(data):
        since, written_at = state.get("updated_since"), datetime.fromisoformat(str(state["written_at"]))
        is_earlier = since is not None and str(since) < str(window.updated_since)
        if state.items() >= fetches.items() and is_earlier and now < written_at + SILENT:
            raise EarlierDayFirst(f"run {state['run_id']} may download what this day needs")
