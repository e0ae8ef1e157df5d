"""Thinning the history: superseded states of records that ended long ago are removed, for sources that ask for it."""

from datetime import datetime

from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import run_sql


def thin_history(session: DuckDBPyConnection, source: str, ended_by: datetime, now: datetime) -> int:
    """Remove states of a source's records that revisions ended by a time; to be called within a transaction.

    Since when all states are kept is written to `ops.history_thinned`: `virus_genome_as_of` refuses earlier times.

    Args:
        session: with the warehouse attached.
        source: the source.
        ended_by: the time.
        now: the present.

    Returns:
        The number of states that were removed.
    """
    run_sql(session, "warehouse/sql/thin_history.sql", {"source": source, "ended_by_then": ended_by, "now": now})
    return int(session.execute("SELECT count(*) FROM history_to_thin").fetchall()[0][0])
