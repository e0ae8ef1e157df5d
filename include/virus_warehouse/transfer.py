"""Copying a whole warehouse to another place, for `virus-warehouse migrate`: from a file to a lake, or back.

The source's lock is held until the end, so that nothing is committed there which the copy would lack. Until the copy
is complete it says so in place of its schema revision, and no command uses it. Each table is one transaction, compared
with the original: what a killed process has left is continued by comparing, without a record of progress.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from duckdb import DuckDBPyConnection

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import is_database
from virus_warehouse.failure import Failure, PermanentFailure, UsageError
from virus_warehouse.private_files import private_files
from virus_warehouse.session import all_threads
from virus_warehouse.shortage import translate_resource_errors
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.incomplete_copy import incomplete_copy_of, is_incomplete_copy
from virus_warehouse.warehouse.lake_address import is_lake, lake_address
from virus_warehouse.warehouse.migrate import newest_revision, revision_of
from virus_warehouse.warehouse.table_copy import (
    TableName,
    copy_table,
    count_rows,
    different_columns,
    read_contents,
    tables_in,
)
from virus_warehouse.wording import counted
from virus_warehouse.workplace import workplace

logger = logging.getLogger(__name__)

TARGET = "target"
"""What the copy is called in the session."""


class RunWorking(Failure):
    """A run is working on the warehouse that is to be copied; nothing was changed."""


class TargetRefused(PermanentFailure):
    """The place has something that the copy would have to replace; nothing was changed."""


class CopyDiffers(Failure):
    """A table that was copied differs from the original. The copy is not complete, and no command uses it."""


@dataclass(frozen=True)
class Transferred:
    """A warehouse that was copied.

    Attributes:
        rows: the rows of each table.
        copied: the tables that were copied; the others had all rows already.
    """

    rows: dict[TableName, int]
    copied: tuple[TableName, ...]


@private_files()
def transfer(source: Warehouse, target: Warehouse, data: DataFolder) -> Transferred:
    """Copy all tables of a warehouse to another place, which is a warehouse when this has returned.

    A copy that was interrupted is continued. The source is not changed; a schema of an earlier version is migrated.

    Args:
        source: the warehouse.
        target: where it is copied to.
        data: the data folder, for what does not fit into memory, and to know which runs are working.

    Raises:
        UsageError: when there is no warehouse to copy, or both are at one place.
        RunWorking: when a run is working on the source.
        TargetRefused: when the target has a warehouse with other rows, or something else.
        CopyDiffers: when a table differs from the original after it was copied.
        WarehouseLocked: when one of them stays in use for too long.
        DiskFull, MemoryTooSmall: when there is too little disk space or memory.
    """
    _refuse_places(source, target, data)
    with (
        translate_resource_errors(data.root if target.storage.file is None else target.storage.file.parent),
        workplace(data, "migrate", source, target) as (session, _),
        all_threads(session),
        source.held(session),
    ):
        _refuse_running(session, source, data)
        marker = incomplete_copy_of(source.location, newest_revision())
        target.begin_copy(marker)
        with target.held(session, TARGET, as_it_is=True):
            _refuse_other_warehouse(session, target, marker)
            tables = tables_in(session, TARGET)
            rows = {table: count_rows(session, table, "warehouse") for table in tables}
            if not is_incomplete_copy(revision_of(session, TARGET)):
                _refuse_other_rows(session, target, tables)
                return Transferred(rows, ())
            copied = tuple(table for table in tables if _copy(session, table, source, target))
            with _transaction(session, source, target):
                session.execute(f"UPDATE {TARGET}.ops.alembic_version SET version_num = ?", [newest_revision()])
    logger.info("%s has all of %s", target.location, source.location)
    return Transferred(rows, copied)


def _refuse_places(source: Warehouse, target: Warehouse, data: DataFolder) -> None:
    if not source.storage.exists():
        raise UsageError(f"{source.location} does not exist, so there is nothing to migrate. Set VIRUS_WAREHOUSE")
    if _is_same_place(source, target):
        raise UsageError(f"{target.location} is the warehouse itself: name another place with --to")
    if _has_common_files(source.storage.setting, target.storage.setting):
        raise UsageError(
            f"data_path of {target.location} is that of {source.location}, or one is within the other: the "
            f"housekeeping of one would remove the files of the other. Name another data_path"
        )
    file = target.storage.file
    if file is None:
        return
    if file == data.snapshot:
        raise UsageError(f"{file} is the published snapshot: name another place with --to")
    if file.exists() and not (file.is_file() and is_database(file)):
        raise TargetRefused(f"{file} exists and is no DuckDB file: name another place with --to")


def _is_same_place(source: Warehouse, target: Warehouse) -> bool:
    files = source.storage.file, target.storage.file
    if files[0] is not None and files[1] is not None:
        return files[0].resolve() == files[1].resolve()
    return source.location == target.location


def _has_common_files(*settings: str) -> bool:
    if not all(map(is_lake, settings)):
        return False
    one, other = (PurePosixPath(lake_address(setting, "the warehouse").data_path) for setting in settings)
    return one.is_relative_to(other) or other.is_relative_to(one)


def _refuse_running(session: DuckDBPyConnection, source: Warehouse, data: DataFolder) -> None:
    working = [run_id for run_id in ledger.open_runs(session) if source.is_running(data, run_id)]
    if working:
        raise RunWorking(
            f"{source.location}: {', '.join(working)} would commit after the copy was made, which would lack it. Pause "
            f"the DAGs, wait until what runs has ended, and run the command again"
        )


def _refuse_other_warehouse(session: DuckDBPyConnection, target: Warehouse, marker: str) -> None:
    """Refuse what is neither our copy nor a warehouse with the same tables."""
    found = revision_of(session, TARGET)
    if found is None:
        raise TargetRefused(f"{target.location} has tables that are none of a warehouse: name another place with --to")
    if found not in (marker, newest_revision()):
        what = f"an {found}" if is_incomplete_copy(found) else f"a warehouse of schema revision {found}"
        raise TargetRefused(f"{target.location} is {what}: remove it, or name another place with --to")
    if different := different_columns(session, TARGET):
        raise TargetRefused(
            f"{target.location} has other columns than the warehouse: {', '.join(different)}. A table or column that "
            f"was added by hand cannot be migrated: export and drop it first"
        )


def _refuse_other_rows(session: DuckDBPyConnection, target: Warehouse, tables: list[TableName]) -> None:
    different = [str(table) for table in tables if not _is_equal(session, table)]
    if different:
        raise TargetRefused(
            f"{target.location} is a warehouse with other rows in {', '.join(different)}: remove it, or name another "
            f"place with --to"
        )


def _is_equal(session: DuckDBPyConnection, table: TableName) -> bool:
    if count_rows(session, table, "warehouse") != count_rows(session, table, TARGET):
        return False
    return read_contents(session, table, "warehouse") == read_contents(session, table, TARGET)


def _copy(session: DuckDBPyConnection, table: TableName, source: Warehouse, target: Warehouse) -> bool:
    """Copy a table unless the target has the same rows; returns whether it had to be copied."""
    if _is_equal(session, table):
        return False
    with _transaction(session, source, target):
        session.execute(f"DELETE FROM {table.within(TARGET)}")
        copy_table(session, table, TARGET)
    if not _is_equal(session, table):
        raise CopyDiffers(
            f"{target.location}: {table} differs from that of {source.location} after it was copied. Run the command "
            f"again; if this happens again, look for a fault of the disk"
        )
    logger.info("copied %s: %s", table, counted(count_rows(session, table, TARGET), "row"))
    return True


@contextmanager
def _transaction(session: DuckDBPyConnection, source: Warehouse, target: Warehouse) -> Iterator[None]:
    session.execute("BEGIN TRANSACTION")  # leaving the target rolls it back
    yield
    source.storage.verify_hold(session)
    target.storage.verify_hold(session)
    session.execute("COMMIT")
