"""The command `virus-warehouse`: load, publish and query without Airflow."""

from typing import Annotated

import typer

from virus_warehouse import __version__
from virus_warehouse.cli import acknowledge, export, forget, publish, rebuild, run, sources, sql

app = typer.Typer(
    help="A DuckDB warehouse of NCBI virus genome reports: load, publish and query it without Airflow.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    run.run,
    run.census,
    run.replay,
    publish.publish,
    sql.sql,
    export.export,
    rebuild.rebuild,
    acknowledge.acknowledge,
    forget.forget,
):
    app.command()(command)
app.add_typer(sources.app, name="sources")


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options of every command."""


def main() -> None:
    """Run the command line."""
    app(prog_name="virus-warehouse")
