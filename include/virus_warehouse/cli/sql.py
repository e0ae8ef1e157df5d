"""`virus-warehouse sql`: a DuckDB prompt on the published snapshot, or the result of one query."""

import os
import shutil
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from virus_warehouse.cli.failures import explained
from virus_warehouse.cookbook.prompt import listing, prompt_sql
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.sql_file import sql_text


class Format(StrEnum):
    """Output format."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


_WRITTEN_AS = {
    Format.CSV: "FORMAT csv, HEADER",
    Format.JSON: "FORMAT json",
    Format.PARQUET: "FORMAT parquet, COMPRESSION zstd",
}


def sql(
    query: Annotated[
        str | None, typer.Argument(metavar="[QUERY]", help="SQL; without it, a DuckDB prompt with the cookbook.")
    ] = None,
    answer_format: Annotated[Format, typer.Option("--format", help="Output format.")] = Format.TABLE,
    to: Annotated[Path | None, typer.Option(help="Output file; standard output by default.")] = None,
) -> None:
    """Query the published snapshot; runs do not interfere. FROM cookbook lists recipes, FROM recipe(7) runs one."""
    with explained():
        data = DataFolder.from_environment()
    if not data.snapshot.exists():
        typer.echo(
            f"Nothing is published in {data.root} yet. `virus-warehouse run SOURCE` loads and publishes a source.",
            err=True,
        )
        raise typer.Exit(1)
    if query is None:
        _prompt(data.snapshot)
    if answer_format is Format.PARQUET and to is None and sys.stdout.isatty():
        raise typer.BadParameter("parquet is a binary format: name a file with --to")
    with explained(), duckdb.connect(data.snapshot, read_only=True) as connection:
        connection.execute(prompt_sql())
        if answer_format is Format.TABLE and to is None:
            connection.sql(str(query)).show(max_width=shutil.get_terminal_size((160, 24)).columns)
            return
        chosen = Format.CSV if answer_format is Format.TABLE else answer_format
        rows = str(query).strip().rstrip(";")
        with tempfile.TemporaryDirectory(prefix="virus-warehouse-answer-") as folder:
            # Not to /dev/stdout itself: DuckDB would truncate it where it is a file.
            answer = to or Path(folder, "answer")
            connection.execute(f"COPY (\n{rows}\n) TO {sql_text(answer)} ({_WRITTEN_AS[chosen]})")
            if to is None:
                sys.stdout.flush()
                with answer.open("rb") as file:
                    shutil.copyfileobj(file, sys.stdout.buffer)


def _prompt(snapshot: Path) -> None:
    """Replace this process with DuckDB's prompt; the list of recipes is shown only on a terminal."""
    program = shutil.which("duckdb", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if program is None:
        typer.echo("The program duckdb is not installed: pip install duckdb-cli, or give a QUERY.", err=True)
        raise typer.Exit(1)
    if sys.stdin.isatty():
        typer.echo(listing())
    sys.stdout.flush()
    os.execv(program, [program, "-readonly", "-cmd", prompt_sql(), str(snapshot)])  # noqa: S606  # nosec B606
