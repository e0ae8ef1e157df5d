"""The columns that the warehouse reads, those of the data report flattened. The floor and the peers read the same."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from ncbi_stand_in.package import DATA_FOLDER, DATA_REPORT
from virus_warehouse.reports.data_report import FIELDS, Field, fields_by_path
from virus_warehouse.reports.report import Report
from virus_warehouse.reports.shape import Json, ListOf, Shape, Value, read_columns
from virus_warehouse.sql_file import sql_text


def reader_columns() -> str:
    """The argument `columns` of DuckDB's `read_json`."""
    kinds = {
        name: _type(field.shape)
        if isinstance(field, Field)
        else f"STRUCT({', '.join(f'{key} {_type(member.shape)}' for key, member in field.items())})"
        for name, field in FIELDS.items()
    }
    return "{" + ", ".join(f"{name}: '{kind}'" for name, kind in kinds.items()) + "}"


def flat_columns() -> dict[str, str]:
    """The flat name of each column and its DuckDB type, such as `host_taxId` and `BIGINT`."""
    return {_flat(path): _type(field.shape) for path, field in fields_by_path().items()}


def flat_selection() -> str:
    """The select list for the reader: `host.taxId AS host_taxId`, ..."""
    return ", ".join(f"{path} AS {_flat(path)}" for path in fields_by_path())


def _type(shape: Shape) -> str:
    """The DuckDB type of a field of the data report."""
    match shape:
        case ListOf():
            return f"{_type(shape.item)}[]"
        case Json():
            return "JSON"
        case _:
            return {Value.NUMBER: "BIGINT", Value.FLAG: "BOOLEAN"}.get(Value(str(shape)), "VARCHAR")


def _flat(path: str) -> str:
    return path.replace(".", "_")


def flat_query(report: Path) -> str:
    """A query that reads the columns of an unpacked data report."""
    return f"SELECT {flat_selection()} FROM {_reader(report, reader_columns())}"


def nested_query(kind: Report, report: Path) -> str:
    """A query that reads the columns of another unpacked report, without flattening them."""
    columns = ", ".join(f"{name}: {sql_text(type_)}" for name, type_ in read_columns(kind.shape).items())
    return f"FROM {_reader(report, f'{{{columns}}}')}"


def _reader(report: Path, columns: str) -> str:
    return f"read_json({sql_text(report)}, format = 'newline_delimited', columns = {columns})"


def keyed_table() -> str:
    """A statement that creates the table `virus_genome` with these columns and a primary key."""
    columns = ", ".join(f"{name} {kind}" for name, kind in flat_columns().items())
    return f"CREATE TABLE virus_genome ({columns}, PRIMARY KEY (accession))"


def unpack(
    package: Path,
    folder: Path,
    report: str = DATA_REPORT,
    open_member: Callable[[zipfile.ZipFile, zipfile.ZipInfo], IO[bytes]] = zipfile.ZipFile.open,
) -> Path:
    """Inflate a report into a folder, with Python's zipfile or with the given function."""
    path = folder / report
    with (
        zipfile.ZipFile(package) as archive,
        open_member(archive, archive.getinfo(DATA_FOLDER + report)) as member,
        path.open("wb") as file,
    ):
        shutil.copyfileobj(member, file, 1 << 20)
    return path
