"""`virus-warehouse restore`: a back-up into an empty data folder."""

from pathlib import Path
from typing import Annotated

import typer

from virus_warehouse.backup.manifest import SOURCES
from virus_warehouse.backup.restore import restore_backup
from virus_warehouse.cli.failures import explained
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.failure import UsageError
from virus_warehouse.sources import sources_path
from virus_warehouse.wording import counted


def restore(
    place: Annotated[
        Path, typer.Argument(metavar="FROM", help="A back-up, or the folder with all: then the newest one.")
    ],
) -> None:
    """Restore a back-up into the data folder, which has to be empty.

    Every file is compared with the back-up's manifest before anything is put in place.

    Exit code 0: done. 1: it failed; the data folder has no warehouse. 2: wrong arguments or settings.
    """
    with explained():
        data = DataFolder.to_read()
        if data.is_beside_a_lake:
            raise UsageError(
                "a back-up is restored as a warehouse file: run it without VIRUS_WAREHOUSE, and with an empty folder "
                "as VIRUS_DATA. `virus-warehouse migrate --to ADDRESS` then copies the file into a new lake (see "
                "docs/scaling.md)"
            )
        restored = restore_backup(place.absolute(), data, data.warehouse)
    manifest = restored.manifest
    if restored.airflow is not None:
        typer.echo(f"Airflow's database is not restored. Its dump, for pg_restore, is {restored.airflow}.")
    if restored.sources is not None and restored.sources != sources_path():
        typer.echo(f"The sources file is {restored.sources}; in use is {sources_path()}: compare them.")
    elif restored.sources is None:
        typer.echo(f"The back-up has no {SOURCES}; in use is {sources_path()}.")
    typer.echo(
        f"OK {data.root} is as it was at {manifest.made_at}: {counted(len(manifest.files), 'file')} of "
        f"{restored.backup}, {counted(sum(manifest.rows.values()), 'row')} in {data.warehouse.name}."
    )
