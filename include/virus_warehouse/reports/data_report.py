"""The data report, one line a nucleotide record: what is read from it, and how it becomes staged rows.

Field names and types: NCBI's data report schema for virus packages,
https://www.ncbi.nlm.nih.gov/datasets/docs/v2/reference-docs/data-reports/virus/
"""

from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.reports.report_file import copy_lines, describe_lines
from virus_warehouse.sql_file import run_sql

NAME = "data_report"
FILE_NAME = "data_report.jsonl"

_ORGANISM = {
    "taxId": "BIGINT",
    "organismName": "VARCHAR",
    "commonName": "VARCHAR",
    "strain": "VARCHAR",
    "infraspecificNames": "JSON",
    "pangolinClassification": "VARCHAR",
}

FIELDS: dict[str, str | dict[str, str]] = {
    "accession": "VARCHAR",
    "bioprojects": "VARCHAR[]",
    "biosample": "VARCHAR",
    "completeness": "VARCHAR",
    "geneCount": "BIGINT",
    "host": _ORGANISM,
    "isAnnotated": "BOOLEAN",
    "isLabHost": "BOOLEAN",
    "isVaccineStrain": "BOOLEAN",
    "isolate": {"name": "VARCHAR", "source": "VARCHAR", "collectionDate": "VARCHAR"},
    "labHost": "VARCHAR",
    "length": "BIGINT",
    "location": {"geographicLocation": "VARCHAR", "geographicRegion": "VARCHAR", "usaState": "VARCHAR"},
    "maturePeptideCount": "BIGINT",
    "molType": "VARCHAR",
    "nucleotide": {"sequenceHash": "VARCHAR"},
    "proteinCount": "BIGINT",
    "purposeOfSampling": "VARCHAR",
    "releaseDate": "VARCHAR",
    "segment": "VARCHAR",
    "sourceDatabase": "VARCHAR",
    "sraAccessions": "VARCHAR[]",
    "submitter": {"names": "VARCHAR[]", "affiliation": "VARCHAR", "country": "VARCHAR"},
    "updateDate": "VARCHAR",
    "virus": _ORGANISM,
}
"""The fields read, with their DuckDB types. Lineages are read apart, into the taxonomy."""

_READ_APART = ("lineage",)


class ReportUnreadable(RuntimeError):
    """A report whose good lines could not be told from its bad ones; nothing of it was loaded."""


def stage(session: DuckDBPyConnection, path: Path, lines: int) -> int:
    """Read an unpacked data report into the temporary tables `data_report`, `refused_line` and the taxonomy's.

    A report that is wholly readable is read in one strict pass. Only when that stops, or does not account for
    every line, is each line judged by itself, the bad ones set apart with their reasons and the rest read.

    Args:
        session: where the tables are made.
        path: the unpacked report; files beside it may be written.
        lines: its lines, as counted from the bytes.

    Returns:
        The number of non-blank lines, each now either a row of `data_report` or of `refused_line`.

    Raises:
        ReportUnreadable: when lines remain that are neither.
    """
    session.execute(
        "CREATE OR REPLACE TEMP TABLE refused_line "
        "(line_number BIGINT, reason VARCHAR, raw VARCHAR, raw_sha256 VARCHAR)"
    )
    if not _read_strictly(session, path, lines):
        lines = _set_bad_lines_apart(session, path)
    return lines


def _read_strictly(session: DuckDBPyConnection, path: Path, lines: int) -> bool:
    try:
        _read(session, path)
    except duckdb.InvalidInputException:
        return False
    staged, refused = session.execute("SELECT count(*), count(refusal) FROM data_report").fetchall()[0]
    return (staged, refused) == (lines, 0)


def _read(session: DuckDBPyConnection, path: Path) -> None:
    variables = {"report_path": str(path), "report_columns": _duckdb_columns()}
    run_sql(session, "reports/data_report.sql", variables)
    run_sql(session, "reports/taxonomy.sql")


def _set_bad_lines_apart(session: DuckDBPyConnection, path: Path) -> int:
    description, readable = path.with_suffix(".lines.jsonl"), path.with_suffix(".readable.jsonl")
    lines = describe_lines(path, description)
    session.execute(
        "CREATE OR REPLACE TEMP TABLE expected_field AS SELECT unnest(?) AS path, unnest(?) AS kind",
        [*zip(*_expected_kinds(), strict=True)],
    )
    session.execute(
        "CREATE OR REPLACE TEMP TABLE expected_object AS SELECT unnest(?) AS path, unnest(?) AS names",
        [*zip(*_expected_names(), strict=True)],
    )
    run_sql(session, "reports/refused_lines.sql", {"description_path": str(description)})
    unreadable = {number for (number,) in session.execute("SELECT line_number FROM refused_line").fetchall()}
    copy_lines(path, readable, without=unreadable)
    try:
        _read(session, readable)
    except duckdb.InvalidInputException as error:
        raise ReportUnreadable(
            f"{path.name}: a line that looked readable stops DuckDB's reader. Nothing was loaded; the package is "
            f"kept in the archive. Please report it with this message: {error}"
        ) from error
    run_sql(session, "reports/refused_rows.sql")
    accounted = session.execute(
        "SELECT (SELECT count(*) FROM data_report) + (SELECT count(*) FROM refused_line)"
    ).fetchone()
    if accounted != (lines,):
        raise ReportUnreadable(f"{path.name}: of {lines} lines only {accounted} are accounted for")
    return lines


def _duckdb_columns() -> dict[str, str]:
    return {
        name: kind if isinstance(kind, str) else f"STRUCT({', '.join(f'{key} {kind[key]}' for key in kind)})"
        for name, kind in FIELDS.items()
    }


def _expected_names() -> list[tuple[str, list[str]]]:
    """JSON path of every object that is read, with the names read from it: a strict read refuses one given twice."""
    nested = [(f"$.{name}", [*kind, *_READ_APART]) for name, kind in FIELDS.items() if not isinstance(kind, str)]
    return [("$", [*FIELDS]), *nested]


def _expected_kinds() -> list[tuple[str, str]]:
    """JSON path and expected kind of every field that a strict read can refuse: text takes any value."""
    expected = []
    for name, kind in FIELDS.items():
        nested = {} if isinstance(kind, str) else kind
        own = kind if isinstance(kind, str) else "OBJECT"
        expected.append((f"$.{name}", own))
        expected.extend((f"$.{name}.{key}", nested[key]) for key in nested)
    return [
        (path, "ARRAY" if kind.endswith("[]") else kind) for path, kind in expected if kind not in ("VARCHAR", "JSON")
    ]
