"""Expected failures, which a command reports in one line; any other exception is a bug and shows its traceback."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import typer

from virus_warehouse.data_folder import DataFolderError
from virus_warehouse.forget import ForgetError
from virus_warehouse.ncbi.errors import DatasetsError, PackageError
from virus_warehouse.package_source import EmptyFullLoad
from virus_warehouse.publish.about import SnapshotDamaged
from virus_warehouse.publish.export import ExportError
from virus_warehouse.publish.gates import GateFailed
from virus_warehouse.publish.manifest import ManifestError
from virus_warehouse.publish.places import PlaceError
from virus_warehouse.publish.publication import Overtaken
from virus_warehouse.publish.published_files import SettingError
from virus_warehouse.rebuild import RebuildError
from virus_warehouse.reports.reading import ReportUnreadable
from virus_warehouse.shortage import DiskFull, MemoryTooSmall
from virus_warehouse.sources import SourceError
from virus_warehouse.warehouse.connection import CommitFailed, WarehouseDamaged, WarehouseLocked
from virus_warehouse.warehouse.load_gates import GateError
from virus_warehouse.warehouse.migrate import SchemaTooNew, SchemaTooOld
from virus_warehouse.windows import WindowError

EXPLAINED = (
    CommitFailed,
    DataFolderError,
    DatasetsError,
    DiskFull,
    EmptyFullLoad,
    ExportError,
    ForgetError,
    GateError,
    GateFailed,
    ManifestError,
    MemoryTooSmall,
    Overtaken,
    PackageError,
    PlaceError,
    RebuildError,
    ReportUnreadable,
    SchemaTooNew,
    SchemaTooOld,
    SettingError,
    SnapshotDamaged,
    SourceError,
    WarehouseDamaged,
    WarehouseLocked,
    WindowError,
    duckdb.Error,
)


@contextmanager
def explained(*, as_json: bool = False) -> Iterator[None]:
    """Print the message of a known failure to standard error, and end the command with exit code 1.

    Args:
        as_json: whether the command prints its outcome as JSON: then a failure is one, too.
    """
    try:
        yield
    except EXPLAINED as failure:
        if as_json:
            typer.echo(json.dumps({"succeeded": False, "message": str(failure)}))
        sys.stdout.flush()
        typer.echo(str(failure), err=True)
        raise typer.Exit(1) from failure
