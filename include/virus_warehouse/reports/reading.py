"""Reading a report: one strict pass, then a closer look at each line that has more contents than were read."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import accumulate, takewhile
from pathlib import Path
from typing import IO

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.failure import Failure
from virus_warehouse.reports.lineages import Lineages
from virus_warehouse.reports.parts import Part, parts
from virus_warehouse.reports.report import Report
from virus_warehouse.reports.report_file import Tally, copy_lines, describe_lines, unpack
from virus_warehouse.reports.shape import counting_macro, expected_nodes, read_columns
from virus_warehouse.session import all_threads, closer_look, kept_threads
from virus_warehouse.sql_file import run_sql, sql_text
from virus_warehouse.wording import counted

PART_BYTES, PARTS_AHEAD, PARTS_AT_ONCE = 16 << 20, 8, 2
DEEP_PART_BYTES, DEEP_PARTS_AHEAD, DEEP_PARTS_AT_ONCE = 2 << 20, 16, 16
"""Each thread reads a part. DuckDB reads 2048 lines at once, and a deep line may have 25 kB or more: small parts limit
each thread's memory. Planning a statement takes 20 to 100 ms, which the parts read at once share."""

_READER_STOPPED = (duckdb.InvalidInputException, duckdb.OutOfMemoryException, UnicodeDecodeError)
"""DuckDB's exceptions for unreadable lines: a single line can exhaust the memory, and the last one occurs when the
message truncates a multi-byte character."""

_SMALL_ENOUGH = 256 << 10
"""Size of lines that stop the reader, below which each is checked individually. Longer lines are never folded."""

_LOOKED_AT_ONCE = 2 << 20
"""Bytes of odd lines to check together: checking a line takes many times its size in memory."""


class ReportUnreadable(Failure):
    """The readable lines of a report could not be separated from the others; nothing of it was loaded."""


class _NotUnderstood(Exception):
    """The strict read gave more or fewer rows than lines, or there are many odd lines."""


_STOPPED = (*_READER_STOPPED, _NotUnderstood)


@dataclass(frozen=True)
class StagedReport:
    """A report that was read.

    Attributes:
        report: the kind of report.
        open_report: opens its bytes again.
        folder: for temporary files.
        lines: its non-blank lines: each is a row of the temporary view named as the report, or of `quarantined_line`.
    """

    report: Report
    open_report: Callable[[], IO[bytes]]
    folder: Path
    lines: int

    def refuse_lines(self, session: DuckDBPyConnection) -> None:
        """Quarantine the lines of `refused_row(line_number, reason)`, which a merge has refused; this is rare."""
        if session.execute("SELECT count(*) FROM refused_row").fetchone() == (0,):
            return
        path = self.folder / self.report.file_name
        with self.open_report() as member:
            unpack(member, path)
        _describe(session, path)
        run_sql(session, "reports/refuse_lines.sql", {"report": self.report.name})


def stage(
    report: Report, session: DuckDBPyConnection, open_report: Callable[[], IO[bytes]], folder: Path
) -> StagedReport:
    """Read a report into the temporary view of its name; findings go into `quarantined_line` and `drift`.

    A line was read completely if it has no more names and texts than were read (docs/decisions/0006); every other line
    is checked individually. A report with lines that stop the reader is read again and split until they are found.

    Args:
        report: the kind of report.
        session: where the tables are created; what does not fit into its memory is spilled.
        open_report: opens the report's bytes, as often as it is called.
        folder: for the parts, and for the rows of a deep report.

    Raises:
        ReportUnreadable: when lines are left that were neither read nor quarantined.
    """
    variables = {"report": report.name}
    try:
        lines = _Reading(report, session, folder, cuts_up=report.is_deep).read(open_report)
    except _STOPPED:
        if report.is_deep:
            raise
        lines = _Reading(report, session, folder, cuts_up=True).read(open_report)
    with all_threads(session):
        for name in (*report.derived, "reports/drift_in_all.sql"):
            run_sql(session, name, variables)
    return StagedReport(report, open_report, folder, lines)


@dataclass(frozen=True)
class _OddLine:
    """A line with other contents than were read: its number in the report, and its bytes."""

    number: int
    content: bytes


class _Reading:
    """The reading of one report.

    Each line has a row in the table `staged_row` until it is quarantined: line n is row n - 1. All its fields are in
    the one column `fields`: to keep the order of what several threads insert, DuckDB reserves 4 MB for each column and
    each thread, and with 50 columns the memory would be enough for one thread only. Rows of a deep report are moved to
    files, which have the first `lines_filed` lines.

    Attributes:
        cuts_up: whether to split parts that stop the reader. Each statement is then committed, which copies rows into
            tables that have some. Otherwise such parts end the reading, which is one transaction.
    """

    def __init__(self, report: Report, session: DuckDBPyConnection, folder: Path, *, cuts_up: bool) -> None:
        self.report, self.session, self.folder, self.cuts_up = report, session, folder, cuts_up
        self.lineages = Lineages()
        self.lines = self.lines_filed = 0
        self.files: list[str] = []
        self.odd: list[_OddLine] = []

    def read(self, open_report: Callable[[], IO[bytes]]) -> int:
        """Read the whole report; returns the number of non-blank lines."""
        fold = self.lineages.fold if self.report.has_lineages else bytes
        deep = DEEP_PART_BYTES, DEEP_PARTS_AHEAD, DEEP_PARTS_AT_ONCE
        size, ahead, at_once = deep if self.report.is_deep else (PART_BYTES, PARTS_AHEAD, PARTS_AT_ONCE)
        with (
            kept_threads(self.session),
            open_report() as member,
            closing(parts(member, self.folder, size, ahead, at_once, fold=fold)) as cut,
            nullcontext() if self.cuts_up else _transaction(self.session),
        ):
            for number, some in enumerate(cut):
                if number == 0:
                    self._prepare(some[0])
                self._take_lineages()
                # The thread that inflates needs a processor: DuckDB then keeps to the others.
                is_inflating = len(some) < ahead and not some[-1].is_last
                with nullcontext() if is_inflating and not self.report.is_deep else all_threads(self.session):
                    self._read(some)
                if self.report.is_deep:
                    self._file_rows(some)
        self._look_at_odd_lines()
        self._name_rows()
        return self.lines

    def _prepare(self, first: Part) -> None:
        run_sql(self.session, "reports/nothing_found.sql", {"report": self.report.name})
        # The table is created without the count, which takes as long to plan as everything else.
        columns = ", ".join(f'"{name}"' for name in self.report.shape.members)
        self.session.execute(f"CREATE OR REPLACE MACRO names_and_texts_read({columns}) AS NULL::BIGINT")
        run_sql(self.session, "reports/hashed.sql", {"has_separators": False})
        variables = {"report_columns": read_columns(self.report.shape), "lineage_begins": self.lineages.beginning}
        run_sql(self.session, f"reports/{self.report.name}.sql", variables)
        self.session.execute(f"CREATE OR REPLACE TEMP TABLE staged_row AS {_fields_of([first.path])} WHERE false")
        self.session.execute(counting_macro(self.report.shape))

    def _take_lineages(self) -> None:
        new = self.lineages.take_new()
        if new:
            # As two texts, because each item of a list that is given to DuckDB takes as long to bind as a text.
            variables = {"new_references": "\n".join(new), "new_lineages": "\n".join(new.values())}
            run_sql(self.session, "reports/lineage_folded.sql", variables)

    def _read(self, some: Sequence[Part]) -> None:
        """Read consecutive parts; their odd lines are remembered."""
        try:
            with _transaction(self.session) if self.cuts_up else nullcontext():
                odd = self._insert(some)
        except _STOPPED:
            if not self.cuts_up:
                raise
            self._read_in_halves(some)
            return
        self.lines += _tally_of(some).lines
        self.odd += odd
        if sum(len(line.content) for line in self.odd) > _LOOKED_AT_ONCE:
            if not self.cuts_up:
                raise _NotUnderstood  # rows only get their numbers on commit
            self._look_at_odd_lines()

    def _read_in_halves(self, some: Sequence[Part]) -> None:
        half = len(some) // 2
        if half:
            self._read(some[:half])
            self._read(some[half:])
            return
        (part,) = some
        if part.size <= _SMALL_ENOUGH or part.tally.lines < 2:
            self._look_at_all(part)
            return
        halves = part.halves()
        try:
            for one in halves:
                self._read([one])
        finally:
            for one in halves:
                one.path.unlink()

    def _insert(self, some: Sequence[Part]) -> list[_OddLine]:
        """Read parts strictly; returns their odd lines.

        Raises:
            _NotUnderstood: for missing or surplus rows, or for a line that is too long, which the reader may accept.
        """
        if any(part.has_too_long_line for part in some):
            raise _NotUnderstood
        held = _tally_of(some)
        last = self.session.execute("SELECT coalesce(max(rowid), -1) FROM staged_row").fetchall()[0][0]
        if self._insert_rows([part.path for part in some], has_separators=held.has_separators) != held.lines:
            raise _NotUnderstood
        read = "CASE WHEN fields.refusal IS NULL THEN fields.names_and_texts ELSE -1 END"
        rows = f"FROM staged_row WHERE rowid > {last}"
        if self.session.execute(f"SELECT coalesce(sum({read}), 0) {rows}").fetchone() == (held.names_and_texts,):
            return []
        given = self.session.execute(f"SELECT {read} AS read {rows} ORDER BY rowid").fetchnumpy()["read"]
        odd, at = [], 0
        for part in some:
            for place, line in part.odd_lines(given[at : at + part.tally.lines]):
                if not line.strip():
                    raise _NotUnderstood  # another line has two rows
                odd.append(_OddLine(part.lines_before + place + 1, self.lineages.unfold(line)))
            at += part.tally.lines
        return odd

    def _insert_rows(self, paths: Iterable[Path], *, has_separators: bool) -> int:
        run_sql(self.session, "reports/hashed.sql", {"has_separators": has_separators})
        inserted = self.session.execute(f"INSERT INTO staged_row {_fields_of(paths)}").fetchall()
        return int(inserted[0][0])

    def _look_at_odd_lines(self) -> None:
        """Check the odd lines found so far, several at once because of the fixed cost."""
        path = self.folder / "odd.jsonl"
        while self.odd:
            sizes = accumulate(len(line.content) for line in self.odd)
            many = sum(1 for _ in takewhile(_LOOKED_AT_ONCE.__ge__, sizes)) or 1
            some, self.odd = self.odd[:many], self.odd[many:]
            path.write_bytes(b"\n".join(line.content for line in some))
            with closer_look(self.session):
                self._check(path, [line.number for line in some])
                self._refuse_rows()
            path.unlink()

    def _look_at_all(self, part: Part) -> None:
        """Check each line of a part that stops the reader, and read the good ones."""
        given, readable = part.path.with_suffix(".given.jsonl"), part.path.with_suffix(".readable.jsonl")
        if part.size <= _SMALL_ENOUGH:
            given.write_bytes(self.lineages.unfold(part.path.read_bytes()))
        else:
            given = part.path
        with closer_look(self.session):
            self.lines += self._check(given, range(part.lines_before + 1, part.lines_before + part.tally.lines + 1))
            refused = self.session.execute("SELECT line_number FROM refused_in_part").fetchall()
            copy_lines(given, readable, part.tally.lines, without={number - part.lines_before for (number,) in refused})
            try:
                rows = self._insert_rows([readable], has_separators=part.tally.has_separators)
            except _READER_STOPPED as error:
                raise ReportUnreadable(
                    f"{self.report.file_name}: DuckDB cannot read a line that passed all checks. Nothing was loaded; "
                    f"the package is kept in the archive. Please report it with this message: {error}"
                ) from error
            if rows != part.tally.lines:
                raise ReportUnreadable(
                    f"{self.report.file_name}: only {rows} of {counted(part.tally.lines, 'line')} accounted for"
                )
            run_sql(
                self.session,
                "reports/blank_lines.sql",
                {"first_row": part.lines_before - self.lines_filed, "lines_filed": self.lines_filed},
            )
            self._refuse_rows()
        for path in {given, readable} - {part.path}:
            path.unlink()

    def _check(self, path: Path, numbers: Sequence[int]) -> int:
        """Check each node of the lines of a file, with these numbers; returns the number of non-blank lines."""
        # Two thirds of a line are lineages; folded ones are known to be valid.
        lines = _describe(self.session, path, numbers, self.lineages.fold_again)
        variables = {
            "report": self.report.name,
            "expected_nodes": [*expected_nodes(self.report.shape)],
            "lineage_begins": self.lineages.beginning,
        }
        run_sql(self.session, "reports/closer_look.sql", variables)
        return lines

    def _refuse_rows(self) -> None:
        variables = {"report": self.report.name, "lines_filed": self.lines_filed}
        run_sql(self.session, "reports/refused_rows.sql", variables)

    def _file_rows(self, some: Sequence[Part]) -> None:
        self._look_at_odd_lines()
        self.files.append(str(self.folder / f"{self.report.name}-{len(self.files)}.parquet"))
        self.session.execute(f"COPY ({self._rows('staged_row')}) TO {sql_text(self.files[-1])} (COMPRESSION zstd)")
        self.session.execute("CREATE OR REPLACE TEMP TABLE staged_row AS FROM staged_row WHERE false")
        self.lines_filed += _tally_of(some).lines

    def _name_rows(self) -> None:
        """Create the view with the name of the report."""
        rows = f"FROM read_parquet({self.files})"
        if not self.report.is_deep:
            table = f"{self.report.name}_row"
            self.session.execute(f"DROP TABLE IF EXISTS {table}")
            self.session.execute(f"ALTER TABLE staged_row RENAME TO {table}")
            rows = self._rows(table)
        self.session.execute(f"CREATE OR REPLACE TEMP VIEW {self.report.name} AS {rows}")

    def _rows(self, table: str) -> str:
        return (
            f"SELECT rowid + {self.lines_filed + 1} AS line_number, fields.* EXCLUDE (names_and_texts, refusal) "
            f"FROM {table}"
        )


def _fields_of(paths: Iterable[Path]) -> str:
    """The query for the rows of parts, each as one value."""
    return f"SELECT line AS fields FROM rows_of([{', '.join(map(sql_text, paths))}]) AS line"


@contextmanager
def _transaction(session: DuckDBPyConnection) -> Iterator[None]:
    session.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        session.execute("ROLLBACK")
        raise
    session.execute("COMMIT")


def _tally_of(some: Iterable[Part]) -> Tally:
    return sum((part.tally for part in some), Tally())


def _describe(
    session: DuckDBPyConnection,
    path: Path,
    numbers: Sequence[int] | None = None,
    fold: Callable[[bytes], bytes] = bytes,
) -> int:
    """Read the lines of a file into `report_line`, with these numbers if given; returns how many are not blank."""
    description = path.with_suffix(".lines.jsonl")
    lines = describe_lines(path, description, numbers, fold)
    run_sql(session, "reports/report_lines.sql", {"description_path": str(description)})
    description.unlink()
    return lines
