"""The command `virus-warehouse`: load, publish and query without Airflow."""

import sys
from typing import Annotated

import typer

from virus_warehouse import __version__
from virus_warehouse.cli import (
    acknowledge,
    approve,
    attach,
    backup,
    doctor,
    export,
    fasta,
    forget,
    housekeeping,
    migrate,
    publish,
    rebuild,
    restore,
    run,
    sources,
    sql,
    verify,
)

INTERRUPTED = 130
"""Exit code after Ctrl-C."""

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
    approve.approve,
    export.export,
    verify.verify,
    rebuild.rebuild,
    acknowledge.acknowledge,
    forget.forget,
    housekeeping.housekeeping,
    doctor.doctor,
    backup.backup,
    restore.restore,
    migrate.migrate,
    attach.attach,
):
    app.command()(command)
# A query may begin with a comment, which looks like an option.
app.command(context_settings={"ignore_unknown_options": True})(sql.sql)
app.command()(fasta.fasta)
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
    """Run the command given by the arguments."""
    try:
        app(prog_name="virus-warehouse")
    except RuntimeError as error:
        if "Query interrupted" not in str(error):  # as DuckDB reports Ctrl-C
            raise
        sys.exit(INTERRUPTED)
    except (OSError, UnicodeEncodeError) as error:  # a full disk, a closed pipe, a terminal without these letters
        sys.exit(f"virus-warehouse: {error}")
