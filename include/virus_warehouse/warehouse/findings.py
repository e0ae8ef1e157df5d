"""Quarantined lines and unknown fields of a source: recorded, resolved and acknowledged.

To be called within the transaction of a merge. A resolved finding that comes again is reopened.
"""

from collections.abc import Mapping
from datetime import datetime

from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import run_sql

_OPEN = {"quarantine": "replayed_at IS NULL AND resolved_at IS NULL", "schema_drift": "resolved_at IS NULL"}
"""The tables of findings, and the condition of their open rows."""


def end_findings(session: DuckDBPyConnection, load: Mapping[str, object]) -> None:
    """Resolve all open findings; for a load of the newest full package, before its own findings are recorded.

    Args:
        session: with the warehouse attached.
        load: `Load.variables` of the load.
    """
    run_sql(session, "warehouse/merge/11_end_findings.sql", load)


def keep_findings(
    session: DuckDBPyConnection,
    load: Mapping[str, object],
    report: str,
    outcomes: str,
    counts: Mapping[str, int | None],
    *,
    is_replay: bool,
    has_open: bool,
) -> None:
    """Record the findings of a report, and resolve the quarantined lines whose records it has loaded.

    Args:
        session: with `quarantined_line`, `drift` and `replay_line`.
        load: `Load.variables` of the load.
        report: its name.
        outcomes: table of the outcomes of its lines, with their accessions.
        counts: how many lines it has, and how many were quarantined; empty for a report that the package lacks.
        is_replay: whether its lines came from the quarantine.
        has_open: whether the source has open findings of earlier loads.
    """
    variables = {**load, "report": report, "is_given": not is_replay}
    if counts.get("lines") and has_open:
        session.execute(
            f"CREATE OR REPLACE TEMP VIEW loaded_record AS SELECT accession FROM {outcomes} "
            "WHERE outcome IN ('inserted', 'revised', 'touched', 'unchanged')"
        )
        run_sql(session, "warehouse/merge/12_end_findings_of_loaded.sql", variables)
    if _exists(session, f"FROM drift WHERE report = '{report}'"):
        run_sql(session, "warehouse/merge/13_merge_drift.sql", variables)
    if is_replay:
        run_sql(session, "warehouse/merge/14_mark_replayed.sql", variables)
    elif counts.get("quarantined"):
        run_sql(session, "warehouse/merge/15_merge_quarantine.sql", variables)


def acknowledge(session: DuckDBPyConnection, source: str, now: datetime) -> tuple[int, int]:
    """Acknowledge the open findings of a source.

    Args:
        session: with the warehouse attached, in a transaction.
        source: the source.
        now: the time to record.

    Returns:
        How many quarantined lines, and how many unknown fields, were acknowledged.
    """
    (lines,), (names,) = (
        session.execute(
            f"UPDATE warehouse.ops.{table} SET acknowledged_at = ? "
            f"WHERE source = ? AND acknowledged_at IS NULL AND {is_open}",
            [now, source],
        ).fetchall()[0]
        for table, is_open in _OPEN.items()
    )
    return lines, names


def has_open_findings(session: DuckDBPyConnection, source: str) -> bool:
    """Whether a source has findings that are neither resolved nor replayed.

    Args:
        session: with the warehouse attached.
        source: the source.
    """
    return any(
        _exists(session, f"FROM warehouse.ops.{table} WHERE source = '{source}' AND {is_open}")
        for table, is_open in _OPEN.items()
    )


def _exists(session: DuckDBPyConnection, rows: str) -> bool:
    return session.execute(f"SELECT EXISTS ({rows})").fetchone() == (True,)
