"""The sequences of a snapshot: links to the parts of the store that it needs, and the views that read them."""

import errno
import logging
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.bucket.copy import filled
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import REBUILD_COMMAND
from virus_warehouse.private_files import FOLDER_MODE
from virus_warehouse.removal import remove
from virus_warehouse.sql_file import read_sql, run_sql, sql_text

logger = logging.getLogger(__name__)

FOLDER_VARIABLE = "virus_sequences"
"""DuckDB variable with the folder of the parts, for a reader to whom it has another path, or a URL."""


def publish_parts(candidate: DuckDBPyConnection, data: DataFolder) -> None:
    """Link the parts that a snapshot needs beside it, and make its views of them.

    Args:
        candidate: from `open_candidate`.
        data: the data folder.
    """
    needed = parts_of(candidate)
    present = link_parts(needed, data)
    if missing := sorted(set(needed) - set(present)):
        logger.error(
            "%d of %d parts of the sequence store %s are missing or cannot be read, such as %s: the snapshot shows no "
            "letters of their sequences. %s stores them again",
            len(missing),
            len(needed),
            data.sequences,
            missing[0],
            REBUILD_COMMAND,
        )
    candidate.execute(_store_view(present, data.published_sequences))
    run_sql(candidate, "publish/sql/virus_sequence.sql")


def link_parts(needed: Iterable[str], data: DataFolder) -> list[str]:
    """Link parts of the store beside the snapshot, which so keeps them, whatever becomes of the store.

    Args:
        needed: the parts.
        data: the data folder.

    Returns:
        The parts that are there and can be read.
    """
    needed, present = list(needed), []
    if not needed:
        return []
    data.published_sequences.mkdir(FOLDER_MODE, exist_ok=True)
    with duckdb.connect() as reader:
        for part in needed:
            published = data.published_sequences / part
            if not _is_part(reader, published) and _is_part(reader, _stored(data.sequences / part)):
                published.unlink(missing_ok=True)  # it is damaged, and the store has been rebuilt since
                _link(data.sequences / part, published)
            if _is_part(reader, published):
                present.append(part)
    return present


def _stored(part: Path) -> Path:
    with suppress(FileNotFoundError):  # it has been removed from the bucket
        return filled(part)
    return part


def _is_part(reader: DuckDBPyConnection, path: Path) -> bool:
    """Whether a file can be opened as the part of its name. Its letters are not read: that would take too long."""
    if not path.exists():
        return False
    try:
        named = reader.execute(
            f"SELECT DISTINCT stats_min_value FROM parquet_metadata({sql_text(path)}) WHERE path_in_schema = 'part'"
        ).fetchall()
    except duckdb.Error as error:
        logger.warning("%s cannot be read: %s", path, error)
        return False
    return named == [(path.name,)]


def parts_of(connection: DuckDBPyConnection) -> list[str]:
    """The parts with the sequences of a warehouse or snapshot; none of a snapshot that an earlier version published."""
    try:
        return [part for (part,) in connection.execute(read_sql("publish/sql/parts_needed.sql")).fetchall()]
    except duckdb.CatalogException:
        return []


def keep_parts_of(data: DataFolder, *snapshots: Path) -> None:
    """Link the parts that snapshots need, and remove all other links.

    Args:
        data: the data folder.
        snapshots: the snapshots that are, or are about to be, published.
    """
    needed: set[str] = set()
    for snapshot in snapshots:
        with suppress(duckdb.Error), duckdb.connect(snapshot, read_only=True) as connection:  # one may be damaged
            needed.update(parts_of(connection))
    link_parts(needed, data)
    for path in data.published_sequences.glob("*.parquet"):
        if path.name not in needed:
            remove(path)


def _link(part: Path, published: Path) -> None:
    """Link a part, or copy it where the file system has no links."""
    with suppress(FileExistsError):  # another publication was faster
        try:
            os.link(part, published)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK):
                raise
            unfinished = published.with_suffix(".part")
            shutil.copyfile(part, unfinished)
            unfinished.replace(published)


def _store_view(parts: list[str], folder: Path) -> str:
    if not parts:
        return (
            "CREATE OR REPLACE VIEW ops.sequence_store AS "
            "SELECT NULL::VARCHAR AS part, NULL::BIGINT AS position, NULL::VARCHAR AS sequence WHERE false"
        )
    names = ", ".join(map(sql_text, parts))
    place = f"coalesce(getvariable('{FOLDER_VARIABLE}'), {sql_text(folder)})"
    return (
        "CREATE OR REPLACE VIEW ops.sequence_store AS SELECT part, position, sequence "
        f"FROM read_parquet(list_transform([{names}], LAMBDA part: {place} || '/' || part))"
    )
