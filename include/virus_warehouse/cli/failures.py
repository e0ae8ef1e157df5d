"""Expected failures, which a command reports in one line; any other exception is a bug and shows its traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import typer

from virus_warehouse.data_folder import DataFolderError
from virus_warehouse.forget import ForgetError
from virus_warehouse.ncbi.errors import DatasetsError, PackageError
from virus_warehouse.package_source import EmptyFullLoad
from virus_warehouse.publish.export import ExportError
from virus_warehouse.publish.gates import GateFailed
from virus_warehouse.rebuild import RebuildError
from virus_warehouse.reports.reading import ReportUnreadable
from virus_warehouse.shortage import DiskFull, MemoryTooSmall
from virus_warehouse.sources import SourceError
from virus_warehouse.warehouse.connection import WarehouseDamaged, WarehouseLocked
from virus_warehouse.warehouse.load_gates import GateError
from virus_warehouse.warehouse.migrate import SchemaTooNew, SchemaTooOld
from virus_warehouse.windows import WindowError

EXPLAINED = (
    DataFolderError,
    DatasetsError,
    DiskFull,
    EmptyFullLoad,
    ExportError,
    ForgetError,
    GateError,
    GateFailed,
    MemoryTooSmall,
    PackageError,
    RebuildError,
    ReportUnreadable,
    SchemaTooNew,
    SchemaTooOld,
    SourceError,
    WarehouseDamaged,
    WarehouseLocked,
    WindowError,
    duckdb.Error,
)


@contextmanager
def explained() -> Iterator[None]:
    """End the command with the error message on standard error and exit code 1."""
    try:
        yield
    except EXPLAINED as failure:
        sys.stdout.flush()
        typer.echo(str(failure), err=True)
        raise typer.Exit(1) from failure
