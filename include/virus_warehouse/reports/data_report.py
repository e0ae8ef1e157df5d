"""The data report, one line a nucleotide record: what is read from it, and how it becomes staged rows.

Field names and types: NCBI's data report schema for virus packages,
https://www.ncbi.nlm.nih.gov/datasets/docs/v2/reference-docs/data-reports/virus/
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.reports.lineages import Lineages
from virus_warehouse.reports.parts import Part, parts
from virus_warehouse.reports.report_file import copy_lines, describe_lines
from virus_warehouse.reports.shape import TEXT_COUNTS
from virus_warehouse.sql_file import run_sql, sql_text
from virus_warehouse.warehouse.session import all_threads, closer_look

NAME = "data_report"
FILE_NAME = "data_report.jsonl"


@dataclass(frozen=True)
class Field:
    """A field that is read.

    Attributes:
        kind: the DuckDB type of its value.
        column: where it is staged, as an expression that is NULL where the report leaves the field out.
    """

    kind: str
    column: str


def _organism(organism: str) -> dict[str, Field]:
    return {
        "taxId": Field("BIGINT", f"{organism}_tax_id"),
        "organismName": Field("VARCHAR", f"{organism}_name"),
        "commonName": Field("VARCHAR", f"{organism}_common_name"),
        "infraspecificNames": Field("JSON", f"{organism}_infraspecific_names"),
    }


FIELDS: dict[str, Field | dict[str, Field]] = {
    "accession": Field("VARCHAR", "accession_version"),
    "bioprojects": Field("VARCHAR[]", "bioprojects"),
    "biosample": Field("VARCHAR", "biosample"),
    "completeness": Field("VARCHAR", "nullif(completeness, 'UNKNOWN')"),
    "geneCount": Field("BIGINT", "gene_count"),
    "host": _organism("host"),
    "isAnnotated": Field("BOOLEAN", "nullif(is_annotated, false)"),
    "isLabHost": Field("BOOLEAN", "nullif(is_lab_host, false)"),
    "isVaccineStrain": Field("BOOLEAN", "nullif(is_vaccine_strain, false)"),
    "isolate": {
        "name": Field("VARCHAR", "isolate_name"),
        "source": Field("VARCHAR", "isolate_source"),
        "collectionDate": Field("VARCHAR", "collection_date"),
    },
    "labHost": Field("VARCHAR", "lab_host"),
    "length": Field("BIGINT", "length"),
    "location": {
        "geographicLocation": Field("VARCHAR", "geo_location"),
        "geographicRegion": Field("VARCHAR", "geo_region"),
        "usaState": Field("VARCHAR", "usa_state"),
    },
    "maturePeptideCount": Field("BIGINT", "mature_peptide_count"),
    "molType": Field("VARCHAR", "mol_type"),
    "nucleotide": {"sequenceHash": Field("VARCHAR", "sequence_hash")},
    "proteinCount": Field("BIGINT", "protein_count"),
    "purposeOfSampling": Field("VARCHAR", "purpose_of_sampling"),
    "releaseDate": Field("VARCHAR", "release_date"),
    "segment": Field("VARCHAR", "segment"),
    "sourceDatabase": Field("VARCHAR", "source_database"),
    "sraAccessions": Field("VARCHAR[]", "sra_accessions"),
    "submitter": {
        "names": Field("VARCHAR[]", "submitter_names"),
        "affiliation": Field("VARCHAR", "submitter_affiliation"),
        "country": Field("VARCHAR", "submitter_country"),
    },
    "updateDate": Field("VARCHAR", "update_date"),
    "virus": {
        **_organism("virus"),
        "strain": Field("VARCHAR", "virus_strain"),
        "pangolinClassification": Field("VARCHAR", "pango_lineage"),
    },
}
"""The fields read, as they stand in a line. Lineages go into the taxonomy."""

ORGANISMS = ("host", "virus")

KNOWN_AND_NOT_KEPT: dict[str, tuple[str, ...]] = {
    "$": ("isComplete", "nucleotideCompleteness"),
    "$.host": ("sciName", "strain", "pangolinClassification"),
    "$.virus": ("sciName",),
    "$.nucleotide": ("seqId", "accessionVersion", "title", "range"),
}
"""Names that NCBI's schema has, or had, and that tell us nothing: they are no drift."""

DATES = ("release_date", "update_date")
"""Columns that are texts in the report."""

INFRASPECIFIC_NAMES = ("breed", "cultivar", "ecotype", "isolate", "sex", "strain")

_READ_TYPES = {"BIGINT": "VARCHAR", "BOOLEAN": "VARCHAR"}
"""Numbers and flags are read as text and then understood: the reader itself would make 2 of 1.5."""


def fields_by_path() -> dict[str, Field]:
    """The fields that are read, by their paths in a line, such as `host.taxId`."""
    fields: dict[str, Field] = {}
    for name, field in FIELDS.items():
        fields |= {name: field} if isinstance(field, Field) else {f"{name}.{key}": part for key, part in field.items()}
    return fields


def columns_by_path() -> dict[str, str]:
    """For each field that is read, by its path in a line, the column it becomes."""
    return {path: field.column for path, field in fields_by_path().items()}


_READER_STOPPED = (duckdb.InvalidInputException, duckdb.OutOfMemoryException, UnicodeDecodeError)
"""What DuckDB raises at a line that it cannot read: one line can take all memory, and the last comes where its message
cuts a character of that line."""

_SMALL_ENOUGH = 256 << 10
"""Bytes of lines of which some stop the reader, each to be looked at by itself. A longer line is never folded."""

_LOOKED_AT_ONCE = 2 << 20
"""Bytes of odd lines: looked at, a line takes many times the memory that it is written with."""


class ReportUnreadable(RuntimeError):
    """A report whose good lines could not be told from its bad ones; nothing of it was loaded."""


class _NotRowByLine(Exception):
    """A part that the strict read would give more or fewer rows than it has lines, or a row of a line too long."""


def stage(session: DuckDBPyConnection, open_report: Callable[[], IO[bytes]], folder: Path) -> int:
    """Read a data report into `data_report` and the temporary tables `refused_line`, `drift` and the taxonomy's.

    A report is read in one strict pass. A line is wholly understood when it holds no more names and texts than were
    read from it; each other is looked at by itself: the bad ones are set apart with their reasons, and unknown names
    are recorded. A report with lines that stop the reader is read again, and cut up until those are found.

    Args:
        session: where the tables are made; what does not fit into its memory is spilled.
        open_report: gives the report's bytes, as often as it is called.
        folder: where the parts are written.

    Returns:
        The number of non-blank lines, each now either a row of `data_report` or of `refused_line`.

    Raises:
        ReportUnreadable: when lines remain that are neither.
    """
    run_sql(session, "reports/line_macros.sql", _what_is_expected())
    try:
        # In one transaction rows stay where they are put: what comes to a table that has some is copied at commit.
        with _transaction(session):
            lines = _Reading(session, folder, cuts_up=False).read(open_report)
    except (*_READER_STOPPED, _NotRowByLine):
        lines = _Reading(session, folder, cuts_up=True).read(open_report)
    with all_threads(session):
        run_sql(session, "reports/places.sql")
        run_sql(session, "reports/free_texts.sql")
    run_sql(session, "reports/taxonomy.sql")
    run_sql(session, "reports/drift_in_all.sql", {"report": NAME})
    return lines


@contextmanager
def _transaction(session: DuckDBPyConnection) -> Iterator[None]:
    session.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        session.execute("ROLLBACK")
        raise
    session.execute("COMMIT")


@dataclass(frozen=True)
class _OddLine:
    """A line that holds more than was read of it: its number in the report, its row, and its bytes."""

    number: int
    row: int
    content: bytes


class _Reading:
    """The reading of one report into `staged_record`, and of what is wrong or new in it."""

    def __init__(self, session: DuckDBPyConnection, folder: Path, *, cuts_up: bool) -> None:
        self.session, self.folder, self.cuts_up = session, folder, cuts_up
        self.lineages = Lineages()
        self.last_row = -1
        self.odd: list[_OddLine] = []

    def read(self, open_report: Callable[[], IO[bytes]]) -> int:
        """Read all of it; its non-blank lines."""
        lines = 0
        with (
            open_report() as report,
            closing(parts(report, self.folder, fold=self.lineages.fold)) as cut,
        ):
            for number, part in enumerate(cut):
                if number == 0:
                    self._prepare(part)
                self._take_lineages()
                lines += self._read_part(part)
            self._judge_odd_lines()
        with all_threads(self.session):
            run_sql(self.session, "reports/lineage_given.sql", {"report": NAME})
        return lines

    def _prepare(self, first: Part) -> None:
        run_sql(self.session, "reports/nothing_found.sql", {"report": NAME})
        run_sql(self.session, "reports/hashed.sql", {"has_separators": False})
        run_sql(self.session, "reports/data_report.sql", {"report_columns": _duckdb_columns()})
        self.count = _names_and_texts(self.lineages.beginning)
        # Without the count, which takes as long to plan as all the rest.
        self.session.execute(
            "CREATE OR REPLACE TEMP TABLE staged_record AS "
            f"SELECT *, NULL::BIGINT AS names_and_texts FROM records_of_part({sql_text(first.path)}) WHERE false"
        )
        run_sql(self.session, "reports/staged_record.sql")

    def _take_lineages(self) -> None:
        new = self.lineages.take_new()
        variables = {"new_references": [*new], "new_lineages": [*new.values()]}
        run_sql(self.session, "reports/lineage_folded.sql", variables)

    def _read_part(self, part: Part) -> int:
        """Read a part; its non-blank lines."""
        (self.last_row,) = self._numbers("SELECT coalesce(max(rowid), -1) FROM staged_record")
        try:
            if part.has_too_long_line:
                raise _NotRowByLine  # the reader takes some lines that are longer than a line may be
            self._insert(part, part.path)
            self._expect_understood(part)
        except (*_READER_STOPPED, _NotRowByLine):
            if not self.cuts_up:
                raise
            self.session.execute("DELETE FROM staged_record WHERE rowid > ?", [self.last_row])
            if part.size <= _SMALL_ENOUGH or part.tally.lines < 2:
                return self._look_at_all(part)
            halves = part.halves()
            try:
                return sum(map(self._read_part, halves))
            finally:
                for half in halves:
                    half.path.unlink()
        return part.tally.lines

    def _insert(self, part: Part, path: Path) -> None:
        run_sql(self.session, "reports/hashed.sql", {"has_separators": part.tally.has_separators})
        self.session.execute(
            "INSERT INTO staged_record "
            f"SELECT *, {self.count} AS names_and_texts FROM records_of_part({sql_text(path)})"
        )

    def _expect_understood(self, part: Part) -> None:
        """Expect of a part that was read a row for each line, and look at the lines that hold more than was read.

        Raises:
            _NotRowByLine: when rows are missing, or left over.
        """
        rows, read = self.session.execute(
            "SELECT count(*), coalesce(sum(names_and_texts), 0) FROM staged_record WHERE rowid > ?", [self.last_row]
        ).fetchall()[0]
        if rows != part.tally.lines:
            raise _NotRowByLine
        if read != part.tally.names_and_texts:
            self._find_odd_lines(part)

    def _find_odd_lines(self, part: Part) -> None:
        given = self.session.execute(
            "SELECT rowid, names_and_texts FROM staged_record WHERE rowid > ? ORDER BY rowid", [self.last_row]
        ).fetchnumpy()
        for place, line in part.odd_lines(given["names_and_texts"]):
            if not line.strip():
                raise _NotRowByLine  # and some other line has two rows
            row = int(given["rowid"][place])
            self.odd.append(_OddLine(part.lines_before + place + 1, row, self.lineages.unfold(line)))
            if sum(len(odd.content) for odd in self.odd) > _LOOKED_AT_ONCE:
                self._judge_odd_lines()
        if self.cuts_up:
            self._judge_odd_lines()  # while rows are where they were put

    def _judge_odd_lines(self) -> None:
        """Look at the lines that were found, a few together: a look takes longer to begin than for one of them."""
        if not self.odd:
            return
        path = self.folder / "odd.jsonl"
        path.write_bytes(b"\n".join(line.content for line in self.odd))
        numbers = [line.number for line in self.odd]
        with closer_look(self.session):
            self._describe(path, numbers)
            self._refuse(numbers, [line.row for line in self.odd])
        path.unlink()
        self.odd = []

    def _look_at_all(self, part: Part) -> int:
        """Look at each line of a part that stops the reader, and read the good ones; its non-blank lines."""
        given, readable = part.path, part.path.with_suffix(".readable.jsonl")
        if part.size <= _SMALL_ENOUGH:
            given = part.path.with_suffix(".given.jsonl")
            given.write_bytes(self.lineages.unfold(part.path.read_bytes()))
        with closer_look(self.session):
            lines = self._describe(given, range(part.lines_before + 1, part.lines_before + part.tally.lines + 1))
            refused = self._numbers("SELECT line_number FROM refused_in_part")
            copy_lines(given, readable, without={number - part.lines_before for number in refused})
            try:
                self._insert(part, readable)
            except _READER_STOPPED as error:
                raise ReportUnreadable(
                    f"{FILE_NAME}: a line that looked readable stops DuckDB's reader. Nothing was loaded; the package "
                    f"is kept in the archive. Please report it with this message: {error}"
                ) from error
            rows = self._numbers(f"SELECT rowid FROM staged_record WHERE rowid > {self.last_row} ORDER BY rowid")
            good = self._numbers(
                "SELECT line_number FROM report_line ANTI JOIN refused_in_part USING (line_number) ORDER BY line_number"
            )
            if len(rows) != len(good):
                accounted = len(rows) + len(refused)
                raise ReportUnreadable(f"{FILE_NAME}: of {lines} lines only {accounted} are accounted for")
            self._refuse(good, rows)
        for path in {given, readable} - {part.path}:
            path.unlink()
        return lines

    def _numbers(self, query: str) -> list[int]:
        return [number for (number,) in self.session.execute(query).fetchall()]

    def _describe(self, path: Path, numbers: Sequence[int]) -> int:
        """Judge the lines of a file, which have these numbers in the report; how many there are that are not blank."""
        description = path.with_suffix(".lines.jsonl")
        lines = describe_lines(path, description, numbers)
        run_sql(self.session, "reports/report_lines.sql", {"description_path": str(description)})
        run_sql(self.session, "reports/refused_lines.sql")
        description.unlink()
        return lines

    def _refuse(self, numbers: Sequence[int], rows: Sequence[int]) -> None:
        """Tell what is new in lines that were read, and refuse those of them that no record may be."""
        run_sql(self.session, "reports/drift.sql", {"report": NAME})
        variables = {"report": NAME, "odd_numbers": [*numbers], "odd_rows": [*rows]}
        run_sql(self.session, "reports/refused_rows.sql", variables)


def _names_and_texts(reference_begins: str) -> str:
    """The expression for how many names and texts were read of a line, its lineages included.

    It is never more than the line holds, and less than nothing where a value may not be what it looks like: a list of a
    single text, where a text is meant, is as many names and texts as that.

    Args:
        reference_begins: how the reference to a folded lineage begins, a name and a text.
    """
    name_and_text = 1 + TEXT_COUNTS
    names, texts, others, odd = [], [], [], ["refusal IS NOT NULL"]
    for field in FIELDS.values():
        if isinstance(field, dict):
            names.append(" OR ".join(f"({member.column}) IS NOT NULL" for member in field.values()))
    for field in fields_by_path().values():
        column = field.column
        match field.kind:
            case "VARCHAR":
                texts.append(f"({column}) IS NOT NULL")
                if column not in DATES:
                    odd.append(f"starts_with({column}, '[')")
            case "VARCHAR[]":
                others.append(f"coalesce(1 + len({column}) * {TEXT_COUNTS}, 0)")
            case "JSON":
                known = f"len(list_intersect(json_keys({column}), {list(INFRASPECIFIC_NAMES)}))"
                others.append(f"CASE WHEN {column} IS NULL THEN 0 ELSE 1 + {known} * {name_and_text} END")
            case _:
                names.append(f"({column}) IS NOT NULL")
    for organism in ORGANISMS:
        lineage = f"{organism}_lineage"
        others.append(
            f"CASE WHEN {lineage} IS NULL THEN 0 WHEN starts_with({lineage}::VARCHAR, {sql_text(reference_begins)}) "
            f"THEN {name_and_text} ELSE lineage_names_and_texts({lineage}, {TEXT_COUNTS}) END"
        )
    # Small numbers are added several times as fast as large ones.
    names_read, texts_read = (" + ".join(f"({one})::SMALLINT" for one in some) for some in (names, texts))
    return (
        f"CASE WHEN coalesce({' OR '.join(odd)}, false) THEN -1 "
        f"ELSE ({names_read})::BIGINT + ({texts_read}) * {name_and_text} + {' + '.join(others)} END"
    )


def _duckdb_columns() -> dict[str, str]:
    columns = {}
    for name, field in FIELDS.items():
        if isinstance(field, Field):
            columns[name] = _read_type(field)
            continue
        members = [f"{key} {_read_type(member)}" for key, member in field.items()]
        columns[name] = f"STRUCT({', '.join(members + ['lineage JSON'] * (name in ORGANISMS))})"
    return columns


def _read_type(field: Field) -> str:
    return _READ_TYPES.get(field.kind, field.kind)


def _what_is_expected() -> dict[str, object]:
    """The variables that `line_macros.sql` reads."""
    kinds: dict[str, str] = {}
    names: dict[str, list[str]] = {"$": [*FIELDS]}
    for name, field in FIELDS.items():
        if isinstance(field, Field):
            kinds[f"$.{name}"] = field.kind
            continue
        kinds[f"$.{name}"] = "OBJECT"
        kinds |= {f"$.{name}.{key}": member.kind for key, member in field.items()}
        names[f"$.{name}"] = [*field]
    for organism in ORGANISMS:
        kinds[f"$.{organism}.lineage"] = "LINEAGE"
        names[f"$.{organism}"].append("lineage")
        names[f"$.{organism}.infraspecificNames"] = [*INFRASPECIFIC_NAMES]
    return {
        "field_paths": [*kinds],
        "field_kinds": [*kinds.values()],
        "object_paths": [*names],
        "read_names": [*names.values()],
        "known_names": [[*given, *KNOWN_AND_NOT_KEPT.get(path, ())] for path, given in names.items()],
    }
