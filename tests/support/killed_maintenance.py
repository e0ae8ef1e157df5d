"""A back-up, a restore, a migration or the housekeeping in a process of its own, which a test stops and kills there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

from tests.support.fork_server import fork_server
from tests.support.killed_process import PATIENCE, KilledProcess, Stop, _after, _before
from virus_warehouse import archive, housekeeping, transfer
from virus_warehouse.backup import make, restore
from virus_warehouse.backup.copies import Copies
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.sequences.store import SequenceStore
from virus_warehouse.sources import read_sources
from virus_warehouse.warehouse.connection import Warehouse, warehouse_at
from virus_warehouse.warehouse.file_storage import FileStorage
from virus_warehouse.warehouse.lake_address import is_lake, lake_address

BACKUP_MOMENTS: dict[str, Callable[[Stop], None]] = {
    "while the warehouse is locked": lambda stop: _before(FileStorage, "copy_to", stop),
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

MIGRATE_MOMENTS: dict[str, Callable[[Stop], None]] = {
    "before anything is written": lambda stop: _before(Warehouse, "begin_copy", stop),
    "before a table is copied": lambda stop: _before(transfer, "copy_table", stop),
    "within a table": lambda stop: _after(
        transfer, "copy_table", stop, when=lambda session, table, _: str(table) == HALF_COPIED
    ),
    "between two tables": lambda stop: _after(
        transfer, "_copy", stop, when=lambda session, table, *_: str(table) == HALF_COPIED
    ),
    "before it is complete": lambda stop: _after(
        transfer, "_copy", stop, when=lambda session, table, *_: str(table) == LAST_COPIED
    ),
}

HALF_COPIED, LAST_COPIED = "main.virus_genome", "ops.source_status"
"""Tables, of which the second one is the last in order."""


def _live(pipe: Connection, work: str, moment: str, place: Path | str, root: Path) -> None:
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
    elif work == "migrate":
        MIGRATE_MOMENTS[moment](stop)
        address = str(place)
        target = warehouse_at(lake_address(address, "a test") if is_lake(address) else place, lock_timeout=PATIENCE)
        transfer.transfer(Warehouse(data.warehouse, lock_timeout=PATIENCE), target, data)
    else:
        HOUSEKEEPING_MOMENTS[moment](stop)
        compact = partial(housekeeping.compact, fewest_parts=2)
        setattr(housekeeping, "compact", compact)  # noqa: B010 (as for all the others)
        housekeeping.keep_house(Warehouse(data.warehouse, lock_timeout=PATIENCE), data, read_sources(place))


@contextmanager
def stopped(work: str, moment: str, place: Path | str, root: Path) -> Iterator[KilledProcess]:
    """A process that has stopped at the moment; it is killed at the end of the block.

    Args:
        work: `backup`, `restore`, `migrate` or `housekeeping`.
        moment: the moment.
        place: the folder of the back-ups; the back-up; the new place of the warehouse; or the sources file.
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
