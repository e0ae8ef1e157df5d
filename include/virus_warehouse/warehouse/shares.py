"""Comparing all records with all lines in shares of their accessions, one after the other.

DuckDB's joins and aggregations need to fit into memory, more or less, though it spills: by default, nine million
records did not. All rows of an accession belong to one share.
"""

from collections.abc import Iterator

from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import run_sql

ACCESSIONS_AT_ONCE = 1_000_000


def shares(session: DuckDBPyConnection, accessions: int) -> Iterator[int]:
    """Iterate over the shares: the macro `in_share(accession)` is true for the accessions of the current one.

    Args:
        session: the session that uses the macro.
        accessions: an upper bound of their number; a share has about a million.
    """
    number = max(1, -(-accessions // ACCESSIONS_AT_ONCE))
    for share in range(number):
        run_sql(session, "warehouse/sql/in_share.sql", {"shares": number, "share": share})
        yield share
