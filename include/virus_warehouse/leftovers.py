"""Removal of old files and of files left behind by dead runs."""

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from virus_warehouse.archive import Archive
from virus_warehouse.atomic_file import unfinished_files
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.parts_folder import remove_stale_parts
from virus_warehouse.removal import Removed, remove
from virus_warehouse.run_file import close_dead_run, mark_as_dead, run_files
from virus_warehouse.run_result import result_of
from virus_warehouse.running import is_running
from virus_warehouse.sources import Source
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.run_record import RunRecord


def remove_leftovers(data: DataFolder, archive: Archive, source: Source) -> None:
    """Remove files of dead runs, parts of packages that no run goes on with, and old files of the source.

    Args:
        data: the data folder.
        archive: the source's archive.
        source: the source, with its `retention_days`.
    """
    remove_dead_folders(data)
    remove_unfinished_files(data, archive)
    remove_stale_parts(data)
    remove_old_files(data, source)


def remove_dead_folders(data: DataFolder) -> Removed:
    """Remove the temporary folders of dead runs, and of dead work that is no run.

    Args:
        data: the data folder.
    """
    dead = (folder for folder in data.temporary.iterdir() if not is_running(data, folder.name))
    return sum(map(remove, dead), Removed())


def remove_unfinished_files(data: DataFolder, archive: Archive) -> Removed:
    """Remove the files that dead runs began to write.

    Args:
        data: the data folder.
        archive: the archive of a source.
    """
    unfinished = (file for file, run_id in unfinished_files(data.runs) if not is_running(data, run_id))
    removed = sum(map(remove, unfinished), Removed())
    return removed + archive.tidy_up(lambda run_id: is_running(data, run_id))


def remove_old_files(data: DataFolder, source: Source) -> Removed:
    """Remove old refused packages and run files of a source.

    Args:
        data: the data folder.
        source: the source, with its `retention_days`.
    """
    oldest = time.time() - timedelta(days=source.retention_days).total_seconds()
    removed = Removed()
    for old in (*run_files(data.refused, source.name, ".zip"), *run_files(data.runs, source.name)):
        with suppress(FileNotFoundError):  # another run may have removed it already
            if old.stat().st_mtime < oldest:
                removed += remove(old)
    return removed


def closed_elsewhere(data: DataFolder, closed: Iterable[str]) -> list[str]:
    """Of the runs that were closed as failed, those that another host's process has left without an end.

    Args:
        data: the data folder.
        closed: their ids.
    """
    ids = [run_id for run_id in closed if data.is_copy and (data.runs / f"{run_id}.json").exists()]
    for run_id in ids:
        mark_as_dead(data.runs, run_id)
    return ids


def write_ends(data: DataFolder, dead: list[str], rows: Mapping[str, RunRecord]) -> None:
    """Write the end of dead runs into their run files, from their ledger rows where they have one.

    Args:
        data: the data folder.
        dead: their ids.
        rows: their records in the ledger.
    """
    for run_id in dead:
        close_dead_run(data.runs, run_id, _end_of(rows.get(run_id)))


def _end_of(record: RunRecord | None) -> dict[str, object]:
    if record is None:
        return {"stage": "failed", "status": "failed", "error": ledger.DIED, "ended_at": datetime.now(UTC)}
    if record.status == "success":
        return {**record.row, "stage": "finished", "summary": str(result_of(record))}
    return {"stage": "failed", "status": record.status, "error": record.error, "ended_at": record.ended_at}
