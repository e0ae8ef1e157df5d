"""Which runs are running: on this host and, with a data folder in a bucket, on others."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from virus_warehouse import run_file
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.run_file import read_state, started_since
from virus_warehouse.warehouse.connection import warehouse_of

LONGEST = timedelta(days=7)
"""A run that began longer ago is not looked for on other hosts."""


def is_running(data: DataFolder, run_id: str) -> bool:
    """Whether a process is working on a run.

    Args:
        data: the data folder.
        run_id: the run.

    Raises:
        CatalogUnavailable: when the lake's database cannot be asked.
    """
    return warehouse_of(data).is_running(data, run_id) if data.is_copy else run_file.is_running(data.runs, run_id)


def running_states(data: DataFolder) -> Iterator[dict[str, object]]:
    """The states of the runs that are running now.

    Args:
        data: the data folder.

    Raises:
        CatalogUnavailable: when the lake's database cannot be asked.
    """
    here = {str(state["run_id"]): state for state in run_file.running_states(data.runs)}
    yield from here.values()
    if data.is_copy:
        for path in started_since(data.runs, datetime.now(UTC) - LONGEST):
            state = read_state(path) if path.stem not in here else None
            if state is not None and state.get("ended_at") is None and is_running(data, path.stem):
                yield state
