"""`virus-warehouse sources`: the sources file."""

import typer

from virus_warehouse.cli.failures import explained
from virus_warehouse.sources import read_sources
from virus_warehouse.wording import counted

app = typer.Typer(help="The sources file.", no_args_is_help=True)


@app.callback()
def sources() -> None:
    """The sources file."""


@app.command()
def check() -> None:
    """Check the sources file: print each error, then the valid sources.

    Exit code 0: every source is valid, and so are the alerts. 1: one is not. 2: the file as a whole cannot be read.
    """
    with explained():
        read = read_sources()
    faults = [*read.errors.values(), *([read.alerts_error] if read.alerts_error else [])]
    for fault in faults:
        typer.echo(str(fault))
    typer.echo(f"{read.path}: {counted(len(read.sources), 'valid source')}: {', '.join(read.sources) or 'none'}")
    raise typer.Exit(1 if faults else 0)
