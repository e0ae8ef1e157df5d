"""Forgetting a source: its rows, its packages and its run files, for good."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.private_files import private_files
from virus_warehouse.run_file import run_files, running_states
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.schema import full_name, tables_by_source

logger = logging.getLogger(__name__)


class ForgetError(ValueError):
    """A source that cannot be forgotten now; says why, and what to do."""


@dataclass(frozen=True)
class Holdings:
    """What there is of a source.

    Attributes:
        rows: how many, by the full name of the table; tables without any are left out.
        packages: how many packages the archive has.
        package_bytes: their size.
        files: how many run files and refused packages there are.
    """

    rows: dict[str, int]
    packages: int
    package_bytes: int
    files: int


def holdings(source: str, warehouse: Warehouse, data: DataFolder) -> Holdings:
    """What is held of a source.

    Args:
        source: its name.
        warehouse: where its rows are.
        data: where its files are.

    Raises:
        ForgetError: when nothing is.
        WarehouseLocked: when others use the warehouse for too long.
    """
    with duckdb.connect() as session, warehouse.transaction(session):
        counts = {name: _count(session, name, source) for name in map(full_name, tables_by_source())}
        known = {name for (name,) in session.execute("SELECT DISTINCT source FROM warehouse.ops.ingest_run").fetchall()}
    rows = {name: count for name, count in counts.items() if count}
    known |= {folder.name for folder in data.packages.iterdir() if folder.is_dir()}
    zips = list(data.packages.glob(f"{source}/*.zip")) if source in known else []
    files = list(_files(source, data)) if source in known else []
    if source not in known and not rows:
        raise ForgetError(f"nothing is held of a source {source!r}; held are {', '.join(sorted(known)) or 'none'}")
    return Holdings(rows, len(zips), sum(path.stat().st_size for path in zips), len(files))


@private_files()
def forget(source: str, warehouse: Warehouse, data: DataFolder, followed: SourcesFile) -> None:
    """Remove all that is held of a source, its ledger too: followed again, it is loaded in full.

    Done again after it was killed, it removes what is left. The taxa that its records named stay: others may name them.

    Args:
        source: its name.
        warehouse: where its rows are.
        data: where its files are.
        followed: the sources file.

    Raises:
        ForgetError: when it is still followed, a run works on it, or nothing is held of it.
        WarehouseLocked: when others use the warehouse for too long.
    """
    if source in {*followed.sources, *followed.errors}:
        raise ForgetError(f"{followed.path} has source {source}: take it out first, or its next run loads it again")
    holdings(source, warehouse, data)  # what nothing is held of may be no name at all, but a path
    running = [str(state["run_id"]) for state in running_states(data.runs) if state.get("source") == source]
    if running:
        raise ForgetError(f"run {running[0]} works on source {source}: wait until it has ended")
    with duckdb.connect() as session, warehouse.transaction(session):
        for name in map(full_name, tables_by_source()):
            session.execute(f"DELETE FROM warehouse.{name} WHERE source = ?", [source])
    for path in _files(source, data):
        path.unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        shutil.rmtree(data.packages / source)
    logger.info("forgot source %s", source)


def _count(session: DuckDBPyConnection, table: str, source: str) -> int:
    counted = session.execute(f"SELECT count(*) FROM warehouse.{table} WHERE source = ?", [source]).fetchall()
    return int(counted[0][0])


def _files(source: str, data: DataFolder) -> Iterator[Path]:
    yield from run_files(data.runs, source)
    yield from run_files(data.refused, source, ".zip")
