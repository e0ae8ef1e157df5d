"""Parsing a package's reports, or quarantined lines, into a run's private session."""

import io
from functools import partial
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, urlsplit

from duckdb import DuckDBPyConnection

from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.reports.all_reports import AUXILIARY_REPORTS, REPORTS
from virus_warehouse.reports.data_report import DATA_REPORT
from virus_warehouse.reports.reading import StagedReport, stage
from virus_warehouse.reports.report_file import write_lines
from virus_warehouse.sql_file import run_sql, sql_text
from virus_warehouse.wording import counted


def stage_package(session: DuckDBPyConnection, package: DataPackage | None, temporary: Path) -> list[StagedReport]:
    """Parse the reports of a package.

    Args:
        session: the run's private session.
        package: a verified package; None when no record matches.
        temporary: the run's temporary folder, which has to exist until the merge.

    Returns:
        The data report, empty if the package has none, and the auxiliary reports that it has.
    """
    staged = []
    for report in REPORTS:
        if package is not None and package.has_report(report.name):
            staged.append(stage(report, session, partial(package.open_report, report.name), temporary))
        elif report is DATA_REPORT:
            staged.append(stage(report, session, io.BytesIO, temporary))
    return staged


def take_quarantined_lines(session: DuckDBPyConnection, source: str, fingerprint: str) -> None:
    """Copy the replayable quarantined lines of all reports into the session; within a transaction.

    Args:
        session: with the warehouse attached.
        source: the source.
        fingerprint: of the filters with which they were loaded.
    """
    variables = {"source": source, "fingerprint": fingerprint}
    run_sql(session, "warehouse/sql/quarantined_lines.sql", variables)


def stage_quarantined_lines(session: DuckDBPyConnection, temporary: Path) -> list[StagedReport]:
    """Parse the lines of `replay_line` as if they were reports."""
    staged = []
    for report in REPORTS:
        kept = temporary / f"{report.name}.quarantined.jsonl"
        write_lines(session, f"SELECT raw FROM replay_line WHERE report = {sql_text(report.name)}", kept)
        if report is DATA_REPORT or kept.stat().st_size:
            staged.append(stage(report, session, partial(_opened, kept), temporary))
    return staged


def note_missing_reports(session: DuckDBPyConnection, request_url: str, staged: list[StagedReport]) -> list[str]:
    """List the requested reports that are missing although the data report announces some lines; adds them to `drift`.

    Args:
        session: with the staged data report.
        request_url: the request of the package.
        staged: the reports of the package.
    """
    asked = parse_qs(urlsplit(request_url).query).get("aux_report", [])
    given = {report.report.name for report in staged if report.lines}
    notes = []
    for report in AUXILIARY_REPORTS:
        if report.parameter not in asked or report.name in given:
            continue
        announced = session.execute(f"SELECT count(*) FROM data_report WHERE {report.announced_by}").fetchall()[0][0]
        if announced:
            announce = "announces" if announced == 1 else "announce"
            genomes = counted(announced, "genome")
            note = f"requested, but missing or empty: {genomes} of the data report {announce} it"
            session.execute("INSERT INTO drift VALUES (?, '$', 1, to_json(?::VARCHAR))", [report.name, note])
            notes.append(f"{report.file_name} was {note}")
    return notes


def _opened(path: Path) -> IO[bytes]:
    return path.open("rb")
