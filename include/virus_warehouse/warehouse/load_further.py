"""The merge of the reports besides the data report: after it, in its transaction, and by what became of its genomes."""

from collections.abc import Mapping, Sequence

from duckdb import DuckDBPyConnection

from virus_warehouse.reports.annotation_report import ANNOTATION_REPORT
from virus_warehouse.reports.biosample_report import BIOSAMPLE_REPORT
from virus_warehouse.reports.nested_report import StagedReport
from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse import gates
from virus_warehouse.warehouse.findings import keep_findings
from virus_warehouse.warehouse.load import Load
from virus_warehouse.warehouse.schema import OUTCOMES
from virus_warehouse.windows import FULL, REPLAY


def merge_further_reports(
    session: DuckDBPyConnection, load: Load, staged: Sequence[StagedReport]
) -> dict[str, dict[str, int | None]]:
    """Merge the further reports of a package, with their refused lines and drift; right after `merge_data_report`.

    Args:
        session: holds the staged reports, what `merge_data_report` left, and the warehouse attached.
        load: how to merge them.
        staged: the reports that the package has.

    Returns:
        For each of them its `lines`, and how many had each outcome.

    Raises:
        GateError: when lines are unaccounted for, or when too many are unreadable.
    """
    held = {report.report.name: report for report in staged}
    counts = {}
    if ANNOTATION_REPORT.name in held:
        counts[ANNOTATION_REPORT.name] = _merge_annotation(session, load, held[ANNOTATION_REPORT.name])
    elif _holds_annotation(session, load.source):
        run_sql(session, "warehouse/merge/22_no_annotation_report.sql")
        _end_annotations(session, load, is_annotated=False, is_dropped=load.filter_changed or load.reports_changed)
    _keep_findings(session, load, ANNOTATION_REPORT.name, counts)
    if BIOSAMPLE_REPORT.name in held:
        counts[BIOSAMPLE_REPORT.name] = _merge_biosamples(session, load, held[BIOSAMPLE_REPORT.name])
    _keep_findings(session, load, BIOSAMPLE_REPORT.name, counts)
    return counts


def _merge_annotation(session: DuckDBPyConnection, load: Load, staged: StagedReport) -> dict[str, int | None]:
    unreadable = _refused(session, staged)
    run_sql(session, "warehouse/merge/20_annotation_outcome.sql", load.variables)
    staged.refuse_lines(session)
    counts = _prove(session, load, staged, unreadable)
    run_sql(session, "warehouse/merge/21_annotation_listed.sql")
    _end_annotations(session, load, is_annotated=staged.lines > 0 and load.mode != REPLAY, is_dropped=False)
    if counts["inserted"] or counts["revised"]:
        run_sql(session, "warehouse/merge/25_write_annotations.sql", load.variables)
    return counts


def _merge_biosamples(session: DuckDBPyConnection, load: Load, staged: StagedReport) -> dict[str, int | None]:
    run_sql(session, "warehouse/merge/30_biosample_outcome.sql", load.variables)
    counts = _prove(session, load, staged, _refused(session, staged))
    if counts["inserted"] or counts["revised"]:
        run_sql(session, "warehouse/merge/31_write_biosamples.sql", load.variables)
    return counts


def _prove(session: DuckDBPyConnection, load: Load, staged: StagedReport, unreadable: int) -> dict[str, int | None]:
    counted = session.execute("SELECT outcome, count(*) FROM report_outcome GROUP BY outcome").fetchall()
    outcomes = {**dict.fromkeys(OUTCOMES, 0), **dict(counted), "quarantined": _refused(session, staged)}
    gates.prove_conservation(staged.lines, outcomes, staged.report.file_name)
    if load.mode != REPLAY:
        gates.refuse_unreadable_report(staged.lines, unreadable, staged.report.file_name)
    return {"lines": staged.lines, **outcomes}


def _refused(session: DuckDBPyConnection, staged: StagedReport) -> int:
    refused: int = session.execute(
        "SELECT count(*) FROM refused_line WHERE report = ?", [staged.report.name]
    ).fetchall()[0][0]
    return refused


def _end_annotations(session: DuckDBPyConnection, load: Load, *, is_annotated: bool, is_dropped: bool) -> None:
    is_full = load.mode == FULL and load.is_newest_package
    told = {"is_full": is_full, "is_annotated": is_annotated, "is_dropped": is_full and is_dropped}
    run_sql(session, "warehouse/merge/23_annotation_ended.sql", load.variables | told)
    if session.execute("SELECT count(*) FROM annotation_ended").fetchone() != (0,):
        run_sql(session, "warehouse/merge/24_end_annotations.sql", load.variables)


def _holds_annotation(session: DuckDBPyConnection, source: str) -> bool:
    return session.execute(
        "SELECT count(*) > 0 FROM (FROM warehouse.main.virus_annotation WHERE source = ? LIMIT 1)", [source]
    ).fetchone() == (True,)


def _keep_findings(
    session: DuckDBPyConnection, load: Load, report: str, counts: Mapping[str, dict[str, int | None]]
) -> None:
    if report in counts or _is_noted(session, report):
        is_replay = load.mode == REPLAY
        keep_findings(session, load.variables, report, "report_outcome", counts.get(report, {}), is_replay=is_replay)


def _is_noted(session: DuckDBPyConnection, report: str) -> bool:
    """Whether it is told that the package lacks the report."""
    return session.execute("SELECT count(*) > 0 FROM drift WHERE report = ?", [report]).fetchone() == (True,)
