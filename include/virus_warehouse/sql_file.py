"""SQL kept in `.sql` files, run on a DuckDB connection with parameters as DuckDB variables."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from duckdb import DuckDBPyConnection


def sql_text(value: object) -> str:
    """A value as an SQL literal, for the places where DuckDB takes no parameter, such as paths."""
    return "'" + str(value).replace("'", "''") + "'"


@cache
def read_sql(name: str) -> str:
    """The text of an SQL file of this package.

    Args:
        name: path below `virus_warehouse`, such as `reports/macros.sql`.
    """
    return files("virus_warehouse").joinpath(name).read_text(encoding="utf-8")


class VariableMissing(TypeError):
    """An SQL file reads a variable that it was not given: DuckDB would take it for NULL, or for an earlier value."""


@cache
def variables_of(name: str) -> frozenset[str]:
    """The variables that an SQL file of this package reads with `getvariable('...')`."""
    return frozenset(re.findall(r"getvariable\('(\w+)'\)", read_sql(name)))


def run_sql(
    connection: DuckDBPyConnection, name: str, variables: Mapping[str, object] | None = None
) -> DuckDBPyConnection:
    """Run every statement of an SQL file; the result is the last statement's.

    A file that makes a macro is given the variables that the macro reads, and is run again when one changes.

    Args:
        connection: where to run it.
        name: path below `virus_warehouse`.
        variables: what the file reads with `getvariable('name')`, and perhaps more. Prepared parameters would not do:
            DuckDB binds them in one statement only, and not as arguments of table functions.

    Raises:
        VariableMissing: when the file reads what is not given.
    """
    given, read = variables or {}, variables_of(name)
    if missing := read - given.keys():
        raise VariableMissing(f"{name} reads {', '.join(sorted(missing))}, which it was not given")
    for variable in sorted(read):
        connection.execute(f"SET VARIABLE {variable} = ?", [given[variable]])
    return connection.execute(read_sql(name))
