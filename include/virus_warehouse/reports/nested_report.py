"""A report of deeply nested lines, told by its shape: read in one strict pass, and looked at closer if need be."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.reports.data_report import ReportUnreadable
from virus_warehouse.reports.parts import Part, parts
from virus_warehouse.reports.report_file import copy_lines, describe_lines, unpack
from virus_warehouse.reports.shape import Object, counting_macros, expected_nodes, read_columns
from virus_warehouse.sql_file import run_sql, sql_text
from virus_warehouse.warehouse.session import closer_look

PART_BYTES = 8 << 20
"""DuckDB reads 2048 lines at once, and a line may have 25 kB and more: parts of this size keep that in bounds."""

_READER_STOPPED = (duckdb.InvalidInputException, UnicodeDecodeError)
"""What DuckDB raises at a line that it cannot read; the second where its message cuts a character of that line."""


@dataclass(frozen=True)
class NestedReport:
    """A kind of report.

    Attributes:
        name: what NCBI calls it, and the temporary view it is staged in. `reports/<name>.sql` reads a part of it into
            the table `nested_part`: a row a line, with `names_read`, `texts_read`, `oddities_read` and `refusal`.
        parameter: the value of `aux_report` that asks for it.
        announced_by: what is true of a staged row of the data report that promises a line of this report, in SQL.
        shape: what a line holds.
    """

    name: str
    parameter: str
    announced_by: str
    shape: Object

    @property
    def file_name(self) -> str:
        """The report's file in a package."""
        return f"{self.name}.jsonl"

    def stage(self, session: DuckDBPyConnection, open_report: Callable[[], IO[bytes]], folder: Path) -> "StagedReport":
        """Read a report into its temporary view; refused lines and drift, too, are kept by report.

        As with the data report (docs/decisions/0006): a part that holds no more names and texts than were read from it
        is wholly understood. Otherwise every node of every line of it is looked at.

        Args:
            session: where the tables are made.
            open_report: gives the report's bytes, as often as it is called.
            folder: where the parts and the staged rows are kept.

        Raises:
            ReportUnreadable: when lines remain that are neither read nor refused.
        """
        run_sql(session, "reports/report_findings.sql")
        run_sql(session, "reports/nested_report.sql", {"report": self.name, "report_columns": read_columns(self.shape)})
        run_sql(session, "reports/missing_values.sql")
        for macro in counting_macros(self.shape):
            session.execute(macro)
        lines, files = 0, []
        with open_report() as member:
            for number, part in enumerate(parts(member, folder, PART_BYTES)):
                session.execute("SET VARIABLE lines_before = ?", [part.lines_before])
                lines += self._stage_part(session, part)
                files.append(str(folder / f"{self.name}-{number}.parquet"))
                session.execute(f"COPY nested_row TO {sql_text(files[-1])} (COMPRESSION zstd)")
        session.execute(f"CREATE OR REPLACE TEMP VIEW {self.name} AS FROM read_parquet({files})")
        run_sql(session, "reports/report_drift_in_all.sql")
        return StagedReport(self, open_report, folder, lines)

    def _stage_part(self, session: DuckDBPyConnection, part: Part) -> int:
        """Read a part into `nested_part` and `nested_row`; its non-blank lines."""
        try:
            if self._read_strictly(session, part):
                run_sql(session, "reports/nested_rows.sql")
                return part.tally.lines
        except (*_READER_STOPPED, duckdb.OutOfMemoryException):
            pass  # one line can take all memory; it is refused when each is looked at by itself
        with closer_look(session):
            return self._look_closer(session, part.path)

    def _read(self, session: DuckDBPyConnection, path: Path) -> None:
        run_sql(session, f"reports/{self.name}.sql", {"report_path": str(path)})

    def _read_strictly(self, session: DuckDBPyConnection, part: Part) -> bool:
        """Whether a part was read and wholly understood."""
        self._read(session, part.path)
        found = session.execute(
            "SELECT count(*), count(refusal), coalesce(sum(oddities_read), 0), coalesce(sum(names_read), 0), "
            "coalesce(sum(texts_read), 0) FROM nested_part"
        ).fetchone()
        return found == (part.tally.lines, 0, 0, part.tally.names, part.tally.texts)

    def _look_closer(self, session: DuckDBPyConnection, path: Path) -> int:
        lines = _describe(session, path)
        run_sql(session, "reports/closer_look.sql", {"expected_nodes": [*expected_nodes(self.shape)]})
        numbers = session.execute("SELECT line_number FROM refused_in_part").fetchall()
        unreadable = {number for (number,) in numbers}
        readable = path.with_suffix(".readable.jsonl")
        copy_lines(path, readable, without=unreadable)
        try:
            self._read(session, readable)
        except _READER_STOPPED as error:
            raise ReportUnreadable(
                f"{self.file_name}: a line that looked readable stops DuckDB's reader. Nothing was loaded; the package "
                f"is kept in the archive. Please report it with this message: {error}"
            ) from error
        read = session.execute("SELECT count(*) FROM nested_part").fetchall()[0][0]
        if read + len(unreadable) != lines:
            raise ReportUnreadable(
                f"{self.file_name}: of {lines} lines only {read + len(unreadable)} are accounted for"
            )
        run_sql(session, "reports/nested_rows_of_some_lines.sql")
        readable.unlink()
        _description_of(path).unlink()
        return lines


@dataclass(frozen=True)
class StagedReport:
    """A report of a package that was read.

    Attributes:
        report: which.
        open_report: gives its bytes again.
        folder: where files may be written.
        lines: its non-blank lines.
    """

    report: NestedReport
    open_report: Callable[[], IO[bytes]]
    folder: Path
    lines: int

    def refuse_lines(self, session: DuckDBPyConnection) -> None:
        """Refuse the lines of `refused_row(line_number, reason)` that were read; this is rare, and looks them up."""
        if session.execute("SELECT count(*) FROM refused_row").fetchone() == (0,):
            return
        path = self.folder / self.report.file_name
        with self.open_report() as member:
            unpack(member, path)
        _describe(session, path)
        run_sql(session, "reports/refuse_lines.sql", {"report": self.report.name})


def _describe(session: DuckDBPyConnection, path: Path) -> int:
    """Let `report_lines()` tell the lines of a file; how many there are."""
    description = _description_of(path)
    lines = describe_lines(path, description)
    run_sql(session, "reports/report_lines.sql", {"description_path": str(description)})
    return lines


def _description_of(path: Path) -> Path:
    return path.with_suffix(".lines.jsonl")
