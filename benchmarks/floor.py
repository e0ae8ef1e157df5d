"""The floor: what any load must do on this machine. Inflate a package's reports, and read their columns into memory."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import duckdb

from benchmarks.measured import Given, Outcome
from benchmarks.report_columns import flat_query, nested_query, unpack
from ncbi_stand_in.package import DATA_REPORT
from virus_warehouse.ncbi.member import open_member
from virus_warehouse.reports.all_reports import AUXILIARY_REPORTS
from virus_warehouse.reports.report import Report


def floor(given: Given) -> Outcome:
    """Inflate with what Python has, then read; nothing is hashed, compared, folded or written."""
    return _floor(given, unpack)


def floor_with_isal(given: Given) -> Outcome:
    """The same, inflated as the load inflates."""
    return _floor(given, partial(unpack, open_member=open_member))


def floor_all_reports(given: Given) -> Outcome:
    """The same of all three reports; what is nested stays so."""
    return _floor(given, unpack, AUXILIARY_REPORTS)


def _floor(
    given: Given, inflate: Callable[[Path, Path, str], Path], auxiliary_reports: Sequence[Report] = ()
) -> Outcome:
    with given.clock():
        started = time.perf_counter()
        data_report = inflate(given.package, given.scratch, DATA_REPORT)
        further = [inflate(given.package, given.scratch, report.file_name) for report in auxiliary_reports]
        inflated = time.perf_counter()
        connection = duckdb.connect(config={"temp_directory": str(given.scratch)})
        connection.execute(f"CREATE TABLE virus_genome AS {flat_query(data_report)}")
        for report, path in zip(auxiliary_reports, further, strict=True):
            connection.execute(f"CREATE TABLE {report.name} AS {nested_query(report, path)}")
        read = time.perf_counter()
    ((rows,),) = connection.execute("SELECT count(accession) FROM virus_genome").fetchall()
    return Outcome(rows, seconds={"inflate": inflated - started, "read": read - inflated})
