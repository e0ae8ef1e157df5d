"""The end of records' states: a revision, a withdrawal, and a filter that no longer shows them move them alike."""

from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import run_sql


def end_records(session: DuckDBPyConnection, accessions: str, ended_by: str) -> int:
    """Move the states of records from `virus_genome` to the history.

    Args:
        session: with the warehouse attached, and the variables `source`, `run_id` and `valid_from`.
        accessions: a query for the column `accession` of the records.
        ended_by: what ends them, as the history tells it.

    Returns:
        How many records they are.
    """
    session.execute(f"CREATE OR REPLACE TEMP TABLE record_to_end AS {accessions}")
    run_sql(session, "warehouse/sql/end_records.sql", {"ended_by": ended_by})
    ((records,),) = session.execute("SELECT count(*) FROM record_to_end").fetchall()
    return int(records)
