"""A data folder of one version, zipped, for tests of the versions that follow: `tests/data/data_folder_DATE.zip`.

Made before a release, with the code that is released and the date of the day:

    python -m tests.support.kept_data_folder tests/data/data_folder_2026-11-29.zip

Its records are made up, in the smallest form that leaves a row in every table, and a file in every place, of a data
folder. The zip also holds all the rows as that version read them, by which later versions are compared.
"""

import json
import platform
import sys
import tempfile
import zipfile
from contextlib import chdir, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb

from tests.support.fake_ncbi import BadLine, FakeNcbi, damaged
from tests.support.followed import DENGUE, MPOX, Followed
from tests.support.nested_lines import ANNOTATION, BIOSAMPLE
from tests.support.snapshots import publish
from tests.support.warehouses import dicts, line, query
from tests.unit.virus_warehouse.reports.test_data_report import EVERYTHING
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.errors import DatasetsUnavailable
from virus_warehouse.private_files import private_files
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.findings import acknowledge
from virus_warehouse.warehouse.load import Acceptance
from virus_warehouse.windows import WindowRequest

FOLLOWED = SourcesFile(Path("sources.yaml"), {source.name: source for source in (MPOX, DENGUE)})

MADE_UP = {
    "NC_063383": "PX000088",
    "Wuhan-Hu-1": "isolate 88",
    "MPXV-M5312_HM12_Rivers": "isolate 88",
    "Zaire-96-I-16": "strain 88",
    "Wu,F.": "Doe,A.",
    "Zhao,S.": "Doe,B.",
    "National Center": "An institute",
    "PRJNA485481": "PRJNA0",
    "43740578": "88",
    "P0DTD": "Z0ZZZ",
    "_SARS2": "_MADE",
    "6XEZ": "0ZZ1",
    "7NIO": "0ZZ2",
    "5R7Y": "0ZZ3",
    "43.07 N 89.40 W": "0 N 0 W",
}
"""In place of the names and ids that full lines of other tests have from genuine records."""

FOLDER, WAREHOUSE_ROWS, SNAPSHOT_ROWS = "data", "warehouse_rows.json", "snapshot_rows.json"
"""What is in the zip."""

Rows = dict[str, list[dict[str, Any]]]


def rows_of(path: Path) -> Rows:
    """All rows of all tables of a warehouse or snapshot, as JSON has them, in an order of their own."""
    tables = query(
        path,
        "SELECT schema_name || '.' || table_name FROM duckdb_tables() "
        "WHERE database_name = current_database() AND table_name <> 'alembic_version' ORDER BY ALL",
    )
    return {table: as_json(dicts(path, f"FROM {table}")) for (table,) in tables}


def as_json(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return in_order(json.loads(json.dumps(rows, default=str)))


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def as_made_up_line(record: dict[str, Any]) -> str:
    text = json.dumps(record)
    for genuine, made_up in MADE_UP.items():
        text = text.replace(genuine, made_up)
    return text


def fill(ncbi: FakeNcbi, root: Path) -> Followed:
    """Live through everything, publish, and leave some news beside what is published."""
    followed = Followed(ncbi, root)
    followed.run_everything()
    world = ncbi.world
    world.strays += [
        (0, BadLine(as_made_up_line(EVERYTHING))),
        (0, BadLine(line("PX88.1", "2025-03-20", novelty={"of": "NCBI"}))),
    ]
    world.further["annotation_report"].append(as_made_up_line(ANNOTATION))
    world.further["biosample_report"] = [as_made_up_line(BIOSAMPLE)]
    followed.run()
    with duckdb.connect() as session, Warehouse(followed.data.warehouse).transaction(session):
        acknowledge(session, DENGUE.name, datetime.now(UTC))
    for accession in ("PX4", "PX5", "PX6"):
        del world.records[accession]
    with DatasetsClient(ncbi.url, attempts=1) as client:
        ingest(
            MPOX,
            client=client,
            warehouse=Warehouse(followed.data.warehouse),
            data=followed.data,
            wish=WindowRequest("census"),
            accepts=Acceptance(missing=True),
        )
    publish(followed.data, FOLLOWED, "shrinkage")
    ncbi.breaks.append(damaged())
    with suppress(DatasetsUnavailable):
        followed.run()
    followed.show("PX1", 30, length=3)
    followed.run()
    return followed


@private_files()
def main(target: Path) -> None:
    """Make the zip."""
    with (
        tempfile.TemporaryDirectory() as folder,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        # Neither the name of this machine nor a path of it gets into what runs say of themselves.
        mock.patch.object(platform, "node", return_value="example-host"),
        chdir(folder),
        FakeNcbi() as ncbi,
    ):
        data = fill(ncbi, Path(FOLDER)).data
        for path in sorted(data.root.rglob("*")):
            archive.write(path)
        for name, file in ((WAREHOUSE_ROWS, data.warehouse), (SNAPSHOT_ROWS, data.snapshot)):
            archive.writestr(name, json.dumps(rows_of(file), indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
