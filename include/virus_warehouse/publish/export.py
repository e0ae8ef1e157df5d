"""Export of the snapshot as Parquet or CSV files, by source and table."""

import os
import shutil
import tempfile
from enum import StrEnum
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.data_folder import nothing_published
from virus_warehouse.private_files import private_files
from virus_warehouse.shortage import translate_resource_errors
from virus_warehouse.sql_file import read_sql, sql_text


class Format(StrEnum):
    """A file format, with its suffix."""

    PARQUET = "parquet"
    CSV = "csv"


_WRITTEN_AS = {Format.PARQUET: "FORMAT parquet, COMPRESSION zstd", Format.CSV: "FORMAT csv, HEADER"}


class ExportError(RuntimeError):
    """Nothing was exported; says why, and what to do."""


@private_files()
def export(snapshot: Path, folder: Path, file_format: Format = Format.PARQUET, source: str | None = None) -> list[Path]:
    """Write the snapshot's tables to files: a folder per source, and the shared tables beside them.

    Files are replaced atomically, and only after all have been written. Times are in UTC. Lists and objects are JSON in
    CSV, and native in Parquet.

    Args:
        snapshot: the published snapshot.
        folder: the output folder; created when missing. Files of an earlier export are replaced, others kept.
        file_format: the format.
        source: only this source; None for all.

    Returns:
        The paths of the files.

    Raises:
        ExportError: when there is no snapshot, no such source in it, or the folder cannot be written.
        DiskFull: when there is no space for the files.
    """
    if not snapshot.exists():
        raise ExportError(nothing_published(snapshot))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".export-", dir=folder))
    except OSError as error:
        raise ExportError(f"{folder}: {error.strerror}; name another with --to FOLDER") from error
    try:
        with translate_resource_errors(folder), duckdb.connect(snapshot, read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            written = _write(connection, work, file_format, source)
        return [_move(work, path, folder) for path in written]
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write(connection: DuckDBPyConnection, work: Path, file_format: Format, only: str | None) -> list[Path]:
    """Write every file below `work`; returns their relative paths."""
    sources = [name for (name,) in connection.execute(read_sql("publish/sql/sources_held.sql")).fetchall()]
    if only is not None and only not in sources:
        raise ExportError(f"the snapshot has no source {only!r}; it has {', '.join(sources) or 'none'}")
    written = []
    for table, has_source, columns in connection.execute(read_sql("publish/sql/export_columns.sql")).fetchall():
        shown = ", ".join(column[file_format] for column in columns)
        for source in (sources if only is None else [only]) if has_source else [None]:
            path = Path(source or "", f"{table}.{file_format}")
            (work / path).parent.mkdir(exist_ok=True)
            condition = f"WHERE source = {sql_text(source)}" if source else ""
            rows = f"SELECT {shown} FROM {table} {condition}"
            connection.execute(f"COPY ({rows}) TO {sql_text(work / path)} ({_WRITTEN_AS[file_format]})")
            with (work / path).open("rb") as file:
                os.fsync(file.fileno())
            written.append(path)
    return written


def _move(work: Path, path: Path, folder: Path) -> Path:
    (folder / path).parent.mkdir(exist_ok=True)
    return (work / path).replace(folder / path)
