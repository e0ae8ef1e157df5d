"""A back-up, a restore or the housekeeping in a process of its own, which a test stops at a moment and kills there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from tests.support.fork_server import fork_server
from tests.support.killed_process import PATIENCE, KilledProcess, Stop, _after, _before
from virus_warehouse import archive, housekeeping
from virus_warehouse.backup import make, restore
from virus_warehouse.backup.copies import Copies
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.sequences.store import SequenceStore
from virus_warehouse.sources import read_sources
from virus_warehouse.warehouse.connection import Warehouse

BACKUP_MOMENTS: dict[str, Callable[[Stop], None]] = {
    "while the warehouse is locked": lambda stop: _before(make, "copy_warehouse", stop),
    "after the warehouse is copied": lambda stop: _after(make, "_freeze", stop),
    "while a file is copied": lambda stop: _after(Copies, "_report", stop),
    "between two files": lambda stop: _after(Copies, "add", stop),
    "before the manifest": lambda stop: _before(make, "write_json", stop),
    "before it gets its name": lambda stop: _before(
        Path, "rename", stop, when=lambda path, _: path.parent.name == "backups"
    ),
}

RESTORE_MOMENTS: dict[str, Callable[[Stop], None]] = {
    "between two files": lambda stop: _after(restore, "_copy_file", stop),
    "before they are in place": lambda stop: _before(restore, "_put_folders", stop),
    "before the warehouse is in place": lambda stop: _before(restore, "_put_warehouse", stop),
}

HOUSEKEEPING_MOMENTS: dict[str, Callable[[Stop], None]] = {
    "while the archive is pruned": lambda stop: _after(
        archive, "remove", stop, when=lambda path: path.suffix == ".json"
    ),
    "while the history is thinned": lambda stop: _after(housekeeping, "thin_history", stop),
    "before the parts are moved": lambda stop: _after(SequenceStore, "write", stop),
}


def _live(pipe: Connection, work: str, moment: str, place: Path, root: Path) -> None:
    def stop() -> None:
        pipe.send("there")
        pipe.recv()

    data = DataFolder(root)
    if work == "backup":
        BACKUP_MOMENTS[moment](stop)
        make.make_backup(Warehouse(data.warehouse, lock_timeout=PATIENCE), data, place)
    elif work == "restore":
        RESTORE_MOMENTS[moment](stop)
        restore.restore_backup(place, data, data.warehouse)
    else:
        HOUSEKEEPING_MOMENTS[moment](stop)
        compact = partial(housekeeping.compact, fewest_parts=2)
        setattr(housekeeping, "compact", compact)  # noqa: B010 (as for all the others)
        housekeeping.keep_house(Warehouse(data.warehouse, lock_timeout=PATIENCE), data, read_sources(place))


@contextmanager
def stopped(work: str, moment: str, place: Path, root: Path) -> Iterator[KilledProcess]:
    """A process that has stopped at the moment; it is killed at the end of the block.

    Args:
        work: `backup`, `restore` or `housekeeping`.
        moment: the moment.
        place: the folder of the back-ups; the back-up; or the sources file.
        root: the data folder.
    """
    context = fork_server()
    mine, its = context.Pipe()
    process = context.Process(target=_live, args=(its, work, moment, place, root))
    process.start()
    its.close()
    try:
        there = KilledProcess(process, mine)
        there.wait_for_moment()
        yield there
    finally:
        process.kill()
        process.join()
        mine.close()
