"""`virus-warehouse rebuild`: the warehouse, made from the archived packages."""

from typing import Annotated

import typer

from virus_warehouse import rebuild as rebuilding
from virus_warehouse.cli.failures import explained
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.warehouse.connection import Warehouse


def rebuild(
    replace: Annotated[bool, typer.Option("--replace", help="Put the new file in the place of the old one.")] = False,
    from_oldest: Annotated[
        bool, typer.Option("--from-oldest", help="Go back as far as the archive does, and date loads by it.")
    ] = False,
) -> None:
    """Rebuild the warehouse from the archived packages, beside the old one.

    Exit code 0: nothing is missing. 1: something is; each line that begins with MISSING says what.
    """
    with explained():
        data = DataFolder.from_environment()
        rebuilt = rebuilding.rebuild(
            data, replace=replace, from_oldest=from_oldest, warehouse=Warehouse(data.warehouse)
        )
    for difference in rebuilt.differences:
        typer.echo(f"This version reads it otherwise: {difference}")
    for gap in rebuilt.gaps:
        typer.echo(f"MISSING {gap}")
    typer.echo(f"{len(rebuilt.loads)} loads repeated.")
    if rebuilt.replaced:
        typer.echo(f"The rebuilt warehouse is in place; the old one is {rebuilt.replaced}.")
    elif not replace:
        typer.echo(f"The rebuilt warehouse is {rebuilt.path}; the old one stays. --replace puts it in its place.")
    raise typer.Exit(1 if rebuilt.gaps else 0)
