"""The floor: the work that any load has to do, inflating a package's reports and reading their columns into memory."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import duckdb

from benchmarks.measured import CaseInput, Outcome
from benchmarks.report_columns import flat_query, nested_query, unpack
from ncbi_stand_in.package import DATA_REPORT
from virus_warehouse.ncbi.member import open_member
from virus_warehouse.reports.all_reports import AUXILIARY_REPORTS
from virus_warehouse.reports.report import Report


def floor(inputs: CaseInput) -> Outcome:
    """Inflate with Python's standard library, then read. Nothing is hashed, compared, folded or written."""
    return _floor(inputs, unpack)


def floor_with_isal(inputs: CaseInput) -> Outcome:
    """The same, but inflated with the library that the load uses."""
    return _floor(inputs, partial(unpack, open_member=open_member))


def floor_all_reports(inputs: CaseInput) -> Outcome:
    """The same for all three reports, with nested columns left nested."""
    return _floor(inputs, unpack, AUXILIARY_REPORTS)


def _floor(
    inputs: CaseInput, inflate: Callable[[Path, Path, str], Path], auxiliary_reports: Sequence[Report] = ()
) -> Outcome:
    with inputs.clock():
        started = time.perf_counter()
        data_report = inflate(inputs.package, inputs.scratch, DATA_REPORT)
        auxiliary = [inflate(inputs.package, inputs.scratch, report.file_name) for report in auxiliary_reports]
        inflated = time.perf_counter()
        connection = duckdb.connect(config={"temp_directory": str(inputs.scratch)})
        connection.execute(f"CREATE TABLE virus_genome AS {flat_query(data_report)}")
        for report, path in zip(auxiliary_reports, auxiliary, strict=True):
            connection.execute(f"CREATE TABLE {report.name} AS {nested_query(report, path)}")
        read = time.perf_counter()
    ((rows,),) = connection.execute("SELECT count(accession) FROM virus_genome").fetchall()
    return Outcome(rows, seconds={"inflate": inflated - started, "read": read - inflated})
