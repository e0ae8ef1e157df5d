"""The merge of the data report: staged lines become records of the attached warehouse."""

from collections.abc import Mapping

from duckdb import DuckDBPyConnection

from virus_warehouse.reports.reading import StagedReport
from virus_warehouse.reports.report import Report
from virus_warehouse.run_mode import FULL
from virus_warehouse.session import all_threads
from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse import load_gates
from virus_warehouse.warehouse.census import find_missing, missing_accessions, take_census, without_ended
from virus_warehouse.warehouse.end_records import end_records
from virus_warehouse.warehouse.filters import no_longer_shown
from virus_warehouse.warehouse.load import Load
from virus_warehouse.warehouse.run_record import OUTCOMES
from virus_warehouse.warehouse.shares import shares


def merge_data_report(session: DuckDBPyConnection, load: Load, staged: StagedReport) -> dict[str, int | None]:
    """Merge the staged data report and its taxonomy; to be called within a transaction.

    Args:
        session: has the staged report, and the warehouse attached.
        load: the parameters of the merge.
        staged: the report.

    Returns:
        Its `lines` and outcome counts, and how many records are `withdrawn` and, in a census, `missing`.

    Raises:
        GateError: when lines are unaccounted for, when too many are unreadable, or when a full load lacks more
            of the records held, or of a field of them, than the source allows.
    """
    # Only the newest full package shows which records are missing; a source's first load has none to compare.
    is_newest = load.is_newest and (load.is_census or _holds_any(session, load.source))
    is_complete_list = load.mode == FULL and is_newest
    lines = staged.lines
    with all_threads(session):
        run_sql(session, "warehouse/merge/01_nothing_compared.sql")
        run_sql(session, "warehouse/sql/later_line.sql")
        for _ in shares(session, lines):
            run_sql(session, "warehouse/merge/02_classify.sql", load.variables)
        outcomes = outcomes_of(session, staged.report, "line_outcome")
        load_gates.prove_conservation(lines, outcomes, staged.report.file_name)
        if not load.is_replay:
            load_gates.refuse_unreadable_report(lines, outcomes["quarantined"], staged.report.file_name)
        if is_complete_list and outcomes["revised"] and not load.accepts.emptied:
            load_gates.refuse_emptied_fields(session, load.source, load.limits, lines)
        end_records(session, load.variables, "SELECT accession FROM line_outcome WHERE outcome = 'revised'", "revision")
        for _ in shares(session, outcomes["touched"]):
            run_sql(session, "warehouse/merge/04_move_dates.sql", load.variables)
        _choose_records_to_write(session, outcomes)
        run_sql(session, "warehouse/merge/05_write_records.sql", load.variables)
    ended: dict[str, int | None] = {"withdrawn": 0, "missing": None}
    if is_newest:
        run_sql(session, "warehouse/merge/06_listed.sql")
        for _ in shares(session, lines):
            run_sql(session, "warehouse/merge/07_found_again.sql", load.variables)
    if is_complete_list:
        ended |= _classify_missing(session, load, lines, outcomes["inserted"])
    run_sql(session, "warehouse/merge/10_merge_taxonomy.sql", load.variables)
    return {"lines": lines, **outcomes, **ended}


def _choose_records_to_write(session: DuckDBPyConnection, outcomes: Mapping[str, int]) -> None:
    """Make the view `record_to_write` from the written lines or the others, whichever are fewer, to save memory."""
    written = "outcome IN ('inserted', 'revised')"
    is_lesser_part = 2 * (outcomes["inserted"] + outcomes["revised"]) < sum(outcomes.values())
    join, named = ("SEMI", written) if is_lesser_part else ("ANTI", f"NOT ({written})")
    session.execute(
        f"CREATE OR REPLACE TEMP VIEW record_to_write AS SELECT * FROM data_report {join} JOIN "
        f"(SELECT line_number FROM line_outcome WHERE {named}) AS named USING (line_number)"
    )


def _holds_any(session: DuckDBPyConnection, source: str) -> bool:
    found = session.execute("SELECT EXISTS (FROM warehouse.main.virus_genome WHERE source = ?)", [source]).fetchone()
    return found == (True,)


def _classify_missing(session: DuckDBPyConnection, load: Load, lines: int, inserted: int) -> dict[str, int]:
    missing = find_missing(session, load.variables, lines, inserted)
    if load.filter_changed:
        left_out = (
            no_longer_shown(session, load.source, load.request)
            if load.request
            else "SELECT accession FROM missing_record"
        )
        end_records(session, load.variables, left_out, "filter")
        missing = without_ended(session, load.source, inserted)
    if load.is_census:
        return take_census(session, load.variables, load.limits, missing, accepts_missing=load.accepts.missing)
    if load_gates.is_mass_loss(missing.missing, missing.held, load.limits) and not load.accepts.missing:
        load_gates.refuse_mass_loss(
            missing.missing, missing.held, load.source, load.limits, missing_accessions(session)
        )
    return {}


def outcomes_of(session: DuckDBPyConnection, report: Report, outcomes: str) -> dict[str, int]:
    """The outcome counts of a report's lines.

    Args:
        session: with the staged report.
        report: the report.
        outcomes: the table of the outcomes of the lines that could be read.
    """
    counted = session.execute(
        f"SELECT outcome, count(*) FROM {outcomes} GROUP BY outcome "
        "UNION ALL SELECT 'quarantined', count(*) FROM quarantined_line WHERE report = ?",
        [report.name],
    ).fetchall()
    return {**dict.fromkeys(OUTCOMES, 0), **dict(counted)}
