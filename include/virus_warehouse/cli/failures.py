"""Expected failures, which a command reports in one line; any other exception is a bug and shows its traceback."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import typer

from virus_warehouse.failure import Failure

EXPLAINED = (Failure, duckdb.Error, OSError)
"""DuckDB's errors are those of a query, or name the file that cannot be read; the system's name a file, too."""


@contextmanager
def explained(*, as_json: bool = False) -> Iterator[None]:
    """Print the message of an expected failure to standard error, and end the command with its exit code.

    Args:
        as_json: whether the command prints its outcome as JSON: then a failure is one, too.
    """
    try:
        yield
    except EXPLAINED as failure:
        if as_json:
            typer.echo(json.dumps({"succeeded": False, "message": str(failure)}))
        sys.stdout.flush()
        typer.echo(str(failure), err=True)
        raise typer.Exit(exit_code(failure)) from failure


def exit_code(failure: BaseException | None) -> int:
    """The exit code of a command that ends with this failure."""
    return failure.exit_code if isinstance(failure, Failure) else Failure.exit_code
