"""`virus-warehouse forget`: remove a source that is no longer followed, with all its data."""

import sys
from typing import Annotated

import typer

from virus_warehouse import forget as forgetting
from virus_warehouse.cli.failures import explained
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.published_files import dated_snapshots
from virus_warehouse.sources import read_sources
from virus_warehouse.warehouse.connection import warehouse_of
from virus_warehouse.wording import plural


def forget(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A source that is no longer in the sources file.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove the rows, packages and run files of SOURCE for good. Asks first."""
    with explained():
        followed = read_sources()
        forgetting.refuse_followed(source, followed)
        data = DataFolder.from_environment()
        warehouse = warehouse_of(data)
        typer.echo(_inventory(source, forgetting.holdings(source, warehouse, data)))
        if not yes:
            typer.echo("Type the name of the source to remove all of it permanently: ", nl=False)
            answer = sys.stdin.readline()
            if answer.strip() != source:
                reason = "" if answer else ": no answer. Use --yes to skip the question"
                typer.echo(f"Nothing was removed{reason}.", err=True)
                raise typer.Exit(1)
        forgetting.forget(source, warehouse, data, followed)
    typer.echo(f"Removed {source}. The published snapshot still shows it until the next publication.")
    if dated := dated_snapshots(data.published):
        typer.echo(f"Dated snapshots in {data.published} stay as they are: {len(dated)}. Delete those that show it.")


def _inventory(source: str, held: forgetting.Holdings) -> str:
    rows = "".join(f"\n  {count:>12,} {plural(count, 'row')} of {table}" for table, count in held.rows.items())
    return (
        f"{source} has{rows}\n  {held.packages:>12,} {plural(held.packages, 'package')} with "
        f"{held.package_bytes / 1e6:,.1f} MB in the archive\n  {held.files:>12,} {plural(held.files, 'other file')}: "
        f"run files and refused packages"
    )
