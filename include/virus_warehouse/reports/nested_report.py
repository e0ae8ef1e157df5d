"""A report of deeply nested lines, told by its shape: read in one strict pass, and looked at closer if need be."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.reports.data_report import ReportUnreadable
from virus_warehouse.reports.parts import Part, parts_at_once
from virus_warehouse.reports.report_file import Tally, copy_lines, describe_lines, unpack
from virus_warehouse.reports.shape import Object, counting_macro, expected_nodes, read_columns
from virus_warehouse.sql_file import run_sql, sql_text
from virus_warehouse.warehouse.session import all_threads, closer_look

PART_BYTES, PARTS_AT_ONCE = 2 << 20, 16
"""DuckDB reads 2048 lines at once, and a line may have 25 kB and more: small parts keep in bounds what each thread
holds. And it is busy for a tenth of a second with such a statement before it reads: many parts share that."""

_READER_STOPPED = (duckdb.InvalidInputException, UnicodeDecodeError)
"""What DuckDB raises at a line that it cannot read; the second where its message cuts a character of that line."""


@dataclass(frozen=True)
class NestedReport:
    """A kind of report.

    Attributes:
        name: what NCBI calls it, and the temporary view it is staged in. `reports/<name>.sql` reads parts of it into
            the table `nested_part`: a row a line, with `names_and_texts_read` and `refusal`.
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

    @property
    def _variables(self) -> dict[str, object]:
        return {"report": self.name}

    def stage(self, session: DuckDBPyConnection, open_report: Callable[[], IO[bytes]], folder: Path) -> "StagedReport":
        """Read a report into its temporary view; refused lines and drift, too, are kept by report.

        As with the data report (docs/decisions/0006): parts that hold no more names and texts than were read from them
        are wholly understood. Otherwise every node of every line of such a part is looked at.

        Args:
            session: where the tables are made.
            open_report: gives the report's bytes, as often as it is called.
            folder: where the parts and the staged rows are kept.

        Raises:
            ReportUnreadable: when lines remain that are neither read nor refused.
        """
        run_sql(session, "reports/nothing_found.sql", self._variables)
        run_sql(session, "reports/nested_report.sql")
        run_sql(session, "reports/missing_values.sql")
        session.execute(counting_macro(self.shape))
        lines = 0
        files: list[str] = []
        with open_report() as member, closing(parts_at_once(PARTS_AT_ONCE, member, folder, PART_BYTES)) as cut:
            for some in cut:
                for lines_read in self._read_parts(session, some):
                    lines += lines_read
                    files.append(str(folder / f"{self.name}-{len(files)}.parquet"))
                    session.execute(f"COPY nested_row TO {sql_text(files[-1])} (COMPRESSION zstd)")
        session.execute(f"CREATE OR REPLACE TEMP VIEW {self.name} AS FROM read_parquet({files})")
        run_sql(session, "reports/drift_in_all.sql", self._variables)
        return StagedReport(self, open_report, folder, lines)

    def _read_parts(self, session: DuckDBPyConnection, some: Sequence[Part]) -> Iterator[int]:
        """Read parts into `nested_row`: together if all is understood, or else one after the other.

        Returns:
            The non-blank lines of what `nested_row` holds then.
        """
        with all_threads(session):
            are_understood = self._read_strictly(session, some)
        if are_understood:
            yield _tally_of(some).lines
            return
        for part in some:
            if self._is_read(session, part) and self._look_at_odd_lines(session, part):
                yield part.tally.lines
            else:
                with closer_look(session):
                    yield self._look_at_all(session, part)

    def _read(self, session: DuckDBPyConnection, *paths: Path) -> None:
        variables = {"report_paths": [str(path) for path in paths], "report_columns": read_columns(self.shape)}
        run_sql(session, f"reports/{self.name}.sql", variables)

    def _read_strictly(self, session: DuckDBPyConnection, some: Sequence[Part]) -> bool:
        """Read parts that follow each other into `nested_row`; whether they were wholly understood."""
        if not self._is_read(session, *some):
            return False
        run_sql(session, "reports/nested_rows.sql", {"lines_before": some[0].lines_before})
        found = session.execute(
            "SELECT count(refusal), coalesce(sum(names_and_texts_read), 0) FROM nested_part"
        ).fetchone()
        return found == (0, _tally_of(some).names_and_texts)

    def _look_at_odd_lines(self, session: DuckDBPyConnection, part: Part) -> bool:
        """Look at those lines of a part that was read which hold something else than was read of them.

        Returns:
            Whether the rows are those of the lines: not so if one is blank, and so another has two.
        """
        read = session.execute(
            "SELECT CASE WHEN refusal IS NULL THEN names_and_texts_read ELSE -1 END AS read FROM nested_part "
            "ORDER BY rowid"
        ).fetchnumpy()["read"]
        odd = [*part.odd_lines(read)]
        variables = self._variables | {"lines_before": part.lines_before}
        if not odd:
            run_sql(session, "reports/nested_rows.sql", variables)
            return True
        if not all(line.strip() for _, line in odd):
            return False
        path = part.path.with_suffix(".odd.jsonl")
        path.write_bytes(b"\n".join(line for _, line in odd))
        with closer_look(session):
            self._judge(session, path, [place + 1 for place, _ in odd])
        run_sql(session, "reports/nested_rows_but_refused.sql", variables)
        path.unlink()
        return True

    def _is_read(self, session: DuckDBPyConnection, *some: Part) -> bool:
        """Whether parts can be read, with a row for each line; the reader takes some lines that are too long."""
        if any(part.has_too_long_line for part in some):
            return False
        try:
            self._read(session, *(part.path for part in some))
        except (*_READER_STOPPED, duckdb.OutOfMemoryException):
            return False  # one line can take all memory; it is refused when each is looked at by itself
        return session.execute("SELECT count(*) FROM nested_part").fetchone() == (_tally_of(some).lines,)

    def _judge(self, session: DuckDBPyConnection, path: Path, numbers: Sequence[int] | None = None) -> int:
        """Judge every node of the lines of a file, which may have these numbers in their part; how many there are."""
        lines = _describe(session, path, numbers)
        nodes = [*expected_nodes(self.shape)]
        run_sql(session, "reports/closer_look.sql", self._variables | {"expected_nodes": nodes})
        return lines

    def _look_at_all(self, session: DuckDBPyConnection, part: Part) -> int:
        """Look at each line of a part that stops the reader, and read the good ones; its non-blank lines."""
        path = part.path
        lines = self._judge(session, path)
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
        variables = self._variables | {"lines_before": part.lines_before}
        run_sql(session, "reports/nested_rows_of_some_lines.sql", variables)
        readable.unlink()
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


def _tally_of(some: Iterable[Part]) -> Tally:
    return sum((part.tally for part in some), Tally())


def _describe(session: DuckDBPyConnection, path: Path, numbers: Sequence[int] | None = None) -> int:
    """Read the lines of a file into `report_line`, with these numbers if given; how many there are."""
    description = path.with_suffix(".lines.jsonl")
    lines = describe_lines(path, description, numbers)
    run_sql(session, "reports/report_lines.sql", {"description_path": str(description)})
    description.unlink()
    return lines
