"""What killed runs have left behind."""

import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from virus_warehouse.archive import Archive
from virus_warehouse.atomic_file import unfinished_files
from virus_warehouse.doctor.finding import Finding, ok, warning
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.parts_folder import stale_parts
from virus_warehouse.publish.candidate import KEPT_CANDIDATE_SECONDS
from virus_warehouse.run_file import dead_runs
from virus_warehouse.running import is_running
from virus_warehouse.warehouse.lock_holder import LockUnknown, lock_holder
from virus_warehouse.wording import counted, plural

_SHOWN = 3


def check_leftovers(installation: Installation) -> Finding:
    """Whether dead runs and publications left files; those of running ones are none."""
    data = installation.data
    if not data.root.is_dir():
        return ok("There is no data folder yet, and nothing in it.")
    dead = sorted(dead_runs(data.runs))
    left = [*_of_runs(installation), *_of_publications(installation)]
    if not dead and not left:
        return ok("No run or publication has left anything behind.")
    found = []
    if dead:
        found.append(f"{counted(len(dead), 'run')} died without an end: {_listed(dead)}")
    if left:
        size = sum(map(_bytes, left))
        names = [str(path.relative_to(data.root)) for path in left]
        found.append(f"{counted(len(left), 'leftover')} with {size / 1e6:.1f} MB in {data.root}: {_listed(names)}")
    return warning(
        "; ".join(found) + ".",
        f"Nothing has to be done: the next run records the end of dead ones and removes their "
        f"{plural(len(left), 'file')}, and the next publication removes old candidates.",
    )


def _of_runs(installation: Installation) -> Iterator[Path]:
    """What the next run removes, as `virus_warehouse.leftovers` does."""
    data = installation.data
    working = partial(is_running, data)
    if data.temporary.is_dir():
        yield from (folder for folder in sorted(data.temporary.iterdir()) if not working(folder.name))
    yield from (file for file, run_id in unfinished_files(data.runs) if not working(run_id))
    if data.packages.is_dir():
        for folder in sorted(data.packages.iterdir()):
            yield from Archive(data.packages, folder.name).leftovers(working)
    yield from stale_parts(data)


def _of_publications(installation: Installation) -> Iterator[Path]:
    """What the next publication removes, as `virus_warehouse.publish.candidate` does."""
    candidates, oldest = installation.data.candidates, time.time() - KEPT_CANDIDATE_SECONDS
    yield from (path for path in sorted(candidates.glob("*.duckdb*")) if _is_left(path, oldest, installation))


def _is_left(path: Path, oldest: float, installation: Installation) -> bool:
    if path.suffix == ".part":  # a copy in the making, while its process has the warehouse locked
        return bool(installation.warehouse_files) and not _is_locked(installation.warehouse)
    try:
        return path.stat().st_mtime < oldest
    except FileNotFoundError:  # published or removed meanwhile
        return False


def _is_locked(warehouse: Path) -> bool:
    try:
        return warehouse.exists() and lock_holder(warehouse) is not None
    except LockUnknown:
        return True


def _bytes(path: Path) -> int:
    size = 0
    for file in path.rglob("*") if path.is_dir() else (path,):
        with suppress(FileNotFoundError):  # a run that starts meanwhile removes it
            size += file.lstat().st_size
    return size


def _listed(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
