"""The columns of the data report that the warehouse reads, flattened: the floor and the peers read the same."""

import shutil
import zipfile
from pathlib import Path

from ncbi_stand_in.package import DATA_FOLDER, DATA_REPORT
from virus_warehouse.reports.data_report import FIELDS


def reader_columns() -> str:
    """The argument `columns` of DuckDB's `read_json`."""
    kinds = {
        name: kind if isinstance(kind, str) else f"STRUCT({', '.join(f'{key} {kind[key]}' for key in kind)})"
        for name, kind in FIELDS.items()
    }
    return "{" + ", ".join(f"{name}: '{kind}'" for name, kind in kinds.items()) + "}"


def flat_columns() -> dict[str, str]:
    """Flat name of each column, and its DuckDB type: `host_taxId`, `BIGINT`."""
    columns = {}
    for name, kind in FIELDS.items():
        if isinstance(kind, str):
            columns[name] = kind
        else:
            columns |= {f"{name}_{key}": kind[key] for key in kind}
    return columns


def flat_selection() -> str:
    """What to select from the reader: `host.taxId AS host_taxId`, ..."""
    expressions = []
    for name, kind in FIELDS.items():
        if isinstance(kind, str):
            expressions.append(name)
        else:
            expressions.extend(f"{name}.{key} AS {name}_{key}" for key in kind)
    return ", ".join(expressions)


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
