"""Candidates: copies of the warehouse that are either published or dropped."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import log_of
from virus_warehouse.private_files import private_files
from virus_warehouse.removal import Removed, remove
from virus_warehouse.shortage import translate_resource_errors
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.storage import LakeState

KEPT_CANDIDATE_SECONDS = 2 * 24 * 3600


def candidate_path(data: DataFolder, publication_id: str) -> Path:
    """The path of a publication's candidate."""
    return data.candidates / f"{publication_id}.duckdb"


@dataclass(frozen=True)
class Candidate:
    """A copy of the warehouse.

    Attributes:
        path: its file.
        lake_state: the state of the lake that it is a copy of; None where the warehouse is a file.
    """

    path: Path
    lake_state: LakeState | None


@private_files()
def make_candidate(warehouse: Warehouse, data: DataFolder, publication_id: str) -> Candidate:
    """Copy the warehouse, to be checked and then published.

    A file is locked until the copy is complete; a lake can be written meanwhile.

    Raises:
        WarehouseLocked: when it stays in use for too long.
        DiskFull: when there is no space for the copy.
    """
    candidate = candidate_path(data, publication_id)
    part = candidate.with_name(f"{candidate.name}.part")
    drop_old_candidates(data)
    with translate_resource_errors(data.root), _one_copy_at_a_time(data), warehouse.unchanging() as state:
        # Other partial copies are from dead processes.
        for unfinished in data.candidates.glob("*.part"):
            unfinished.unlink(missing_ok=True)
        try:
            state.copy_to(part)
            # A write-ahead log from an earlier, killed try must not be replayed into the new file.
            log_of(candidate).unlink(missing_ok=True)
            part.replace(candidate)
        finally:
            part.unlink(missing_ok=True)
    return Candidate(candidate, state.lake_state)


@contextmanager
def _one_copy_at_a_time(data: DataFolder) -> Iterator[None]:
    folder = os.open(data.candidates, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextmanager
def open_candidate(candidate: Path) -> Iterator[DuckDBPyConnection]:
    """A connection that writes a candidate snapshot, with times in UTC.

    Args:
        candidate: an unpublished snapshot.

    Raises:
        DiskFull: when there is no space for the changes.
    """
    with private_files(), translate_resource_errors(candidate.parent), duckdb.connect(candidate) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def drop_old_candidates(data: DataFolder) -> Removed:
    """Remove old candidates; failed ones, and what killed checks spilled, are kept for a while for inspection.

    Args:
        data: the data folder.
    """
    oldest, removed = time.time() - KEPT_CANDIDATE_SECONDS, Removed()
    for left in data.candidates.glob("*.duckdb*"):
        with suppress(FileNotFoundError):  # another run may have removed it already
            if left.stat().st_mtime < oldest:
                removed += remove(left)
    return removed
