"""`virus-warehouse export`: the published snapshot as files."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from virus_warehouse.cli.failures import explained
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish import export as exporting


def export(
    file_format: Annotated[
        exporting.Format,
        typer.Option(
            "--format", help="parquet or csv: the tables; augur: Nextstrain's files; dataformat: NCBI's TSV of records."
        ),
    ] = exporting.Format.PARQUET,
    source: Annotated[str | None, typer.Option(help="Only this source; all by default.")] = None,
    where: Annotated[
        str | None,
        typer.Option(metavar="SQL", help="Only records of this condition on virus_genome, as \"country = 'USA'\"."),
    ] = None,
    fields: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Columns of dataformat, by NCBI's mnemonics; all by default.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="Output folder; export in the data folder by default.")] = None,
) -> None:
    """Export the published snapshot to files: its tables by source, or its records as other tools read them."""
    if fields is not None and file_format is not exporting.Format.DATAFORMAT:
        raise typer.BadParameter(f"--fields is for --format dataformat, not for {file_format}")
    with explained():
        data = DataFolder.to_query()
        files = exporting.export(
            data.snapshot,
            to or data.root / "export",
            file_format,
            source,
            where=where,
            fields=None if fields is None else [name.strip() for name in fields.split(",")],
            warn=partial(typer.echo, err=True),
        )
    for file in files:
        typer.echo(f"{file.stat().st_size:>12,} bytes  {file}")
