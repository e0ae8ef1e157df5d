"""`virus-warehouse attach`: the statements with which anybody attaches what is published."""

from typing import Annotated

import typer

from virus_warehouse.cli.failures import explained
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.attach import attach_statements
from virus_warehouse.warehouse.connection import warehouse_of


def attach(
    user: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Who reads the catalog of a lake, in PostgreSQL; by default who writes it."),
    ] = None,
) -> None:
    """Print the SQL that attaches what was published last to any DuckDB, read-only.

    For a lake it is the state that the snapshot was made from, without the snapshot's marts. No password is printed:
    DuckDB reads PostgreSQL's from PGPASSWORD or ~/.pgpass, and a bucket's keys from AWS_ACCESS_KEY_ID and
    AWS_SECRET_ACCESS_KEY or where else AWS keeps them.

    Exit code 0: done. 1: nothing is published, or the catalog cannot be reached. 2: wrong arguments or settings.
    """
    with explained():
        data = DataFolder.to_query()
        statements = attach_statements(warehouse_of(data), data, user)
    typer.echo(statements, nl=False)
