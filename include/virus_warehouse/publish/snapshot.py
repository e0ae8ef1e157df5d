"""The published snapshot: a copy of the warehouse that nobody writes, so that readers never wait and never disturb."""

import fcntl
import logging
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import log_of
from virus_warehouse.private_files import without_world_access
from virus_warehouse.shortage import shortages_told
from virus_warehouse.warehouse.connection import Warehouse

KEPT_CANDIDATE_SECONDS = 2 * 24 * 3600

_COPY = """
import os, shutil, sys

try:
    with open(sys.argv[1], "rb") as warehouse, open(sys.argv[2], "wb") as copy:
        shutil.copyfileobj(warehouse, copy, 1 << 20)
        os.fsync(copy.fileno())
except OSError as error:
    sys.exit(error.errno)
"""

logger = logging.getLogger(__name__)


def candidate_path(data: DataFolder, run_id: str) -> Path:
    """Where the candidate snapshot of a run lies."""
    return data.candidates / f"{run_id}.duckdb"


@without_world_access()
def make_candidate(warehouse: Warehouse, data: DataFolder, run_id: str) -> Path:
    """Copy the warehouse, to be checked and then published.

    The file is checkpointed first, since a copy without that loses what is still in the write-ahead log, and
    held until the copy is whole.

    Raises:
        WarehouseLocked: when others use the file for too long.
        DiskFull: when there is no space for the copy.
    """
    candidate = candidate_path(data, run_id)
    part = candidate.with_name(f"{candidate.name}.part")
    _drop_old_candidates(data)
    with shortages_told(data.root), warehouse.exclusive() as connection:
        connection.execute("CHECKPOINT")
        # Whoever holds the warehouse is the only one who copies it: other parts are of processes that are gone.
        for unfinished in data.candidates.glob("*.part"):
            unfinished.unlink(missing_ok=True)
        try:
            _copy(warehouse.path, part)
            # The log of an earlier candidate of this run, whose check was killed, is none of the new one's.
            log_of(candidate).unlink(missing_ok=True)
            part.replace(candidate)
        finally:
            part.unlink(missing_ok=True)
    return candidate


@contextmanager
def open_candidate(candidate: Path) -> Iterator[DuckDBPyConnection]:
    """A connection that writes a candidate snapshot, with times in UTC.

    Args:
        candidate: a snapshot that is not published yet.

    Raises:
        DiskFull: when there is no space for what is written.
    """
    with without_world_access(), shortages_told(candidate.parent), duckdb.connect(candidate) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def _copy(warehouse: Path, copy: Path) -> None:
    # By a process of its own: were the file closed after a read in this one, POSIX would drop the lock that
    # DuckDB holds on it here.
    copied = subprocess.run([sys.executable, "-I", "-c", _COPY, warehouse, copy], check=False)
    if copied.returncode > 0:
        raise OSError(copied.returncode, os.strerror(copied.returncode), str(copy))
    copied.check_returncode()


def _drop_old_candidates(data: DataFolder) -> None:
    """Candidates that failed their check stay for a while, to be looked at; so does what a killed check spilled."""
    oldest = time.time() - KEPT_CANDIDATE_SECONDS
    for left in data.candidates.glob("*.duckdb*"):
        with suppress(FileNotFoundError):  # another run, which tidies up too, may come first
            if left.stat().st_mtime >= oldest:
                continue
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()


@without_world_access()
def publish_candidate(data: DataFolder, run_id: str) -> bool:
    """Make the candidate of a run the published snapshot, in one rename: no reader sees a part of it.

    Publications that pile up are coalesced: a candidate older than what is published already is dropped,
    because that holds all of it and more.

    Returns:
        Whether the candidate was published.

    Raises:
        FileNotFoundError: when there is neither a candidate nor a snapshot with the run: check it first.
    """
    candidate = candidate_path(data, run_id)
    with _one_at_a_time(data):
        if data.snapshot.exists() and _has_all_of(data.snapshot, candidate, run_id):
            candidate.unlink(missing_ok=True)
            logger.info("the published snapshot has all of run %s already", run_id)
            return False
        if log_of(candidate).exists():
            with duckdb.connect(candidate) as connection:  # its log would not come along in one rename
                connection.execute("CHECKPOINT")
        candidate.chmod(0o440)
        log_of(data.snapshot).unlink(missing_ok=True)  # of a file that was there once: readers would replay it
        candidate.replace(data.snapshot)
    logger.info("published %s", data.snapshot)
    return True


def _has_all_of(snapshot: Path, candidate: Path, run_id: str) -> bool:
    if not candidate.exists():
        # A retry of a publication whose rename was the last thing it did.
        return _committed(snapshot, run_id) is not None
    newest_published, newest_checked = _committed(snapshot), _committed(candidate)
    return newest_published is not None and newest_checked is not None and newest_published > newest_checked


def _committed(path: Path, run_id: str | None = None) -> datetime | None:
    """When a run, or else the last one, committed, as a copy of the warehouse tells; None if none did."""
    with duckdb.connect(path, read_only=True) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        row = connection.execute(
            "SELECT max(ended_at) FROM ops.ingest_run WHERE status = 'success' AND run_id = coalesce(?, run_id)",
            [run_id],
        ).fetchone()
    return None if row is None else row[0]


@contextmanager
def _one_at_a_time(data: DataFolder) -> Iterator[None]:
    with (data.candidates / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
