"""The files that Nextstrain's tools start from: `metadata.tsv`, and sequences by segment."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from duckdb import DuckDBPyConnection

from virus_warehouse.publish.export_formats.tsv import write_tsv
from virus_warehouse.sequences.fasta_writer import SequencesMissing, write_fasta
from virus_warehouse.sql_file import run_sql, sql_text
from virus_warehouse.wording import counted

METADATA = "metadata.tsv"


def write_augur(connection: DuckDBPyConnection, folder: Path, warn: Callable[[str], object]) -> list[Path]:
    """Write the records of `selected`, one row each, and their sequences, with the row's strain as header.

    Args:
        connection: a connection with the temporary table `selected`.
        folder: the output folder.
        warn: is called with the number of records that have no sequence.

    Returns:
        The paths of the files, relative to the folder.
    """
    run_sql(connection, "publish/sql/export/augur.sql")
    write_tsv(connection, "SELECT * EXCLUDE (fasta_file) FROM augur_record ORDER BY accession", folder / METADATA)
    files = connection.execute("SELECT DISTINCT fasta_file FROM augur_record ORDER BY ALL").fetchall()
    fasta_files = [name for (name,) in files] or ["sequences.fasta"]
    written = 0
    for name in fasta_files:
        records = f"""
            SELECT accession_version, strain AS header FROM augur_record
            WHERE fasta_file = {sql_text(name)} ORDER BY accession
        """
        # A snapshot of an earlier version has no sequences: then none is written.
        with (folder / name).open("wb") as file, suppress(SequencesMissing):
            written += write_fasta(connection, records, file, "genome").written
    ((records_written,),) = connection.execute("SELECT count(*) FROM augur_record").fetchall()
    if missing := records_written - written:
        warn(f"{missing:,} of {counted(records_written, 'record')} without a sequence: in {METADATA} only.")
    return [Path(METADATA), *map(Path, fasta_files)]
