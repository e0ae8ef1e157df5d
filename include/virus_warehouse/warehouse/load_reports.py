"""Loading a package's reports: the data report is merged first, then the auxiliary reports."""

from collections.abc import Mapping, Sequence

from duckdb import DuckDBPyConnection

from virus_warehouse.reports.all_reports import AUXILIARY_REPORTS
from virus_warehouse.reports.annotation_report import ANNOTATION_REPORT
from virus_warehouse.reports.data_report import DATA_REPORT
from virus_warehouse.reports.reading import StagedReport
from virus_warehouse.reports.report import Report
from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse import ledger, load_gates
from virus_warehouse.warehouse.findings import end_findings, has_open_findings, keep_findings
from virus_warehouse.warehouse.load import Load
from virus_warehouse.warehouse.merge_data_report import merge_data_report, outcomes_of

Counts = dict[str, int | None]


def load_reports(session: DuckDBPyConnection, load: Load, staged: Sequence[StagedReport]) -> dict[str, Counts]:
    """Merge the staged reports of a package, and record their findings and line outcomes.

    To be called within a transaction; used by runs, replays and rebuilds.

    Args:
        session: has the staged reports, and the warehouse attached.
        load: the parameters of the merge.
        staged: the data report, and the auxiliary reports that the package has.

    Returns:
        For each report its `lines` and outcome counts; for the data report also how many records are `withdrawn` and,
        in a census, `missing`.

    Raises:
        GateError: when lines are unaccounted for, when too many are unreadable, or when a full load lacks more of the
            records held, or of a field of them, than the source allows.
    """
    given = {report.report.name: report for report in staged}
    counts = {DATA_REPORT.name: merge_data_report(session, load, given[DATA_REPORT.name])}
    ends_some = load.is_full or any(report.lines for report in staged)
    has_open = ends_some and has_open_findings(session, load.source)
    if has_open and load.is_full and load.is_newest_package:
        end_findings(session, load.variables)
        has_open = False
    _keep_findings(session, load, DATA_REPORT, "line_outcome", counts, has_open=has_open)
    for report in AUXILIARY_REPORTS:
        if report.name in given:
            counts[report.name] = _merge(session, load, given[report.name])
        elif report is ANNOTATION_REPORT and _holds_annotation(session, load.source):
            run_sql(session, "warehouse/merge/22_no_annotation_report.sql")
            _end_annotations(session, load, is_annotated=False, is_dropped=load.filter_changed or load.reports_changed)
        _keep_findings(session, load, report, "report_outcome", counts, has_open=has_open)
    for name, counted in counts.items():
        ledger.insert_report(session, load.run_id, load.source, name, counted)
    return counts


def _merge(session: DuckDBPyConnection, load: Load, staged: StagedReport) -> Counts:
    report = staged.report
    unreadable = _refused(session, report)
    run_sql(session, "warehouse/merge/16_nothing_refused.sql")
    run_sql(session, report.outcomes_by, load.variables)
    staged.refuse_lines(session)
    outcomes = outcomes_of(session, report, "report_outcome")
    load_gates.prove_conservation(staged.lines, outcomes, report.file_name)
    if not load.is_replay:
        load_gates.refuse_unreadable_report(staged.lines, unreadable, report.file_name)
    if report is ANNOTATION_REPORT:
        run_sql(session, "warehouse/merge/21_annotation_listed.sql")
        _end_annotations(session, load, is_annotated=staged.lines > 0 and not load.is_replay, is_dropped=False)
    if outcomes["inserted"] or outcomes["revised"]:
        run_sql(session, report.written_by, load.variables)
    return {"lines": staged.lines, **outcomes}


def _refused(session: DuckDBPyConnection, report: Report) -> int:
    counted = session.execute("SELECT count(*) FROM quarantined_line WHERE report = ?", [report.name]).fetchall()
    return int(counted[0][0])


def _end_annotations(session: DuckDBPyConnection, load: Load, *, is_annotated: bool, is_dropped: bool) -> None:
    given = {"is_full": load.is_full, "is_annotated": is_annotated, "is_dropped": load.is_full and is_dropped}
    run_sql(session, "warehouse/merge/23_annotation_ended.sql", load.variables | given)
    if session.execute("SELECT count(*) FROM annotation_ended").fetchone() != (0,):
        run_sql(session, "warehouse/merge/24_end_annotations.sql", load.variables)


def _holds_annotation(session: DuckDBPyConnection, source: str) -> bool:
    return session.execute(
        "SELECT count(*) > 0 FROM (FROM warehouse.main.virus_annotation WHERE source = ? LIMIT 1)", [source]
    ).fetchone() == (True,)


def _keep_findings(
    session: DuckDBPyConnection,
    load: Load,
    report: Report,
    outcomes: str,
    counts: Mapping[str, Counts],
    *,
    has_open: bool,
) -> None:
    if report.name in counts or _is_noted(session, report):
        found = counts.get(report.name, {})
        keep_findings(
            session, load.variables, report.name, outcomes, found, is_replay=load.is_replay, has_open=has_open
        )


def _is_noted(session: DuckDBPyConnection, report: Report) -> bool:
    """Whether drift already lists the report as missing."""
    return session.execute("SELECT count(*) > 0 FROM drift WHERE report = ?", [report.name]).fetchone() == (True,)
