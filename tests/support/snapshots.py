"""A snapshot for a test: the result of publishing a warehouse, with its marts."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from tests.support.warehouses import DENGUE, MPOX, Store, migrated_file
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish import publication
from virus_warehouse.publish.about import About
from virus_warehouse.publish.marts import create_marts
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.publish.source_status import write_source_status
from virus_warehouse.sources import SourcesFile
from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse.connection import Warehouse

SnapshotMaker = Callable[..., Path]
"""Makes a snapshot of report lines, such as a fixture gives."""

FOLLOWED = SourcesFile(Path("sources.yaml"), {source.name: source for source in (MPOX, DENGUE)})


DISTINCT_RECORDS = "FROM virus_genome_distinct ORDER BY ALL"


def distinct_by_the_warehouses_view(snapshot: Path, folder: Path) -> list[tuple[Any, ...]]:
    """The distinct records of a snapshot, as the warehouse's own view finds them in a copy.

    Args:
        snapshot: the snapshot.
        folder: for the copy.
    """
    copy = folder / "copy.duckdb"
    copy.write_bytes(snapshot.read_bytes())
    with duckdb.connect(copy) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        run_sql(connection, "warehouse/views/virus_genome_distinct.sql")
        return connection.execute(DISTINCT_RECORDS).fetchall()


def snapshot_of(store: Store) -> Path:
    """A snapshot of the warehouse as it is, whose sources are mpox and dengue."""
    data = DataFolder(store.folder)
    data.create()
    return prepare_candidate(store.warehouse, data, "candidate", FOLLOWED)


def publish_unchecked(store: Store) -> DataFolder:
    """Publish the warehouse as it is, without checks."""
    data = DataFolder(store.folder)
    snapshot_of(store).replace(data.snapshot)
    return data


def publish(data: DataFolder, followed: SourcesFile, *accepted: str) -> About:
    """Publish the loaded data."""
    return publication.publish(Warehouse(data.warehouse), data, followed, accepted)


@cache
def _file_with_marts() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "warehouse.duckdb"
        path.write_bytes(migrated_file())
        with duckdb.connect(path) as connection:
            write_source_status(connection, FOLLOWED)
            create_marts(connection)
        return path.read_bytes()


def store_with_marts(folder: Path) -> Store:
    """A warehouse that already has the marts, for tests of their contents.

    They are views, so they need not be recreated after each load. A complete snapshot takes longer than a load.
    """
    store = Store(folder)
    store.warehouse.path.write_bytes(_file_with_marts())
    return store


def marts_of(store: Store) -> Path:
    """The file of a store with marts, to query them as they are now."""
    with duckdb.connect(store.warehouse.path) as connection:
        write_source_status(connection, FOLLOWED)
    return store.warehouse.path
