"""Stand-in, to be dropped: no record has a sequence."""

from dataclasses import dataclass, field
from typing import BinaryIO

from duckdb import DuckDBPyConnection


@dataclass
class Written:
    """How many sequences were written, and the accessions of those that are missing."""

    written: int = 0
    missing: list[str] = field(default_factory=list)


def write_fasta(connection: DuckDBPyConnection, query: str, to: BinaryIO, molecule: str = "genome") -> Written:
    """Write the sequences of a query: of the stand-in, none.

    Args:
        connection: a snapshot.
        query: SQL with `accession_version`, and optionally `header`.
        to: the file.
        molecule: genome, cds or protein.
    """
    del to, molecule
    rows = connection.execute(f"SELECT accession_version FROM ({query})").fetchall()
    return Written(missing=[accession for (accession,) in rows])
