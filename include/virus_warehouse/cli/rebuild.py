"""`virus-warehouse rebuild`: rebuild the warehouse from the archived packages."""

from typing import Annotated

import typer

from virus_warehouse import rebuild as rebuilding
from virus_warehouse.cli.failures import explained
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.warehouse.connection import warehouse_of
from virus_warehouse.wording import counted


def rebuild(
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the old file with the new one; not with a lake.")
    ] = False,
    from_oldest: Annotated[
        bool, typer.Option("--from-oldest", help="Start at the oldest archived load, not at the newest full one.")
    ] = False,
) -> None:
    """Rebuild the warehouse from the archived packages, in a file beside the old one.

    It starts at each source's newest full load or census. The new file then lacks what was there before: history,
    missing and withdrawn records, runs. That is reported, and --from-oldest brings it. With --replace, the old file is
    kept under another name.

    Exit code 0: done. 1: a package or a load is missing, see the lines that begin with MISSING.
    """
    with explained():
        data = DataFolder.from_environment()
        old = warehouse_of(data)
        rebuilt = rebuilding.rebuild(data, replace=replace, from_oldest=from_oldest, warehouse=old)
    for difference in rebuilt.differences:
        typer.echo(f"Read differently by this version: {difference}")
    for gap in rebuilt.gaps:
        typer.echo(f"MISSING {gap}")
    for run_id in rebuilt.committed_meanwhile:
        typer.echo(
            f"MISSING {run_id}: it committed meanwhile, or its package is elsewhere. Pause the DAGs, rebuild again"
        )
    typer.echo(f"{counted(len(rebuilt.loads), 'load')} repeated.")
    if rebuilt.replaced:
        typer.echo(f"The rebuilt warehouse is in place; the old one is {rebuilt.replaced}.")
    elif old.storage.file is None:
        typer.echo(f"The rebuilt warehouse is {rebuilt.path}; {old.location} is unchanged. To make it a new lake:")
        # In a data folder in a bucket, this host's copy has the file.
        typer.echo(f"VIRUS_DATA={data.root} VIRUS_WAREHOUSE={rebuilt.path} virus-warehouse migrate --to ducklake:…")
    elif not replace:
        typer.echo(f"The rebuilt warehouse is {rebuilt.path}; the old one is unchanged. --replace replaces it.")
    raise typer.Exit(1 if rebuilt.gaps or rebuilt.committed_meanwhile else 0)
