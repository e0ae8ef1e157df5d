"""The end of records' states: a revision, a withdrawal, and a filter that no longer shows them move them alike."""

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
        ended_by: what ends them, as the history tells it.

    Returns:
        How many records they are.
    """
    session.execute(f"CREATE OR REPLACE TEMP TABLE record_to_end AS {accessions}")
    ((records,),) = session.execute("SELECT count(*) FROM record_to_end").fetchall()
    for _ in shares(session, records):
        run_sql(session, "warehouse/merge/03_end_records.sql", {**load, "ended_by": ended_by})
    return int(records)
