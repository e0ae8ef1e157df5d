"""Tab-separated files as bioinformatics tools read them: one line a row, and no quoting."""

from pathlib import Path

from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import sql_text

_WRITTEN_AS = "FORMAT csv, DELIMITER '\t', HEADER, QUOTE '', ESCAPE '', NULLSTR ''"


def write_tsv(connection: DuckDBPyConnection, query: str, file: Path) -> None:
    """Write the result of a query, whose values have no tabs and line ends, with a header; NULL is empty."""
    connection.execute(f"COPY ({query}) TO {sql_text(file)} ({_WRITTEN_AS})")
