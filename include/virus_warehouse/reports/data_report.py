"""The data report, one line a nucleotide record: what is read from it, and how it becomes staged rows.

Field names and types: NCBI's data report schema for virus packages,
https://www.ncbi.nlm.nih.gov/datasets/docs/v2/reference-docs/data-reports/virus/
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.reports.lineages import Lineages
from virus_warehouse.reports.parts import Part, parts
from virus_warehouse.reports.report_file import Tally, copy_lines, describe_lines
from virus_warehouse.sql_file import run_sql
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


_READER_STOPPED = (duckdb.InvalidInputException, UnicodeDecodeError)
"""What DuckDB raises at a line that it cannot read; the second where its message cuts a character of that line."""


class ReportUnreadable(RuntimeError):
    """A report whose good lines could not be told from its bad ones; nothing of it was loaded."""


class _NotUnderstood(Exception):
    """Lines that hold more, or less, than was read from them.

    Attributes:
        is_readable: whether there is at least a row for each.
    """

    def __init__(self, *, is_readable: bool) -> None:
        super().__init__()
        self.is_readable = is_readable


def stage(session: DuckDBPyConnection, open_report: Callable[[], IO[bytes]], folder: Path) -> int:
    """Read a data report into `data_report` and the temporary tables `refused_line`, `drift` and the taxonomy's.

    A report that is wholly readable is read in one strict pass, and is wholly understood when it holds no more names
    and texts than were read from it. When a line is missing or something is left over, it is read again, part by part,
    and each line of a part that is not understood is looked at by itself: the bad ones are set apart with their
    reasons, and unknown names are recorded.

    Args:
        session: where the tables are made; what does not fit into its memory is spilled.
        open_report: gives the report's bytes, as often as it is called.
        folder: where the parts are written.

    Returns:
        The number of non-blank lines, each now either a row of `data_report` or of `refused_line`.

    Raises:
        ReportUnreadable: when lines remain that are neither.
    """
    _tell_what_is_expected(session)
    session.execute("SET VARIABLE report_columns = ?", [_duckdb_columns()])
    lines = _stage_at_once(session, open_report, folder)
    if lines is None:
        lines = _stage_by_parts(session, open_report, folder)
    with all_threads(session):
        run_sql(session, "reports/places.sql")
        run_sql(session, "reports/free_texts.sql")
    run_sql(session, "reports/taxonomy.sql")
    run_sql(session, "reports/drift_in_all.sql")
    return lines


def _stage_at_once(session: DuckDBPyConnection, open_report: Callable[[], IO[bytes]], folder: Path) -> int | None:
    """Read a report into `staged_record` if no line has to be looked at by itself; its lines, or None."""
    lineages, tally, understood = Lineages(), Tally(), Tally()
    try:
        # In one transaction rows stay where they are put: what comes to a table that has some is copied at commit.
        with (
            _transaction(session),
            open_report() as report,
            closing(parts(report, folder, fold=lineages.fold)) as cut,
        ):
            for number, part in enumerate(cut):
                _prepare(session, number, part, lineages)
                session.execute("INSERT INTO staged_record FROM records_of_part()")
                tally += part.tally
                if number == 0:
                    session.execute("CREATE TEMP VIEW part AS FROM staged_record")
                    # What is odd in every line is seen before all of them have been read in vain.
                    _expect_understood(session, tally)
                    understood = tally
            if tally != understood:
                with all_threads(session):
                    _expect_understood(session, tally)
            run_sql(session, "reports/lineage_keep.sql")
            session.execute("DROP VIEW part")
    except (*_READER_STOPPED, duckdb.OutOfMemoryException, _NotUnderstood):
        return None
    return tally.lines


@contextmanager
def _transaction(session: DuckDBPyConnection) -> Iterator[None]:
    session.execute("BEGIN TRANSACTION")
    try:
        yield
    except BaseException:
        session.execute("ROLLBACK")
        raise
    session.execute("COMMIT")


def _stage_by_parts(session: DuckDBPyConnection, open_report: Callable[[], IO[bytes]], folder: Path) -> int:
    """Read a report into `staged_record`, and what cannot be read into `refused_line`; its non-blank lines."""
    lineages, lines = Lineages(), 0
    with open_report() as report, closing(parts(report, folder, fold=lineages.fold)) as cut:
        for number, part in enumerate(cut):
            _prepare(session, number, part, lineages)
            lines += _stage_part(session, part, lineages)
            session.execute("INSERT INTO staged_record FROM part; DROP TABLE part")
    return lines


def _prepare(session: DuckDBPyConnection, number: int, part: Part, lineages: Lineages) -> None:
    """Tell the session of a part that is to be read."""
    if number == 0:
        run_sql(session, "reports/nothing_found.sql")
        run_sql(session, "reports/data_report.sql", {"report_path": str(part.path)})
        run_sql(session, "reports/staged_record.sql")
    new = lineages.take_new()
    run_sql(session, "reports/lineage_folded.sql", {"new_references": [*new], "new_lineages": [*new.values()]})
    variables = {
        "report_path": str(part.path),
        "lines_before": part.lines_before,
        "has_separators": part.tally.has_separators,
    }
    for name, value in variables.items():
        session.execute(f"SET VARIABLE {name} = ?", [value])


def _stage_part(session: DuckDBPyConnection, part: Part, lineages: Lineages) -> int:
    """Read a part into `part`; its non-blank lines."""
    lines, is_readable = part.tally.lines, False
    try:
        _read_part(session, part.path)
        _expect_understood(session, part.tally)
    except _NotUnderstood as found:
        is_readable = found.is_readable
    except (*_READER_STOPPED, duckdb.OutOfMemoryException):
        pass  # one line can take all memory; it is refused when each is looked at by itself
    else:
        run_sql(session, "reports/lineage_keep.sql")
        return lines
    given = readable = part.path.with_suffix(".given.jsonl")
    lineages.unfold(part.path, given)
    with closer_look(session):
        if not is_readable or _has_mistyped_lines(session, given):
            readable = part.path.with_suffix(".readable.jsonl")
            lines = _set_bad_lines_apart(session, given, readable)
        run_sql(session, "reports/lineage_look.sql")
        run_sql(session, "reports/lineage_keep.sql")
        run_sql(session, "reports/drift.sql", {"report_path": str(readable)})
    for file in {given, readable}:
        file.unlink()
    return lines


def _read_part(session: DuckDBPyConnection, path: Path) -> None:
    session.execute("SET VARIABLE report_path = ?", [str(path)])
    session.execute("CREATE OR REPLACE TEMP TABLE part AS FROM records_of_part()")


def _expect_understood(session: DuckDBPyConnection, tally: Tally) -> None:
    """Expect of `part` a row for each line, and all names and texts that the bytes hold, those of lineages included.

    Raises:
        _NotUnderstood: when something is missing or left over.
    """
    rows, refused, names, texts = session.execute(_count_of_read()).fetchall()[0]
    if (rows, refused) != (tally.lines, 0):
        raise _NotUnderstood(is_readable=False)
    run_sql(session, "reports/lineage_look.sql")
    lineage_names, lineage_texts, mistyped = run_sql(session, "reports/lineage_known.sql").fetchall()[0]
    is_all = not mistyped and (names + lineage_names, texts + lineage_texts) == (tally.names, tally.texts)
    if not is_all or session.execute(_look_for_lists()).fetchone() == (True,):
        raise _NotUnderstood(is_readable=True)


def _count_of_read() -> str:
    """The query for a part's rows, how many of them are refused, and its names and texts, its lineages aside."""
    names, texts = [], []
    for field in FIELDS.values():
        if isinstance(field, dict):
            says_anything = " OR ".join(f"({member.column}) IS NOT NULL" for member in field.values())
            names.append(f"count(*) FILTER ({says_anything})")
    for field in fields_by_path().values():
        names.append(f"count({field.column})")
        if field.kind == "VARCHAR":
            texts.append(f"count({field.column})")
        elif field.kind == "VARCHAR[]":
            texts.append(f"coalesce(sum(len({field.column})), 0)")
        elif field.kind == "JSON":
            known = f"len(list_intersect(json_keys({field.column}), {list(INFRASPECIFIC_NAMES)}))"
            names.append(f"coalesce(sum({known}), 0)")
            texts.append(f"coalesce(sum({known}), 0)")
    sums = f"({' + '.join(names)})::BIGINT, ({' + '.join(texts)})::BIGINT"
    return f"SELECT count(*), count(refusal), {sums} FROM part"


def _look_for_lists() -> str:
    """The query for whether a text of a part may be a list: one of a single text is as many names and texts as it."""
    texts = [f"({field.column})::VARCHAR" for field in fields_by_path().values() if field.kind == "VARCHAR"]
    begins = " OR ".join(f"({text} >= '[' AND {text} < '\\')" for text in texts)
    return f"SELECT EXISTS (FROM part WHERE {begins})"


def _has_mistyped_lines(session: DuckDBPyConnection, path: Path) -> bool:
    found = run_sql(session, "reports/has_mistyped_lines.sql", {"report_path": str(path)}).fetchone()
    return found == (True,)


def _set_bad_lines_apart(session: DuckDBPyConnection, path: Path, readable: Path) -> int:
    description = path.with_suffix(".lines.jsonl")
    lines = describe_lines(path, description)
    run_sql(session, "reports/refused_lines.sql", {"description_path": str(description)})
    description.unlink()
    unreadable = {number for (number,) in session.execute("SELECT line_number FROM refused_in_part").fetchall()}
    copy_lines(path, readable, without=unreadable)
    try:
        _read_part(session, readable)
    except _READER_STOPPED as error:
        raise ReportUnreadable(
            f"{path.name}: a line that looked readable stops DuckDB's reader. Nothing was loaded; the package is "
            f"kept in the archive. Please report it with this message: {error}"
        ) from error
    run_sql(session, "reports/refused_rows.sql")
    accounted = session.execute(
        "SELECT (SELECT count(*) FROM part) + (SELECT count(*) FROM refused_in_part)"
    ).fetchone()
    if accounted != (lines,):
        raise ReportUnreadable(f"{path.name}: of {lines} lines only {accounted} are accounted for")
    return lines


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


def _tell_what_is_expected(session: DuckDBPyConnection) -> None:
    """Set the variables that `line_macros.sql` reads."""
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
    variables = {
        "field_paths": [*kinds],
        "field_kinds": [*kinds.values()],
        "object_paths": [*names],
        "read_names": [*names.values()],
        "known_names": [[*given, *KNOWN_AND_NOT_KEPT.get(path, ())] for path, given in names.items()],
    }
    for variable, value in variables.items():
        session.execute(f"SET VARIABLE {variable} = ?", [value])
