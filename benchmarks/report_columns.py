"""The columns of the data report that the warehouse reads, flattened: the floor and the peers read the same."""

import shutil
import zipfile
from pathlib import Path

from ncbi_stand_in.package import DATA_FOLDER, DATA_REPORT
from virus_warehouse.reports.data_report import FIELDS, Field, fields_by_path


def reader_columns() -> str:
    """The argument `columns` of DuckDB's `read_json`."""
    kinds = {
        name: field.kind
        if isinstance(field, Field)
        else f"STRUCT({', '.join(f'{key} {member.kind}' for key, member in field.items())})"
        for name, field in FIELDS.items()
    }
    return "{" + ", ".join(f"{name}: '{kind}'" for name, kind in kinds.items()) + "}"


def flat_columns() -> dict[str, str]:
    """Flat name of each column, and its DuckDB type: `host_taxId`, `BIGINT`."""
    return {_flat(path): field.kind for path, field in fields_by_path().items()}


def flat_selection() -> str:
    """What to select from the reader: `host.taxId AS host_taxId`, ..."""
    return ", ".join(f"{path} AS {_flat(path)}" for path in fields_by_path())


def _flat(path: str) -> str:
    return path.replace(".", "_")


def flat_query(report: Path) -> str:
    """A query that reads the columns of an unpacked data report."""
    path = str(report).replace("'", "''")
    reader = f"read_json('{path}', format = 'newline_delimited', columns = {reader_columns()})"
    return f"SELECT {flat_selection()} FROM {reader}"


def keyed_table() -> str:
    """A statement that makes the table `virus_genome` of these columns with a primary key, as a script would."""
    columns = ", ".join(f"{name} {kind}" for name, kind in flat_columns().items())
    return f"CREATE TABLE virus_genome ({columns}, PRIMARY KEY (accession))"


def unpack(package: Path, folder: Path) -> Path:
    """Inflate the data report into a folder."""
    report = folder / DATA_REPORT
    with (
        zipfile.ZipFile(package) as archive,
        archive.open(DATA_FOLDER + DATA_REPORT) as member,
        report.open("wb") as file,
    ):
        shutil.copyfileobj(member, file, 1 << 20)
    return report
