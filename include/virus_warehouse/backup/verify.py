"""Comparing a back-up with its manifest: every byte is read, and the warehouse is opened and counted."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from virus_warehouse.backup.copies import OnProgress, sha256_of
from virus_warehouse.backup.manifest import DATA, WAREHOUSE, BackupManifest, count_rows, opened_copy, read_manifest


@dataclass(frozen=True)
class VerifiedBackup:
    """A back-up that was compared with its manifest.

    Attributes:
        manifest: its manifest.
        differences: what differs, as text; empty if it is whole.
    """

    manifest: BackupManifest
    differences: tuple[str, ...]


def verify_backup(backup: Path, on_progress: OnProgress | None = None) -> VerifiedBackup:
    """Compare a back-up with its manifest.

    Args:
        backup: its folder.
        on_progress: called after each chunk.

    Raises:
        BackupError: when there is no manifest, or it cannot be read.
    """
    manifest = read_manifest(backup)
    found = [fault for file in manifest.files if (fault := _fault(backup / file.path, file.sha256, on_progress))]
    if not found:
        found = differences_of_rows(backup / DATA / WAREHOUSE, manifest.rows)
    return VerifiedBackup(manifest, tuple(found))


def differences_of_rows(warehouse: Path, rows: Mapping[str, int]) -> list[str]:
    """The tables of a warehouse that have other numbers of rows.

    Args:
        warehouse: the file.
        rows: the number of rows of each table, by its name.
    """
    try:
        with opened_copy(warehouse) as connection:
            found = count_rows(connection)
    except duckdb.Error as error:
        return [f"{warehouse}: cannot be opened with DuckDB {duckdb.__version__}: {str(error).splitlines()[0]}"]
    return [
        f"{warehouse}: {table}: count of rows: expected {rows.get(table, 0):,}, found {found.get(table, 0):,}"
        for table in sorted(rows.keys() | found.keys())
        if rows.get(table) != found.get(table)
    ]


def _fault(file: Path, sha256: str, on_progress: OnProgress | None) -> str | None:
    try:
        found = sha256_of(file, on_progress)
    except OSError as error:
        return f"{file}: cannot be read: {error.strerror}"
    return None if found == sha256 else f"{file}: SHA-256: expected {sha256}, found {found}"
