"""Sources followed at a fake NCBI, and their contents in a warehouse."""

import copy
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from duckdb import DuckDBPyConnection

from tests.support.fake_ncbi import BadLine, FakeNcbi, Line, as_annotation
from tests.support.lakes import copy_lake
from tests.support.warehouses import made_data, opened
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.run_result import IngestResult
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_storage import LakeStorage
from virus_warehouse.warehouse.storage import Storage
from virus_warehouse.windows import WindowRequest

MPOX = Source(name="mpox", request=VirusGenomeRequest(taxon="10244"))
HUMAN_MPOX = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", host="human"))
DENGUE = Source(name="dengue", request=VirusGenomeRequest(taxon="12637"))
FIRST_DAY = date(2025, 3, 1)

TABLES = (
    "virus_genome",
    "virus_genome_history",
    "taxon",
    "taxon_lineage",
    "virus_annotation",
    "virus_gene",
    "virus_protein",
    "biosample",
    "biosample_attribute",
    "ops.quarantine",
    "ops.schema_drift",
    "ops.census_missing",
    "ops.ingest_report",
    "ops.ingest_run",
)

SEQUENCE_TABLES = ("ops.ingest_sequence", "ops.sequence", "ops.sequence_mismatch")
"""Empty unless a source asks for sequences."""


class Followed:
    """Sources followed at a fake NCBI, whose runs leave an archive."""

    storage: Storage | None = None
    """Where the warehouse is kept; None for the file in the data folder."""

    def __init__(self, ncbi: FakeNcbi, root: Path, storage: Storage | None = None) -> None:
        self.ncbi = ncbi
        self.data = made_data(root)
        self.storage = storage

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.storage or self.data.warehouse, lock_timeout=120)

    def copy_to(self, root: Path, ncbi: FakeNcbi) -> Self:
        """A copy that a test can change; the copy of a lake, which has a database of its own, replaces the one before.

        Args:
            root: the data folder of the copy.
            ncbi: the NCBI of the copy; it shows what that of the original shows now.
        """
        ncbi.world = copy.deepcopy(self.ncbi.world)
        copied = copy.copy(self)
        copied.ncbi, copied.data = ncbi, DataFolder(root)
        shutil.copytree(self.data.root, root)
        if isinstance(self.storage, LakeStorage):
            copied.storage = LakeStorage(copy_lake(self.storage.address, root.with_name(f"{root.name} of a lake")))
        return copied

    def show(self, accession: str, day: int, *, length: int = 1, host: str | None = "human") -> None:
        self.ncbi.world.show(Line(accession, 1, FIRST_DAY + timedelta(days=day), length, None, host))

    def run(self, source: Source = MPOX, mode: str | None = None, **days: date) -> IngestResult:
        with DatasetsClient(self.ncbi.url, attempts=1) as client:
            return ingest(
                source, client=client, warehouse=self.warehouse, data=self.data, wish=WindowRequest(mode, **days)
            )

    def package(self, result: IngestResult) -> Path:
        return self.data.packages / result.source / f"{result.run_id}.zip"

    def run_everything(self) -> list[IngestResult]:
        """Inserts, revisions, bad lines, drift, a window, missing, withdrawn and reinstated records, other filters.

        All with annotation and BioSamples.
        """
        world = self.ncbi.world
        world.annotates = True
        world.further = {"annotation_report": ["{", as_annotation(Line("PY1", 1, FIRST_DAY, 1, None, None))]}
        for number in range(12):
            self.show(f"PX{number}", number % 3, host="human" if number % 2 else None)
        world.strays.append((0, BadLine("{")))
        results = [self.run(), self.run(DENGUE)]
        self.show("PX1", 4, length=2)
        world.strays.append((0, BadLine('{"accession":"PX77.1","updateDate":"soon"}')))
        results.append(self.run())
        results.append(self.run(mode="window", since=FIRST_DAY, until=FIRST_DAY + timedelta(days=2)))
        gone = world.records.pop("PX2")
        results += [self.run(mode="census"), self.run(mode="census")]
        world.records["PX2"] = gone
        world.records.pop("PX3")
        results += [self.run(mode="census"), self.run(HUMAN_MPOX), self.run(DENGUE), self.run()]
        results.append(self.run(mode="replay"))
        return results

    def run_briefly(self) -> list[IngestResult]:
        """As `run_everything`, in as few runs as leave a row in every table but that of drift.

        It has no window, and no record that is reinstated.
        """
        world = self.ncbi.world
        world.annotates = True
        refused = [(0, BadLine("{")), (0, BadLine('{"accession":"PX77.1","updateDate":"soon"}'))]
        further = {"annotation_report": ["{", as_annotation(Line("PY1", 1, FIRST_DAY, 1, None, None))]}
        for number in range(6):
            self.show(f"PX{number}", number % 3, host="human" if number % 2 else None)
        world.strays, world.further = [*refused], further
        results = [self.run()]
        # A report with refused lines takes longer to read: those in between have none.
        world.strays, world.further = [], {}
        results.append(self.run(DENGUE))
        self.show("PX1", 4, length=2)
        world.records.pop("PX2")
        results.append(self.run(mode="census"))
        world.records.pop("PX3")
        results += [self.run(mode="census"), self.run(HUMAN_MPOX)]
        world.strays, world.further = [*refused], further
        return [*results, self.run(), self.run(mode="replay")]


NOT_COMPARED = (datetime, float, dict)
"""Times, durations and versions differ between two plays of the same history."""


def comparable(connection: DuckDBPyConnection) -> dict[str, list[tuple[Any, ...]]]:
    """The contents of a warehouse without times, and with the number of a run in place of its id."""
    runs = connection.execute("SELECT run_id FROM ops.ingest_run ORDER BY started_at").fetchall()
    numbers = {run_id: f"run {number}" for number, (run_id,) in enumerate(runs)}

    def compared(row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(numbers.get(str(value), value) for value in row if not isinstance(value, NOT_COMPARED))

    queries = {table: f"FROM {table}" for table in (*TABLES, *SEQUENCE_TABLES)}
    queries["ops.ingest_run"] = (
        "SELECT * EXCLUDE (request_url, package_path) FROM ops.ingest_run WHERE status = 'success'"
    )
    return {
        name: sorted(map(compared, connection.execute(query).fetchall()), key=repr) for name, query in queries.items()
    }


def content(place: Path | LakeAddress) -> dict[str, list[tuple[Any, ...]]]:
    """The contents of a warehouse from committed runs."""
    committed = {"ops.ingest_run": "WHERE status = 'success'"}
    with opened(place) as connection:
        return {
            table: connection.execute(f"FROM {table} {committed.get(table, '')} ORDER BY ALL").fetchall()
            for table in (*TABLES, *SEQUENCE_TABLES)
        }
