"""Restoring a back-up into an empty data folder."""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from virus_warehouse.backup.copies import flush_folders
from virus_warehouse.backup.folder import backup_of
from virus_warehouse.backup.manifest import (
    AIRFLOW,
    DATA,
    SOURCES,
    WAREHOUSE,
    BackedUpFile,
    BackupError,
    BackupManifest,
    read_manifest,
)
from virus_warehouse.backup.verify import differences_of_rows
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import log_of
from virus_warehouse.leftovers import remove_dead_folders
from virus_warehouse.private_files import private_files
from virus_warehouse.publish.published_files import move_snapshots
from virus_warehouse.run_file import mark_as_dead, read_state, run_lock
from virus_warehouse.shortage import translate_resource_errors
from virus_warehouse.workplace import workplace

PURPOSE = "restore"

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Restored:
    """A back-up that was restored.

    Attributes:
        backup: its folder.
        manifest: its manifest.
        sources: the restored sources file; None if the back-up has none.
        airflow: the dump of Airflow's database in the back-up; None if it has none.
    """

    backup: Path
    manifest: BackupManifest
    sources: Path | None
    airflow: Path | None


@private_files()
def restore_backup(place: Path, data: DataFolder, warehouse: Path) -> Restored:
    """Restore a back-up: afterwards warehouse, archive, sequences, run files and snapshots are as they were.

    Everything is copied, compared with the manifest and counted in a folder of its own, and put in place at the end,
    the warehouse last: a killed restore leaves no warehouse. A snapshot that was published in another folder gets
    the path of its sequences, and a manifest, of this one.

    Args:
        place: the back-up, or the folder of all back-ups for the newest one.
        data: the data folder, without a file.
        warehouse: where the warehouse file is to be.

    Raises:
        BackupError: when there is no back-up, it is damaged, or the data folder has files already.
        DiskFull: when there is no space.
    """
    backup = backup_of(place)
    manifest = read_manifest(backup)
    data.create()
    with (
        translate_resource_errors(data.root),
        run_lock(data.runs, PURPOSE),  # a second one waits, and then finds the files of the first
        workplace(data, PURPOSE) as (_, temporary),
    ):
        remove_dead_folders(data)
        _refuse_files(data, warehouse)
        _copy(backup, manifest, temporary)
        faults = differences_of_rows(temporary / DATA / WAREHOUSE, manifest.rows)
        if faults:
            raise BackupError(f"{backup} is damaged: {'; '.join(faults)}. Use another back-up")
        flush_folders(temporary)
        _put_folders(temporary / DATA, data)
        sources = _put_sources(temporary / SOURCES, data)
        if Path(manifest.data_folder) != data.root:
            move_snapshots(data)
        for run_file in data.runs.glob("*.json"):
            if (state := read_state(run_file)) is not None and state.get("status") == "running":
                mark_as_dead(data.runs, run_file.stem)
        _put_warehouse(temporary / DATA / WAREHOUSE, warehouse)
    dump = backup / AIRFLOW
    return Restored(backup, manifest, sources, dump if dump.exists() else None)


def _refuse_files(data: DataFolder, warehouse: Path) -> None:
    files = (
        Path(folder, name)
        for folder, _, names in os.walk(data.root)
        for name in names
        if not (Path(folder) == data.runs and name.startswith(f".{PURPOSE}"))
        and not Path(folder).is_relative_to(data.temporary)
    )
    # DuckDB would apply a log of another file to the restored one.
    there = next((path for path in (warehouse, log_of(warehouse)) if path.exists()), None) or next(files, None)
    if there is not None:
        raise BackupError(
            f"{there} exists: a back-up is restored into an empty data folder only, so that nothing is replaced. Set "
            f"VIRUS_DATA to another folder, or move {data.root} away"
        )


def _copy(backup: Path, manifest: BackupManifest, temporary: Path) -> None:
    """Copy the files of a back-up, each once where several are the same file."""
    by_inode: dict[tuple[int, int], Path] = {}
    for file in manifest.files:
        if file.path == AIRFLOW:
            continue
        source, target = backup / file.path, temporary / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            status = source.stat()
            twin = by_inode.get((status.st_dev, status.st_ino))
            if twin is None or not _is_linked(twin, target):
                _copy_file(source, target, file)
        except FileNotFoundError as error:
            raise BackupError(f"{backup} is damaged: it has no {file.path}. Use another back-up") from error
        by_inode[(status.st_dev, status.st_ino)] = target


def _copy_file(source: Path, target: Path, file: BackedUpFile) -> None:
    sha256 = hashlib.sha256()
    with source.open("rb") as read, target.open("xb") as written:
        while chunk := read.read(_CHUNK_BYTES):
            written.write(chunk)
            sha256.update(chunk)
        written.flush()
        os.fsync(written.fileno())
    if sha256.hexdigest() != file.sha256:
        raise BackupError(
            f"{source} is damaged: its SHA-256 is {sha256.hexdigest()}, and was {file.sha256} when the back-up was "
            f"made. Nothing was restored; use another back-up"
        )
    os.utime(target, ns=(file.modified_ns, file.modified_ns))
    target.chmod(file.mode)


def _is_linked(twin: Path, target: Path) -> bool:
    try:
        os.link(twin, target)
    except OSError:
        return False
    return True


def _put_folders(restored: Path, data: DataFolder) -> None:
    for place in (data.packages, data.sequences, data.runs, data.questions, data.alerts, data.published):
        folder = restored / place.name
        for path in sorted(folder.iterdir()) if folder.exists() else ():
            path.rename(place / path.name)


def _put_warehouse(restored: Path, warehouse: Path) -> None:
    beside = warehouse.with_name(f".{warehouse.name}.restored")
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(restored, beside)  # it may be on another disk
    beside.rename(warehouse)


def _put_sources(sources: Path, data: DataFolder) -> Path | None:
    """Put the sources file into the data folder, where an installation without a checkout reads it."""
    if not sources.exists():
        return None
    place = data.root / SOURCES
    sources.rename(place)
    return place
