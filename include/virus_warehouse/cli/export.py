"""`virus-warehouse export`: the published snapshot as files."""

from pathlib import Path
from typing import Annotated

import typer

from virus_warehouse.cli.failures import explained
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish import export as exporting


def export(
    file_format: Annotated[exporting.Format, typer.Option("--format", help="File format.")] = exporting.Format.PARQUET,
    source: Annotated[str | None, typer.Option(help="Only this source; all by default.")] = None,
    to: Annotated[Path | None, typer.Option(help="Output folder; export in the data folder by default.")] = None,
) -> None:
    """Export the tables of the published snapshot to files, by source and table."""
    with explained():
        data = DataFolder.to_read()
        files = exporting.export(data.snapshot, to or data.root / "export", file_format, source)
    for file in files:
        typer.echo(f"{file.stat().st_size:>12,} bytes  {file}")
