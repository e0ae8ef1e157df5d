"""In which order windows of a source fetch that run at once: the earliest first, as its package serves the later."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from virus_warehouse.archive import Archive
from virus_warehouse.run_file import running_states, states_since
from virus_warehouse.run_mode import WINDOW
from virus_warehouse.sources import Source
from virus_warehouse.windows import Window

STARTING_SECONDS = 60.0
"""How long a day of a backfill waits for an earlier one that Airflow has begun and that does not appear: it may wait
for the very place in which this one runs."""


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


@dataclass(frozen=True)
class WindowOrder:
    """The place of one window among those that run at once.

    Attributes:
        source: the source.
        window: the window that is to fetch.
        runs: folder of the run files.
        archive: the source's archive.
        is_served: whether the archive holds a package that covers the window.
        earlier_day: asks Airflow for the day to wait for; None for a window of no backfill.
    """

    source: Source
    window: Window
    runs: Path
    archive: Archive
    is_served: Callable[[], bool]
    earlier_day: EarlierDay | None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Fetch alone, and not before an earlier window that is about to.

        Airflow starts several days of a backfill together and in no certain order. Each waits for the one before
        it, so all of them for the first.
        """
        deadline = time.monotonic() + STARTING_SECONDS
        while not self.is_served() and self._earlier_day_is_to_come() and time.monotonic() < deadline:
            time.sleep(0.5)
        while True:
            self.is_served()  # looks at what has come meanwhile, before anybody has to wait for it
            with self.archive.one_at_a_time():
                if self.is_served() or not self._earlier_window_waits():
                    yield
                    return
            time.sleep(0.2)

    def _earlier_day_is_to_come(self) -> bool:
        """Whether Airflow has begun an earlier day whose run has told nothing of itself yet."""
        day = self.earlier_day() if self.earlier_day is not None else None
        if day is None:
            return False
        begun = states_since(self.runs, self.source.name, day.began_at)
        return all(state.get("dag_run_id") != day.dag_run_id for state in begun)

    def _earlier_window_waits(self) -> bool:
        """Whether another run of the source is about to bring what this one could use, once it has committed."""
        mine = {"source": self.source.name, "fingerprint": self.source.fingerprint, "mode": WINDOW}
        return any(
            state.items() >= mine.items()
            and state.get("updated_since") is not None
            and str(state["updated_since"]) < str(self.window.updated_since)
            for state in running_states(self.runs)
        )
