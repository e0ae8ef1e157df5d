"""The reports of a package besides the data report: staged into a run's private session, or lines kept from one."""

from functools import partial
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, urlsplit

from duckdb import DuckDBPyConnection

from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.reports.annotation_report import ANNOTATION_REPORT
from virus_warehouse.reports.biosample_report import BIOSAMPLE_REPORT
from virus_warehouse.reports.nested_report import StagedReport
from virus_warehouse.reports.report_file import write_lines
from virus_warehouse.sql_file import sql_text

FURTHER_REPORTS = (ANNOTATION_REPORT, BIOSAMPLE_REPORT)
"""In the order in which they are merged, after the data report."""


def stage_further_reports(
    session: DuckDBPyConnection, package: DataPackage | None, temporary: Path
) -> list[StagedReport]:
    """Read the further reports of a package. A package without any costs nothing.

    Args:
        session: where they are read to.
        package: a verified package; None when NCBI said that nothing matches.
        temporary: folder of the run, for what was read; it has to stay there until it is merged.
    """
    held = () if package is None else package.report_names
    staged = []
    for report in FURTHER_REPORTS:
        if package is not None and report.name in held:
            staged.append(report.stage(session, partial(package.open_report, report.name), temporary))
    return staged


def stage_further_quarantined_lines(session: DuckDBPyConnection, temporary: Path) -> list[StagedReport]:
    """Read the lines of `replay_line` as if they were reports."""
    staged = []
    for report in FURTHER_REPORTS:
        kept = temporary / f"{report.name}.quarantined.jsonl"
        write_lines(session, f"SELECT raw FROM replay_line WHERE report = {sql_text(report.name)}", kept)
        if kept.stat().st_size:
            staged.append(report.stage(session, partial(_open, kept), temporary))
    return staged


def note_absent_reports(session: DuckDBPyConnection, request_url: str, staged: list[StagedReport]) -> list[str]:
    """Say which reports were asked for and have no line, though the data report announces some; drift tells it, too.

    Args:
        session: with the staged data report.
        request_url: the request that brought the package.
        staged: the further reports of the package.
    """
    asked = parse_qs(urlsplit(request_url).query).get("aux_report", [])
    told = {report.report.name for report in staged if report.lines}
    notes = []
    for report in FURTHER_REPORTS:
        if report.parameter not in asked or report.name in told:
            continue
        announced = session.execute(f"SELECT count(*) FROM data_report WHERE {report.announced_by}").fetchall()[0][0]
        if announced:
            note = f"asked for, but absent or empty: {announced} genomes of the data report announce it"
            session.execute("INSERT INTO drift VALUES (?, '$', 1, to_json(?::VARCHAR))", [report.name, note])
            notes.append(f"{report.file_name} was {note}")
    return notes


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")
