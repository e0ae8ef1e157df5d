"""SQL kept in `.sql` files, run on a DuckDB connection with parameters as DuckDB variables."""

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


def run_sql(
    connection: DuckDBPyConnection, name: str, variables: Mapping[str, object] | None = None
) -> DuckDBPyConnection:
    """Run every statement of an SQL file; the result is the last statement's.

    Args:
        connection: where to run it.
        name: path below `virus_warehouse`.
        variables: what the file reads with `getvariable('name')`. Prepared parameters would not do: DuckDB
            binds them in one statement only, and not as arguments of table functions.
    """
    for variable, value in (variables or {}).items():
        connection.execute(f"SET VARIABLE {variable} = ?", [value])
    return connection.execute(read_sql(name))
