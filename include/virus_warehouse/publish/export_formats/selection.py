"""The records of an export: all, those of a source, or those that a condition chooses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.failure import PermanentFailure
from virus_warehouse.sources import UnknownSource
from virus_warehouse.sql_file import read_sql, run_sql, sql_text

_GUARDED: dict[str, str | bool | int | float | list[str]] = {
    "allow_community_extensions": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


class ExportError(PermanentFailure):
    """Nothing was exported; says why, and what to do."""


def select_records(snapshot: Path, scratch: Path, source: str | None, where: str | None) -> Path:
    """Write source and accession of the chosen records to a Parquet file.

    A condition is a user's SQL: it is parsed as one expression, and runs on a connection that has access to the
    snapshot and the folder `scratch` only.

    Args:
        snapshot: the snapshot.
        scratch: an empty folder for the file.
        source: only its records; None for all sources.
        where: a SQL condition on `virus_genome`; None for all records.

    Returns:
        The path of the file.

    Raises:
        ExportError: when the condition is none.
    """
    keys = scratch / "keys.parquet"
    with _guarded(snapshot, scratch) as connection:
        records = connection.sql("FROM virus_genome")
        if source is not None:
            records = records.filter(duckdb.ColumnExpression("source") == duckdb.ConstantExpression(source))
        try:
            if where is not None:
                records = records.filter(duckdb.SQLExpression(where))
            records.project("source, accession").to_parquet(str(keys))
        except duckdb.Error as error:
            reason = f"is not a SQL condition on virus_genome, such as country = 'USA': {error}"
            raise ExportError(f"{where!r} {reason}") from error
    return keys


@contextmanager
def _guarded(snapshot: Path, folder: Path) -> Iterator[DuckDBPyConnection]:
    with duckdb.connect(":memory:", config=_GUARDED) as connection:
        connection.execute(f"SET temp_directory = {sql_text(folder)}")
        connection.execute(f"ATTACH {sql_text(snapshot)} AS virus (READ_ONLY)")
        connection.execute("USE virus")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET allowed_directories = [{sql_text(folder)}]")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        yield connection


def sources_of(connection: DuckDBPyConnection, only: str | None) -> list[str]:
    """The sources of a snapshot that are written: all, or the given one.

    Raises:
        UnknownSource: when the snapshot does not have the given one.
    """
    sources = [name for (name,) in connection.execute(read_sql("publish/sql/sources_held.sql")).fetchall()]
    if only is None:
        return sources
    if only not in sources:
        raise UnknownSource(f"the snapshot has no source {only!r}; it has {', '.join(sources) or 'none'}")
    return [only]


def create_selected(
    connection: DuckDBPyConnection, keys: Path, source: str | None, warn: Callable[[str], object]
) -> None:
    """Make the temporary table `selected`: the chosen records, each once."""
    run_sql(connection, "publish/sql/export/selected.sql", {"keys": str(keys), "source": source})
    if not connection.execute("SELECT accession FROM selected LIMIT 1").fetchall():
        warn("No record was selected: the files have headers only.")
