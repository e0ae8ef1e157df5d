"""SQL kept in `.sql` files, run on a DuckDB connection with DuckDB variables as parameters."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from duckdb import DuckDBPyConnection


def sql_text(value: object) -> str:
    """A value as an SQL literal, for places where DuckDB takes no parameter, such as paths."""
    return "'" + str(value).replace("'", "''") + "'"


def sql_name(name: str) -> str:
    """A name of a column or table as an SQL identifier, whatever it contains."""
    return '"' + name.replace('"', '""') + '"'


@cache
def read_sql(name: str) -> str:
    """The text of an SQL file of this package.

    Args:
        name: path below `virus_warehouse`, such as `reports/macros.sql`.
    """
    return files("virus_warehouse").joinpath(name).read_text(encoding="utf-8")


class VariableMissing(TypeError):
    """An SQL file reads a variable that was not given: DuckDB would read NULL, or an earlier value."""


@cache
def variables_of(name: str) -> frozenset[str]:
    """The variables that an SQL file of this package reads with `getvariable('...')`."""
    return frozenset(re.findall(r"getvariable\('(\w+)'\)", read_sql(name)))


def run_sql(
    connection: DuckDBPyConnection, name: str, variables: Mapping[str, object] | None = None
) -> DuckDBPyConnection:
    """Run every statement of an SQL file; the result is the last statement's.

    A file that creates a macro is run again when one of the variables that the macro reads changes.

    Args:
        connection: the connection.
        name: path below `virus_warehouse`.
        variables: the variables that the file reads with `getvariable('name')`; others are ignored. Prepared
            parameters are no alternative: DuckDB binds them in one statement only, and not in table functions.

    Raises:
        VariableMissing: when the file reads a variable that is not given.
    """
    given, read = variables or {}, variables_of(name)
    if missing := read - given.keys():
        raise VariableMissing(f"{name} reads {', '.join(sorted(missing))}, which is not given")
    for variable in sorted(read):
        connection.execute(f"SET VARIABLE {variable} = ?", [given[variable]])
    return connection.execute(read_sql(name))
