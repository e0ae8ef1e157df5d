"""Making a back-up beside running loads."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from virus_warehouse import __version__
from virus_warehouse.atomic_file import write_json
from virus_warehouse.backup import airflow_database
from virus_warehouse.backup.copies import Copies, OnProgress
from virus_warehouse.backup.folder import unfinished_backup
from virus_warehouse.backup.manifest import (
    AIRFLOW,
    DATA,
    FORMAT,
    NAME,
    SOURCES,
    WAREHOUSE,
    BackedUpFile,
    BackupError,
    BackupManifest,
    count_rows,
    opened_copy,
    read_manifest,
)
from virus_warehouse.backup.pins import Pins
from virus_warehouse.bucket.copy import fetch_all
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import REBUILD_COMMAND
from virus_warehouse.leftovers import remove_dead_folders
from virus_warehouse.private_files import private_files
from virus_warehouse.publish.manifest import schema_revision
from virus_warehouse.publish.published_files import one_publication_at_a_time
from virus_warehouse.publish.sequences import parts_of
from virus_warehouse.shortage import DiskFull, translate_resource_errors
from virus_warehouse.sources import sources_path
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.incomplete_copy import refuse_incomplete_copy
from virus_warehouse.workplace import workplace

PURPOSE = "backup"


@dataclass(frozen=True)
class Backup:
    """A back-up that was made.

    Attributes:
        path: its folder.
        files: the number of files.
        bytes: their size.
        copied: the number of files that the back-up before did not have.
        copied_bytes: their size.
        locked_seconds: how long the warehouse was locked.
        left_out: what is not in it, and why, as text.
    """

    path: Path
    files: int
    bytes: int
    copied: int
    copied_bytes: int
    locked_seconds: float
    left_out: tuple[str, ...]


@private_files()
def make_backup(
    warehouse: Warehouse,
    data: DataFolder,
    folder: Path,
    *,
    airflow: bool = True,
    on_progress: OnProgress | None = None,
) -> Backup:
    """Make a back-up of the data folder, the sources file and Airflow's database.

    A warehouse file is locked while it is copied within the data folder's disk; a lake only until the state to copy is
    known, and the copy is a file. Everything else is read afterwards, through hard links made in that moment. Files
    that the back-up before has are linked, not copied. All are read back, and the copied warehouse is opened and
    counted, before the back-up gets its name.

    Args:
        warehouse: the warehouse.
        data: the data folder.
        folder: the folder with all back-ups.
        airflow: whether Airflow's database is dumped, where it is PostgreSQL and its address is given.
        on_progress: called after each chunk.

    Raises:
        BackupError: when there is no warehouse, when the folder cannot be used, or when what is read back differs.
        LakeNotMigrated: when a lake has the schema of an earlier version.
        WarehouseLocked: when the warehouse stays in use for too long.
        DiskFull: when there is no space for the copy of the warehouse, or for the back-up.
    """
    _refuse(warehouse, data, folder)
    left_out = []
    remove_dead_folders(data)  # a killed back-up leaves a copy of the warehouse
    with unfinished_backup(folder) as (unfinished, finished, before), workplace(data, PURPOSE) as (_, temporary):
        with translate_resource_errors(data.root):
            pins = Pins(data, temporary / DATA)
            copied_at, rows, revision, locked_seconds = _freeze(warehouse, data, pins, temporary / WAREHOUSE)
        with _writing_to(folder):
            known = None if before is None else (before, _known(before))
            copies = Copies(unfinished, known, on_progress)
            copies.add(f"{DATA}/{WAREHOUSE}", temporary / WAREHOUSE)
            (temporary / WAREHOUSE).unlink()
            for path, place in pins.files().items():
                copies.add(f"{DATA}/{path}", place)
            left_out += _add_sources(copies)
            left_out += _add_airflow(copies, temporary / AIRFLOW) if airflow else ["Airflow's database: as asked"]
            left_out += _check(unfinished / DATA, rows)
            manifest = BackupManifest(
                format=FORMAT,
                made_at=copied_at.isoformat(),
                data_folder=str(data.root),
                virus_warehouse_version=__version__,
                duckdb_version=duckdb.__version__,
                schema_revision=revision,
                rows=rows,
                files=tuple(copies.files),
            )
            write_json(unfinished / NAME, manifest.model_dump())
    return Backup(
        finished,
        len(copies.files),
        manifest.bytes,
        copies.copied,
        copies.copied_bytes,
        locked_seconds,
        tuple(left_out),
    )


def _refuse(warehouse: Warehouse, data: DataFolder, folder: Path) -> None:
    if not warehouse.storage.exists():
        raise BackupError(
            f"there is nothing to back up: {warehouse.location} does not exist. Set VIRUS_DATA to the data folder, and "
            f"VIRUS_WAREHOUSE to the warehouse if that is elsewhere"
        )
    there, root = folder.resolve(), data.root.resolve()
    if there.is_relative_to(root) or root.is_relative_to(there):
        raise BackupError(f"{folder} and the data folder {data.root} are one in the other: name a folder elsewhere")
    kept_in = warehouse.storage.folder
    if kept_in is not None and there.is_relative_to(kept_in.resolve()):
        raise BackupError(
            f"{folder} is in {kept_in}, where housekeeping removes whatever is not of the lake: name a folder elsewhere"
        )


def _freeze(
    warehouse: Warehouse, data: DataFolder, pins: Pins, copy: Path
) -> tuple[datetime, dict[str, int], str | None, float]:
    """Copy the warehouse, and link to the other files as they are in that moment.

    Returns:
        When, the rows of its tables, its schema revision, and for how many seconds it was locked.
    """
    # The snapshot first: restored, it is never newer than the warehouse. Its lock is not held while waiting for
    # the warehouse, which a load may have for long.
    with one_publication_at_a_time(data):
        fetch_all(data.published)
        pins.renew(data.published)
    others = (data.packages, data.sequences, data.runs, data.questions, data.alerts)
    fetch_all(*others)
    pins.renew(*others)
    with warehouse.exclusive(as_it_is=True) as connection:
        locked = time.monotonic()
        revision = schema_revision(connection)
        refuse_incomplete_copy(revision, warehouse.location)
        data.refresh(with_snapshot=False)
        fetch_all(*others)
        pins.renew(*others)
        copied_at = datetime.now(UTC)
        lake_state = warehouse.storage.freeze(connection)
        frozen = time.monotonic()
        rows = count_rows(connection)
        warehouse.storage.copy_to(connection, copy, durable=False)
    released = time.monotonic() if lake_state is None else frozen
    return copied_at, rows, revision, released - locked


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    try:
        with translate_resource_errors(folder):
            yield
    except DiskFull as error:
        raise DiskFull(
            f"the disk of {folder} is full. This back-up was discarded, and those before it are unchanged. Free "
            f"some space, such as by removing the folder of an old back-up, or name a folder on a larger disk: "
            f"{error.__cause__}"
        ) from error


def _known(before: Path) -> dict[str, BackedUpFile]:
    try:
        return read_manifest(before).by_path()
    except BackupError:
        return {}  # everything is copied


def _add_sources(copies: Copies) -> list[str]:
    path = sources_path()
    if not path.exists():
        return [f"the sources file: {path} does not exist"]
    copies.add(SOURCES, path)
    return []


def _add_airflow(copies: Copies, file: Path) -> list[str]:
    if reason := airflow_database.why_not_dumped():
        return [f"Airflow's database: {reason}"]
    airflow_database.dump(file)
    copies.add(AIRFLOW, file)
    return []


def _check(data: Path, rows: Mapping[str, int]) -> list[str]:
    """Open the copied warehouse and count it; returns which parts of its sequences the data folder does not have."""
    try:
        with opened_copy(data / WAREHOUSE) as connection:
            found, parts = count_rows(connection), parts_of(connection)
    except duckdb.Error as error:
        raise BackupError(f"the copied warehouse cannot be opened: {error}. Run it again") from error
    if found != rows:
        raise BackupError(f"the copied warehouse has other rows than the original: {found} instead of {rows}")
    missing = [part for part in parts if not (data / "sequences" / part).exists()]
    return [
        f"{part}: the data folder does not have this part of the sequence store; {REBUILD_COMMAND} stores its "
        f"sequences again"
        for part in missing
    ]
