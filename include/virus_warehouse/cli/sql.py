"""`virus-warehouse sql`: a DuckDB prompt on the published snapshot, or the result of one query."""

import contextlib
import os
import shutil
import sys
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from duckdb import DuckDBPyConnection, DuckDBPyRelation

from virus_warehouse.cli.failures import explained
from virus_warehouse.cookbook.prompt import listing, prompt_sql
from virus_warehouse.data_folder import DataFolder, nothing_published
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
        str | None, typer.Argument(metavar="QUERY", help="SQL; without it, DuckDB's prompt with the cookbook.")
    ] = None,
    answer_format: Annotated[
        Format | None, typer.Option("--format", help="How the answer is written; by default as --to ends, or table.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="File for the answer; standard output by default.")] = None,
) -> None:
    """Ask the published snapshot, which no run disturbs. FROM cookbook lists recipes, FROM recipe(7) answers one."""
    data = DataFolder.to_query()
    if not data.snapshot.exists():
        typer.echo(nothing_published(data.snapshot), err=True)
        raise typer.Exit(1)
    chosen = answer_format or _format_of(to)
    if query is None and answer_format is None and to is None:
        _prompt(data.snapshot)
    if chosen is Format.PARQUET and to is None and sys.stdout.isatty():
        raise typer.BadParameter("parquet is not text: name a file with --to")
    with explained(), duckdb.connect(data.snapshot, read_only=True) as connection:
        connection.execute(prompt_sql())
        answer = _ask(connection, sys.stdin.read() if query is None else query)
        if chosen is Format.TABLE:
            _show(answer, to)
            return
        with tempfile.TemporaryDirectory(prefix="virus-warehouse-answer-") as folder:
            # Not to /dev/stdout itself: where that is a file, DuckDB would overwrite it from its start.
            file = to or Path(folder, "answer")
            connection.execute(f"COPY (FROM answer) TO {sql_text(file)} ({_WRITTEN_AS[chosen]})")
            if to is None:
                sys.stdout.flush()
                with file.open("rb") as written:
                    shutil.copyfileobj(written, sys.stdout.buffer)


def _format_of(to: Path | None) -> Format:
    suffix = "" if to is None else to.suffix.removeprefix(".").lower()
    return Format(suffix) if suffix in {*Format} else Format.TABLE


def _ask(connection: DuckDBPyConnection, query: str) -> DuckDBPyRelation:
    statements = connection.extract_statements(query)
    if len(statements) != 1:
        raise typer.BadParameter(f"QUERY has {len(statements)} statements: one at a time")
    answer: DuckDBPyRelation | None = connection.sql(statements[0].query)
    if answer is None:
        typer.echo("Done; this statement has no rows.", err=True)
        raise typer.Exit
    return answer


def _show(answer: DuckDBPyRelation, to: Path | None) -> None:
    """Print a table: as wide as the terminal, and whole where no terminal is."""
    if to is None and sys.stdout.isatty():
        answer.show(max_width=shutil.get_terminal_size().columns)
        return
    with contextlib.ExitStack() as stack:
        if to is not None:
            stack.enter_context(contextlib.redirect_stdout(stack.enter_context(to.open("w", encoding="utf-8"))))
        answer.show(max_rows=sys.maxsize, max_width=1_000_000)


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
