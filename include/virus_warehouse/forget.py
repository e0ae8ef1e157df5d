"""Removing a source permanently: its rows, packages and run files."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from virus_warehouse.bucket.copy import removing
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.failure import PermanentFailure
from virus_warehouse.private_files import private_files
from virus_warehouse.removal import remove
from virus_warehouse.run_file import run_files
from virus_warehouse.running import running_states
from virus_warehouse.sequences.store import SequenceStore
from virus_warehouse.sources import SourcesFile, UnknownSource
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.merge_sequences import parts_named
from virus_warehouse.warehouse.schema import full_name, tables_by_source

logger = logging.getLogger(__name__)


class ForgetError(PermanentFailure):
    """A source that cannot be removed now; says why, and what to do."""


@dataclass(frozen=True)
class Holdings:
    """The data of a source.

    Attributes:
        rows: row counts by full table name; empty tables are left out.
        packages: the number of archived packages.
        package_bytes: their size.
        files: the number of run files, refused packages, and files of packages that arrive in parts.
    """

    rows: dict[str, int]
    packages: int
    package_bytes: int
    files: int


def holdings(source: str, warehouse: Warehouse, data: DataFolder) -> Holdings:
    """The data of a source.

    Args:
        source: its name.
        warehouse: the warehouse.
        data: the data folder.

    Raises:
        UnknownSource: when there is none.
        WarehouseLocked: when the warehouse stays in use for too long.
    """
    with warehouse.session() as session, warehouse.transaction(session):
        counts = {name: _count(session, name, source) for name in map(full_name, tables_by_source())}
        known = ledger.sources(session)
    rows = {name: count for name, count in counts.items() if count}
    known |= {folder.name for place in (data.packages, data.parts) for folder in place.glob("*") if folder.is_dir()}
    zips = list(data.packages.glob(f"{source}/*.zip")) if source in known else []
    files = [*_files(source, data), *data.parts.glob(f"{source}/*/*")] if source in known else []
    if source not in known and not rows:
        raise UnknownSource(
            f"no data of a source {source!r}; there is data of {', '.join(sorted(known)) or 'no source'}"
        )
    return Holdings(rows, len(zips), sum(path.stat().st_size for path in zips), len(files))


def refuse_followed(source: str, followed: SourcesFile) -> None:
    """Check that a source is not in the sources file.

    Raises:
        ForgetError: when it is.
    """
    if source in {*followed.sources, *followed.errors}:
        raise ForgetError(f"{followed.path} still has source {source}: remove it there first, or it is loaded again")


@private_files()
def forget(source: str, warehouse: Warehouse, data: DataFolder, followed: SourcesFile) -> None:
    """Remove all data of a source, including its ledger: if it is added again, it is loaded in full.

    After a kill, running it again removes the rest. Taxa stay, because other records may name them.

    Args:
        source: its name.
        warehouse: the warehouse.
        data: the data folder.
        followed: the sources file.

    Raises:
        ForgetError: when it is still followed, or a run is working on it.
        UnknownSource: when there is no data of it.
        WarehouseLocked: when the warehouse stays in use for too long.
    """
    refuse_followed(source, followed)
    holdings(source, warehouse, data)  # rejects names without data, which may be paths
    running = [str(state["run_id"]) for state in running_states(data) if state.get("source") == source]
    if running:
        raise ForgetError(f"run {running[0]} is working on source {source}: wait until it has ended")
    with warehouse.session() as session, warehouse.transaction(session):
        named = parts_named(session)
        for name in map(full_name, tables_by_source()):
            session.execute(f"DELETE FROM warehouse.{name} WHERE source = ?", [source])
        # Then no table names the parts of the store with its letters only, and a later run removes them.
        session.execute(
            "DELETE FROM warehouse.ops.sequence_letters WHERE sha256 NOT IN (SELECT sha256 FROM warehouse.ops.sequence)"
        )
        SequenceStore(data.sequences).keep_for_now(named - parts_named(session))
    for path in _files(source, data):
        remove(path)
    for place in (data.packages, data.parts):
        removing(place / source)
        with suppress(FileNotFoundError):
            shutil.rmtree(place / source)  # which says what it could not remove
    logger.info("removed source %s", source)


def _count(session: DuckDBPyConnection, table: str, source: str) -> int:
    counted = session.execute(f"SELECT count(*) FROM warehouse.{table} WHERE source = ?", [source]).fetchall()
    return int(counted[0][0])


def _files(source: str, data: DataFolder) -> Iterator[Path]:
    yield from run_files(data.runs, source)
    yield from run_files(data.refused, source, ".zip")
