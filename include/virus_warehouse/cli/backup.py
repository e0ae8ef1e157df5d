"""`virus-warehouse backup`: a copy of everything, beside running loads."""

from pathlib import Path
from typing import Annotated

import typer

from virus_warehouse.backup.copies import OnProgress
from virus_warehouse.backup.folder import backup_of
from virus_warehouse.backup.make import make_backup
from virus_warehouse.backup.verify import verify_backup
from virus_warehouse.cli.failures import explained
from virus_warehouse.cli.progress import shown_bytes
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.warehouse.connection import warehouse_of
from virus_warehouse.wording import counted


def backup(
    to: Annotated[
        Path, typer.Argument(metavar="TO", help="The folder with all back-ups: another disk, or another machine's.")
    ],
    verify: Annotated[
        bool, typer.Option("--verify", help="Make none; read the newest back-up in TO, or TO itself, and compare it.")
    ] = False,
    airflow: Annotated[
        bool,
        typer.Option(
            "--airflow-database/--no-airflow-database",
            help="Dump Airflow's database, if AIRFLOW__DATABASE__SQL_ALCHEMY_CONN names one of PostgreSQL.",
        ),
    ] = True,
) -> None:
    """Back up the data folder, the sources file and Airflow's database, beside running loads.

    Each back-up is a folder in TO, whole by itself. Files that the one before has are linked, so that they take no
    space again; an old back-up can be removed with `rm -r`.

    Exit code 0: done, or whole. 1: it failed, or something differs. 2: wrong arguments or settings.
    """
    with explained(), shown_bytes() as on_progress:
        if verify:
            _verify(to, on_progress)
        data = DataFolder.from_environment()
        made = make_backup(warehouse_of(data), data, to.absolute(), airflow=airflow, on_progress=on_progress)
    for left_out in made.left_out:
        typer.echo(f"NOT BACKED UP {left_out}.")
    typer.echo(
        f"OK {made.path}: {counted(made.files, 'file')} with {made.bytes:,} bytes, read back and whole. Copied: "
        f"{counted(made.copied, 'file')} with {made.copied_bytes:,} bytes; the back-up before has the others. The "
        f"warehouse was locked for {made.locked_seconds:.2f} s."
    )


def _verify(place: Path, on_progress: OnProgress | None) -> None:
    path = backup_of(place.absolute())
    verified = verify_backup(path, on_progress)
    for difference in verified.differences:
        typer.echo(f"DIFFERS {difference}")
    manifest = verified.manifest
    outcome = "FAILED" if verified.differences else "OK"
    is_or_not = "is not" if verified.differences else "is"
    typer.echo(
        f"{outcome} {path} {is_or_not} as its manifest says: {counted(len(manifest.files), 'file')} with "
        f"{manifest.bytes:,} bytes, of {manifest.made_at}."
    )
    raise typer.Exit(1 if verified.differences else 0)
