"""Removal of old files and of files left behind by dead runs."""

import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from virus_warehouse.archive import Archive
from virus_warehouse.atomic_file import unfinished_files
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.run_file import close_dead_run, is_running, run_files
from virus_warehouse.run_result import result_of
from virus_warehouse.sources import Source
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.run_record import RunRecord


def remove_leftovers(data: DataFolder, archive: Archive, source: Source) -> None:
    """Remove files of dead runs, and old refused packages and run files of the source.

    Args:
        data: the data folder.
        archive: the source's archive.
        source: the source, with its `retention_days`.
    """
    runs = data.runs
    remove_dead_folders(data)
    for file, run_id in unfinished_files(runs):
        if not is_running(runs, run_id):
            file.unlink(missing_ok=True)
    archive.tidy_up(lambda run_id: is_running(runs, run_id))
    oldest = time.time() - timedelta(days=source.retention_days).total_seconds()
    for old in (*run_files(data.refused, source.name, ".zip"), *run_files(runs, source.name)):
        with suppress(FileNotFoundError):  # another run may have removed it already
            if old.stat().st_mtime < oldest:
                old.unlink()


def remove_dead_folders(data: DataFolder) -> None:
    """Remove the temporary folders of dead runs, and of dead work that is no run.

    Args:
        data: the data folder.
    """
    for folder in data.temporary.iterdir():
        if not is_running(data.runs, folder.name):
            shutil.rmtree(folder, ignore_errors=True)


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
