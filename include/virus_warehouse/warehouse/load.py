"""The merge: staged reports become rows of the attached warehouse, every line of them with an outcome."""

from dataclasses import dataclass
from datetime import date, datetime

from duckdb import DuckDBPyConnection

from virus_warehouse.reports import data_report
from virus_warehouse.sources import Source
from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse.schema import OUTCOMES

MAX_QUARANTINED = 0.5
"""Share of a report's lines that may be unreadable; beyond it the report has another shape than we know."""

FEW_LINES = 10
"""A share of less than this many lines says nothing, and stops nothing."""


class GateError(RuntimeError):
    """What was staged must not become the warehouse's state; the transaction is rolled back."""


@dataclass(frozen=True)
class Load:
    """What a merge has to know.

    Attributes:
        source: whose records they are.
        run_id: the run that loads them.
        mode: the run's mode: only a full one may judge how many records there are.
        valid_from: the commit's time.
        is_newest_package: whether no committed run of the source has a package requested later.
        filter_changed: whether rows may be held that other filters showed.
        since: first update date to be merged; None without a lower bound.
        until: update date before which is merged; None without an upper bound.
    """

    source: Source
    run_id: str
    mode: str
    valid_from: datetime
    is_newest_package: bool
    filter_changed: bool
    since: date | None
    until: date | None


def merge_data_report(session: DuckDBPyConnection, load: Load, lines: int) -> dict[str, int]:
    """Merge the staged data report, its refused lines and its taxonomy; to be called within a transaction.

    Args:
        session: holds the staged report, and the warehouse attached.
        load: how to merge it.
        lines: the report's lines, counted from its bytes.

    Returns:
        How many lines had each outcome.

    Raises:
        GateError: when lines are unaccounted for, when too many are unreadable, or when a full load lacks more
            of the records held than the source allows.
    """
    run_sql(
        session,
        "warehouse/sql/merge_data_report.sql",
        {
            "source": load.source.name,
            "report": data_report.NAME,
            "run_id": load.run_id,
            "valid_from": load.valid_from,
            "is_newest_package": load.is_newest_package,
            "since": load.since,
            "until": load.until,
        },
    )
    outcomes = _outcomes(session)
    _prove_conservation(lines, outcomes)
    _refuse_unreadable_report(lines, outcomes["quarantined"])
    if load.mode == "full" and load.is_newest_package:
        # Only the newest full package may judge what is there and what is not.
        run_sql(session, "warehouse/sql/absent.sql")
        if load.filter_changed:
            run_sql(session, "warehouse/sql/end_filtered.sql")
        else:
            _refuse_shrinkage(session, load.source)
    run_sql(session, "warehouse/sql/merge_taxonomy.sql")
    if outcomes["quarantined"]:
        run_sql(session, "warehouse/sql/merge_quarantine.sql")
    return outcomes


def _outcomes(session: DuckDBPyConnection) -> dict[str, int]:
    counted = session.execute(
        "SELECT outcome, count(*) FROM line_outcome GROUP BY outcome "
        "UNION ALL SELECT 'quarantined', count(*) FROM refused_line"
    ).fetchall()
    return {**dict.fromkeys(OUTCOMES, 0), **dict(counted)}


def _prove_conservation(lines: int, outcomes: dict[str, int]) -> None:
    if lines != sum(outcomes.values()):
        told = " + ".join(f"{count} {outcome}" for outcome, count in outcomes.items() if count)
        raise GateError(
            f"conservation: {lines} lines in {data_report.FILE_NAME}, but {told or 'none'} = {sum(outcomes.values())}. "
            f"Nothing was loaded. This is a fault of the warehouse: please report it with the run's package."
        )


def _refuse_unreadable_report(lines: int, quarantined: int) -> None:
    if quarantined > max(FEW_LINES, lines * MAX_QUARANTINED):
        raise GateError(
            f"quarantine share: {quarantined} of {lines} lines of {data_report.FILE_NAME} cannot be read, more than "
            f"{MAX_QUARANTINED:.0%}. Nothing was loaded. NCBI has probably changed the report: look at the archived "
            f"package, and update virus-warehouse."
        )


def _refuse_shrinkage(session: DuckDBPyConnection, source: Source) -> None:
    held, absent = session.execute(
        "SELECT count(*), count(*) FILTER (accession IN (FROM absent)) "
        "FROM warehouse.main.virus_genome WHERE source = getvariable('source')"
    ).fetchall()[0]
    if absent > max(FEW_LINES, held * source.max_missing):
        raise GateError(
            f"shrinkage: NCBI's full list of {source.name} lacks {absent} of the {held} records held, more than "
            f"{source.max_missing:.0%}. Nothing was loaded: NCBI has dropped good records before (NCBI issue #530). "
            f"If it is meant, raise max_missing of the source for one run."
        )
