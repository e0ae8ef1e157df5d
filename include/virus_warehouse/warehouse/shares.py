"""A comparison of all records with all lines, made for one share of their accessions after the other.

What DuckDB joins or groups has to fit into its memory, more or less, though it spills: by default, nine million records
did not. All that concerns an accession falls into one share.
"""

from collections.abc import Iterator

from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import run_sql

ACCESSIONS_AT_ONCE = 1_000_000


def shares(session: DuckDBPyConnection, accessions: int) -> Iterator[int]:
    """Go through the shares: meanwhile the macro `in_share(accession)` is true of the accessions of one.

    Args:
        session: where the macro is used.
        accessions: how many there are, or a few more; a share has about a million.
    """
    number = max(1, -(-accessions // ACCESSIONS_AT_ONCE))
    for share in range(number):
        run_sql(session, "warehouse/sql/in_share.sql", {"shares": number, "share": share})
        yield share
