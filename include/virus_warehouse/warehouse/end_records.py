"""Ending states of records: revisions, withdrawals and changed filters move them to the history."""

from collections.abc import Mapping

from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse.shares import shares


def end_records(session: DuckDBPyConnection, load: Mapping[str, object], accessions: str, ended_by: str) -> int:
    """Move the states of records from `virus_genome` to the history.

    Args:
        session: with the warehouse attached.
        load: `Load.variables` of the load that ends them.
        accessions: a query for the column `accession` of the records.
        ended_by: the reason, as recorded in the history.

    Returns:
        The number of records.
    """
    session.execute(f"CREATE OR REPLACE TEMP TABLE record_to_end AS {accessions}")
    ((records,),) = session.execute("SELECT count(*) FROM record_to_end").fetchall()
    for _ in shares(session, records):
        run_sql(session, "warehouse/merge/03_end_records.sql", {**load, "ended_by": ended_by})
    return int(records)
