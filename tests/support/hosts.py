"""Hosts without a common disk, for tests: the warehouse is a lake, and the data folder is in a bucket."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import duckdb

from tests.support.followed import MPOX
from tests.support.lakes import migrated_lake
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse, warehouse_of
from virus_warehouse.warehouse.ledger import RunOrigin
from virus_warehouse.windows import WindowRequest


@dataclass(frozen=True)
class Host:
    """A host with a disk of its own.

    Attributes:
        settings: its environment.
        url: of NCBI.
    """

    settings: Mapping[str, str]
    url: str

    @contextmanager
    def works(self, **arguments: bool) -> Iterator[tuple[Warehouse, DataFolder]]:
        """A process begins here, with the copy that it has to work with."""
        with patch.dict(os.environ, self.settings):
            data = DataFolder.from_environment(**arguments)
            yield warehouse_of(data, lock_timeout=120), data

    def run(self, source: Source = MPOX, origin: RunOrigin | None = None, **asked: object) -> IngestResult:
        with self.works(with_snapshot=False) as (warehouse, data), DatasetsClient(self.url, attempts=1) as client:
            return ingest(
                source,
                client=client,
                warehouse=warehouse,
                data=data,
                origin=origin,
                wish=WindowRequest(**asked),  # type: ignore[arg-type]
            )

    def records(self) -> list[tuple[str, int]]:
        """The records of what is published, as an analyst sees them here."""
        with patch.dict(os.environ, self.settings):
            data = DataFolder.to_query()
        with duckdb.connect(data.snapshot, read_only=True) as connection:
            return connection.execute("SELECT accession, length FROM virus_genome ORDER BY ALL").fetchall()


def hosts_without_a_common_disk(url: str, bucket: str, catalog: str, place: Path) -> list[Host]:
    """Three hosts that share a lake, whose files are on one disk, and a data folder in a bucket.

    Args:
        url: of NCBI.
        bucket: name of the bucket.
        catalog: the URL of a database of the lake's server.
        place: a folder for everything.
    """
    lake = migrated_lake(catalog, place)  # its files in a bucket, which is slower, have a test of their own
    settings = {"VIRUS_DATA": f"s3://{bucket}/data", "VIRUS_WAREHOUSE": lake.setting}
    return [Host({**settings, "VIRUS_DATA_COPY": str(place / name)}, url) for name in ("one", "two", "three")]
