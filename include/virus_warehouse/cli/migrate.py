"""`virus-warehouse migrate`: copy the warehouse to another place, from a file to a lake or back."""

from pathlib import Path
from typing import Annotated

import typer

from virus_warehouse.cli.failures import explained
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.transfer import transfer
from virus_warehouse.warehouse.connection import warehouse_at, warehouse_of
from virus_warehouse.warehouse.lake_address import is_lake, lake_address
from virus_warehouse.wording import counted


def migrate(
    to: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Path of a new DuckDB file, or address of a new lake, ducklake:postgresql://user@host/database?data_path"
            "=s3://bucket/lake. Without a password in it, PostgreSQL's is read from PGPASSWORD.",
        ),
    ],
) -> None:
    """Copy the warehouse that VIRUS_WAREHOUSE names to another place, from a file to a lake or back.

    Every table is compared with the original. Pause the DAGs first: nobody can write the warehouse meanwhile, and a
    working run is refused. After an interruption the same command goes on. The old place is left as it is.

    Exit code 0: done. 1: it failed; the new place is no warehouse yet. 2: wrong arguments or settings.
    """
    with explained():
        data = DataFolder.from_environment(with_snapshot=False)
        source = warehouse_of(data)
        target = warehouse_at(lake_address(to, "--to") if is_lake(to) else Path(to).expanduser().absolute())
        done = transfer(source, target, data)
    typer.echo(
        f"OK {target.location} has all that {source.location} has: {counted(len(done.rows), 'table')} with "
        f"{counted(sum(done.rows.values()), 'row')}, all compared; copied now: {len(done.copied)}."
    )
    typer.echo(f"Set VIRUS_WAREHOUSE, or the connection virus_warehouse in Airflow, to {target.storage.shown_setting}")
    typer.echo(
        f"before anything runs again. {source.location} is as it was: what still uses it writes there, and not into "
        f"the copy. Remove it when you no longer want to go back."
    )
