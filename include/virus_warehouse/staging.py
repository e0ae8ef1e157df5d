"""Reading a package's reports, or lines kept from one, into a run's private session."""

from functools import partial
from pathlib import Path

from duckdb import DuckDBPyConnection

from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.reports import data_report
from virus_warehouse.reports.report_file import write_lines
from virus_warehouse.sql_file import run_sql, sql_text


def stage_package(session: DuckDBPyConnection, package: DataPackage | None, temporary: Path) -> int:
    """Read the data report of a package.

    Args:
        session: where it is read to.
        package: a verified package; None when NCBI said that nothing matches.
        temporary: folder of the run, for the parts of the report.

    Returns:
        The lines of the report.
    """
    if package is None or not package.has_report(data_report.NAME):
        empty = temporary / "nothing.jsonl"
        empty.touch()
        return _stage(session, empty, temporary)
    return data_report.stage(session, partial(package.open_report, data_report.NAME), temporary)


def take_quarantined_lines(session: DuckDBPyConnection, source: str, fingerprint: str) -> None:
    """Copy the refused lines of all reports that may be read after all into the session; within a transaction.

    Args:
        session: with the warehouse attached.
        source: whose lines.
        fingerprint: of the filters that brought them.
    """
    variables = {"source": source, "fingerprint": fingerprint}
    run_sql(session, "warehouse/sql/quarantined_lines.sql", variables)


def stage_quarantined_lines(session: DuckDBPyConnection, temporary: Path) -> int:
    """Read the lines of the data report in `replay_line` as if they were one; how many there are."""
    kept = temporary / "quarantined.jsonl"
    write_lines(session, f"SELECT raw FROM replay_line WHERE report = {sql_text(data_report.NAME)}", kept)
    return _stage(session, kept, temporary)


def _stage(session: DuckDBPyConnection, lines: Path, temporary: Path) -> int:
    return data_report.stage(session, lambda: lines.open("rb"), temporary)
