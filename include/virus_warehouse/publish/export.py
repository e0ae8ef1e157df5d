"""Export of the snapshot to files for other tools."""

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

import duckdb

from virus_warehouse.data_folder import nothing_published
from virus_warehouse.private_files import private_files
from virus_warehouse.publish.export_formats.augur import write_augur
from virus_warehouse.publish.export_formats.dataformat import validate_fields, write_dataformat
from virus_warehouse.publish.export_formats.selection import (
    ExportError,
    create_selected,
    select_records,
    sources_of,
)
from virus_warehouse.publish.export_formats.tables import TableFormat, write_tables
from virus_warehouse.shortage import translate_resource_errors
from virus_warehouse.sql_file import sql_text

logger = logging.getLogger(__name__)


class Format(StrEnum):
    """The tables as Parquet or CSV, Nextstrain's files, or NCBI's table."""

    PARQUET = "parquet"
    CSV = "csv"
    AUGUR = "augur"
    DATAFORMAT = "dataformat"


@private_files()
def export(
    snapshot: Path,
    folder: Path,
    file_format: Format = Format.PARQUET,
    source: str | None = None,
    *,
    where: str | None = None,
    fields: Sequence[str] | None = None,
    warn: Callable[[str], object] = logger.warning,
) -> list[Path]:
    """Write records of the snapshot to files, which are replaced atomically, and only after all have been written.

    Args:
        snapshot: the published snapshot.
        folder: the output folder; created when missing. Files of an earlier export are replaced, others kept.
        file_format: the format.
        source: only this source; None for all.
        where: a SQL condition on `virus_genome` that chooses records; None for all. It can only read the snapshot.
        fields: mnemonics of NCBI's `dataformat`, for that format only; None for all.
        warn: is called with what is not in the files.

    Returns:
        The paths of the files.

    Raises:
        UnknownField: when NCBI's table has no such field.
        ExportError: when there is no snapshot, the condition is invalid, or the folder cannot be written.
        UnknownSource: when the snapshot has no such source.
        DiskFull: when there is no space for the files.
    """
    if fields is not None and file_format is not Format.DATAFORMAT:
        raise ExportError(f"the format {file_format} has no choice of fields; {Format.DATAFORMAT} has")
    if fields is not None:
        validate_fields(fields)
    if not snapshot.exists():
        raise ExportError(nothing_published(snapshot))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".export-", dir=folder))
    except OSError as error:
        raise ExportError(f"{folder}: {error.strerror}; name another with --to FOLDER") from error
    files, scratch = work / "files", work / "scratch"
    try:
        files.mkdir()
        scratch.mkdir()
        with translate_resource_errors(folder), duckdb.connect(snapshot, read_only=True) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(f"SET temp_directory = {sql_text(scratch)}")
            sources = sources_of(connection, source)
            if file_format in {*TableFormat}:
                keys = None if where is None else select_records(snapshot, scratch, source, where)
                written = write_tables(connection, files, TableFormat(file_format), sources, keys)
            else:
                create_selected(connection, select_records(snapshot, scratch, source, where), source, warn)
                if file_format is Format.AUGUR:
                    written = write_augur(connection, files, warn)
                else:
                    written = write_dataformat(connection, files, fields)
            for path in written:
                with (files / path).open("rb") as file:
                    os.fsync(file.fileno())
        return [_move(files, path, folder) for path in written]
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _move(files: Path, path: Path, folder: Path) -> Path:
    (folder / path).parent.mkdir(exist_ok=True)
    return (files / path).replace(folder / path)
