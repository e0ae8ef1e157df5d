"""The snapshot's tables as they are, in Parquet or CSV: a folder per source, and the shared tables beside them."""

from enum import StrEnum
from pathlib import Path

from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import read_sql, run_sql, sql_text


class TableFormat(StrEnum):
    """A format of a table."""

    PARQUET = "parquet"
    CSV = "csv"


_WRITTEN_AS = {TableFormat.PARQUET: "FORMAT parquet, COMPRESSION zstd", TableFormat.CSV: "FORMAT csv, HEADER"}


def write_tables(
    connection: DuckDBPyConnection, folder: Path, table_format: TableFormat, sources: list[str], keys: Path | None
) -> list[Path]:
    """Write every table of these sources.

    Args:
        connection: a snapshot.
        folder: the output folder.
        table_format: the format.
        sources: the sources.
        keys: a Parquet file with source and accession of the only records to write; None for all. Their history,
            annotation and BioSamples are written, and the shared tables in full.

    Returns:
        The paths of the files, relative to the folder.
    """
    written = []
    if keys is not None:
        run_sql(connection, "publish/sql/export/keys.sql", {"keys": str(keys)})
    for table, chosen_by, columns in connection.execute(read_sql("publish/sql/export/columns.sql")).fetchall():
        shown = ", ".join(column[table_format] for column in columns)
        chosen = f"SEMI JOIN {chosen_by} USING (source, accession)" if keys is not None and chosen_by else ""
        for source in sources if chosen_by else [None]:
            path = Path(source or "", f"{table}.{table_format}")
            (folder / path).parent.mkdir(exist_ok=True)
            condition = f"WHERE source = {sql_text(source)}" if source else ""
            rows = f"SELECT {shown} FROM {table} {chosen} {condition}"
            connection.execute(f"COPY ({rows}) TO {sql_text(folder / path)} ({_WRITTEN_AS[table_format]})")
            written.append(path)
    return written
