"""The state of a run as a file, `data/runs/<run>.json`, for the pages and for people, also after the run has died.

A lock file beside it is locked by the working process; the operating system releases the lock when that process ends
for any reason: a run whose lock is free is not running.
"""

import fcntl
import json
import logging
import os
import platform
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from virus_warehouse.atomic_file import write_json

logger = logging.getLogger(__name__)

FORMAT = 1
"""Of a run file. A later format may drop or rename keys that this version reads."""


def new_run_id(source: str, started_at: datetime) -> str:
    """An id for a run of a source; ids sort by start time, in UTC."""
    return f"{_stamp(started_at)}-{source}-{secrets.token_hex(3)}"


def run_files(folder: Path, source: str, suffix: str = ".json") -> Iterator[Path]:
    """The files of a source's runs in a folder; run files by default."""
    return folder.glob(f"*Z-{source}-*{suffix}")


def read_state(path: Path) -> dict[str, object] | None:
    """The contents of a run file; None when it is missing or not a run file."""
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        logger.warning("%s is not a run file (%s); ignoring it", path, error)
        return None
    return state if isinstance(state, dict) else None


class RunFile:
    """The run file of one run, rewritten at every stage."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self.path = folder / f"{run_id}.json"
        self._state: dict[str, object] = {
            "format": FORMAT,
            "run_id": run_id,
            "host": platform.node(),
            "process_id": os.getpid(),
        }

    def write(self, **changes: object) -> None:
        """Update the state and write it."""
        self._state |= {**changes, "written_at": datetime.now(UTC).isoformat()}
        write_json(self.path, self._state)


@dataclass
class RunLock:
    """The lock of a running run.

    Attributes:
        is_kept: whether the lock file is kept at the end, so that another run records the end of this one.
    """

    is_kept: bool = False


@contextmanager
def run_lock(folder: Path, run_id: str) -> Iterator[RunLock]:
    """Hold the lock of a run while it is working."""
    path = _lock_path(folder, run_id)
    with ExitStack() as stack:
        while True:
            lock = stack.enter_context(path.open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Another run may have removed the file between its creation and its locking.
            with suppress(FileNotFoundError):
                if os.path.samestat(path.stat(), os.fstat(lock.fileno())):
                    break
        held = RunLock()
        try:
            yield held
        finally:
            if not held.is_kept:
                path.unlink(missing_ok=True)


def is_running(folder: Path, run_id: str) -> bool:
    """Whether a process is working on that run."""
    try:
        with _lock_path(folder, run_id).open("r+") as lock:
            # Shared, so that concurrent checks do not mistake each other for the run.
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def running_states(folder: Path) -> Iterator[dict[str, object]]:
    """The states of the runs that are running now."""
    for run_id in _locked(folder):
        if is_running(folder, run_id) and (state := read_state(folder / f"{run_id}.json")) is not None:
            yield state


def started_since(folder: Path, moment: datetime) -> Iterator[Path]:
    """The run files of the runs that started at a time, to the second, or later."""
    return (path for path in folder.glob("*.json") if path.name >= _stamp(moment))


def states_since(folder: Path, source: str, moment: datetime) -> Iterator[dict[str, object]]:
    """The states of a source's runs that started at a time, to the second, or later."""
    for path in run_files(folder, source):
        state = read_state(path) if path.name >= _stamp(moment) else None
        # Another source's name may end with this one.
        if state is not None and state.get("source") == source:
            yield state


def dead_runs(folder: Path) -> list[str]:
    """The runs whose processes have died: their lock files exist but are not locked."""
    return [run_id for run_id in _locked(folder) if not is_running(folder, run_id)]


def mark_as_dead(folder: Path, run_id: str) -> None:
    """Leave the lock file of a run whose process is not on this machine: the next run records its end."""
    _lock_path(folder, run_id).touch()


def close_dead_run(folder: Path, run_id: str, end: Mapping[str, object]) -> None:
    """Record the end of a dead run in its run file, if there is one, and remove its lock."""
    path, lock_path = folder / f"{run_id}.json", _lock_path(folder, run_id)
    with suppress(BlockingIOError, FileNotFoundError), lock_path.open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if (state := read_state(path)) is not None:
            write_json(path, {**state, **end, "written_at": datetime.now(UTC).isoformat()})
        lock_path.unlink()


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _locked(folder: Path) -> list[str]:
    return [lock.name.removeprefix(".").removesuffix(".lock") for lock in folder.glob(".*.lock")]


def _lock_path(folder: Path, run_id: str) -> Path:
    return folder / f".{run_id}.lock"
