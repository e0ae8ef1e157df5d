"""Writing the sequences of a selection as FASTA."""

import tempfile
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import IO, Protocol

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.failure import PermanentFailure, UsageError
from virus_warehouse.sequences.letters_file import LettersFile
from virus_warehouse.sequences.molecule import GENOME
from virus_warehouse.sql_file import read_sql, sql_name, sql_text

LINE = 70
"""Letters of a line, as in NCBI's own files."""

_AT_ONCE = 100
_LOST = -1
"""In place of an offset: of letters that the store no longer has."""
FOUND = "sequences/fasta_found.sql"
"""The SQL file that a selection is looked up by."""

_OF_THE_SEQUENCE = ("accession", "accession_version", "sequence_id", "header", "length")


class SelectionError(UsageError):
    """A query or header from which no FASTA can be written; says why, and what is allowed."""


class SequencesMissing(PermanentFailure):
    """The snapshot has no sequences; says why."""


class Letters(Protocol):
    """Where the letters are kept from reading, in the order of the store, to writing, in that of the query."""

    def append(self, letters: bytes, /) -> int:
        """Add a sequence; returns its offset."""

    def read(self, offsets: Sequence[int], lengths: Sequence[int], /) -> Iterator[bytes]:
        """The sequences at these offsets with these lengths."""


@dataclass(frozen=True)
class FastaWritten:
    """What was written.

    Attributes:
        written: the number of sequences.
        missing: the selected records without a sequence, each once, in the order of the query; `NULL` for rows without
            an accession.
    """

    written: int
    missing: list[str]


def write_fasta(
    snapshot: DuckDBPyConnection,
    query: str,
    to: IO[bytes],
    molecule: str = GENOME.name,
    *,
    header: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    letters: Letters | None = None,
) -> FastaWritten:
    """Write the sequences of the records that a query selects, in its order, in memory of constant size.

    A sequence that several sources have, or that is selected again under the same header, is written once.

    Args:
        snapshot: a published snapshot; gets temporary tables.
        query: a query with a column `accession_version`, or `accession` for the present version. If it has a column
            `header`, that is the header; a column `sequence_id` chooses one of a record's sequences.
        to: a binary file.
        molecule: genome, cds or protein.
        header: a template such as `{accession_version}|{country}`, of columns of the query, of `virus_genome`, and
            sequence_id and header of the sequence; by default NCBI's header.
        progress: called with the number of sequences written, and of all.
        letters: where the letters are kept until they are written; by default in a temporary file.

    Raises:
        SelectionError: when the query has none of these columns, or the template names an unknown one.
        SequencesMissing: when an earlier version published the snapshot.
    """
    if not has_sequences(snapshot):
        raise SequencesMissing("this snapshot was published by an earlier version, without sequences: publish again")
    selection = _selection(snapshot, query)
    columns = _columns_of(snapshot, selection)
    snapshot.execute(
        f"CREATE OR REPLACE TEMP TABLE fasta_selected AS SELECT row_number() OVER () AS row_number, "
        f"{_accession_version(columns)} AS accession_version, {_accession(columns)} AS accession, "
        f"{'given.sequence_id' if 'sequence_id' in columns else 'NULL::VARCHAR'} AS sequence_id, "
        f"{_kept(columns, header)} AS given FROM {selection} AS given"
    )
    # Not as parameters, here and below: DuckDB would import pandas and pyarrow, which the Console's sandbox cannot.
    snapshot.execute(f"SET VARIABLE molecule = {sql_text(molecule)}")
    snapshot.execute(read_sql(FOUND))
    _choose_records(snapshot, _header_expression(snapshot, columns, header))
    if letters is not None:
        return _write(snapshot, letters, to, progress)
    with _temporary_file() as file:
        return _write(snapshot, file, to, progress)


def _write(
    snapshot: DuckDBPyConnection, letters: Letters, to: IO[bytes], progress: Callable[[int, int], None] | None
) -> FastaWritten:
    offsets = _read_letters(snapshot, letters)
    written = _write_records(snapshot, letters, offsets, to, progress)
    return FastaWritten(written, _missing(snapshot, offsets))


@contextmanager
def _temporary_file() -> Iterator[LettersFile]:
    with (
        tempfile.TemporaryDirectory(prefix="virus-warehouse-fasta-") as folder,
        LettersFile(Path(folder, "letters")) as letters,
    ):
        yield letters


def has_sequences(snapshot: DuckDBPyConnection) -> bool:
    """Whether a snapshot was published by a version that stores sequences."""
    return snapshot.execute("FROM duckdb_views() WHERE view_name = 'sequence_store'").fetchone() is not None


def _selection(snapshot: DuckDBPyConnection, query: str) -> str:
    """The query as a part of other statements."""
    statements = snapshot.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise SelectionError("the query is not one SELECT, such as SELECT accession FROM virus_genome LIMIT 10")
    # In parentheses, a semicolon or comment at its end would be an error.
    return f"query({sql_text(query)})"


def _columns_of(snapshot: DuckDBPyConnection, selection: str) -> list[str]:
    columns = [name for name, *_ in snapshot.execute(f"DESCRIBE FROM {selection}").fetchall()]
    if not {"accession", "accession_version"} & set(columns):
        raise SelectionError(
            f"the query has no column accession or accession_version; it has {', '.join(columns)}. Name one, such as "
            "SELECT accession FROM virus_genome"
        )
    return columns


def _accession_version(columns: list[str]) -> str:
    given = "given.accession_version" if "accession_version" in columns else "given.accession"
    return f"CASE WHEN contains({given}, '.') THEN {given} END"


def _accession(columns: list[str]) -> str:
    given = "given.accession" if "accession" in columns else "given.accession_version"
    return f"split_part({given}, '.', 1)"


def _kept(columns: list[str], template: str | None) -> str:
    """The columns of the query that the header needs: others may be large, such as the sequence itself."""
    names = ["header"] if template is None else [name for _, name, *_ in _parsed(template) if name is not None]
    kept = [f"{sql_name(name)} := given.{sql_name(name)}" for name in dict.fromkeys(names) if name in columns]
    return f"struct_pack({', '.join(kept)})" if kept else "NULL"


def _parsed(template: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(Formatter().parse(template))
    except ValueError as error:
        raise SelectionError(f"the header {template!r} cannot be read: {error}") from error


def _header_expression(snapshot: DuckDBPyConnection, columns: list[str], template: str | None) -> str:
    if template is None:
        return "selected.given.header" if "header" in columns else "found.header"
    of_genome = [name for name, *_ in snapshot.execute("DESCRIBE main.virus_genome").fetchall()]
    parts = []
    for text, name, format_spec, conversion in _parsed(template):
        parts.append(sql_text(text))
        if name is None:
            continue
        if format_spec or conversion:
            raise SelectionError(f"the header {template!r} formats {name!r}; write plain {{{name}}}")
        parts.append(f"coalesce({_field(name, columns, of_genome, template)}::VARCHAR, '')")
    return f"concat({', '.join(parts)})" if parts else "''"


def _field(name: str, columns: list[str], of_genome: list[str], template: str) -> str:
    if name in columns:
        return f"selected.given.{sql_name(name)}"
    if name in _OF_THE_SEQUENCE:
        return f'found."{name}"'
    if name in of_genome:
        return f'genome."{name}"'
    known = ", ".join(dict.fromkeys((*columns, *_OF_THE_SEQUENCE, *of_genome)))
    raise SelectionError(f"the header {template!r} names {name!r}; allowed are {known}")


def _choose_records(snapshot: DuckDBPyConnection, header: str) -> None:
    written = rf"regexp_replace(trim({header}), '\s+', ' ', 'g')"
    snapshot.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE fasta_record AS
        SELECT
            row_number() OVER (ORDER BY found.row_number, found.begins_at, found.sequence_id) AS record_number,
            found.row_number, found.part, found.position, found.length,
            dense_rank() OVER (ORDER BY found.part, found.position) - 1 AS letters_number,
            {written} AS header
        FROM fasta_found AS found
        INNER JOIN fasta_selected AS selected USING (row_number)
        LEFT JOIN (
            SELECT DISTINCT ON (accession_version) * FROM main.virus_genome
        ) AS genome ON found.accession_version = genome.accession_version
        QUALIFY row_number() OVER (PARTITION BY found.sequence_id, {written} ORDER BY found.row_number) = 1
        """
    )


def _read_letters(snapshot: DuckDBPyConnection, letters: Letters) -> "array[int]":
    """Keep the letters of `fasta_record`, in the order of the store; returns their offsets, by `letters_number`."""
    ((count,),) = snapshot.execute("SELECT coalesce(max(letters_number) + 1, 0) FROM fasta_record").fetchall()
    offsets: array[int] = array("q", [_LOST]) * int(count)
    snapshot.execute(
        "SELECT letters_number, encode(sequence) FROM ops.sequence_store "
        "INNER JOIN (SELECT DISTINCT part, position, letters_number FROM fasta_record) USING (part, position)"
    )
    while some := snapshot.fetchmany(_AT_ONCE):
        for number, sequence in some:
            offsets[number] = letters.append(sequence)
    return offsets


def _write_records(
    snapshot: DuckDBPyConnection,
    letters: Letters,
    offsets: "array[int]",
    to: IO[bytes],
    progress: Callable[[int, int], None] | None,
) -> int:
    ((count,),) = snapshot.execute("SELECT count(*) FROM fasta_record").fetchall()
    snapshot.execute("SELECT header, letters_number, length FROM fasta_record ORDER BY record_number")
    written = 0
    while some := snapshot.fetchmany(_AT_ONCE):
        records = [(header, offsets[number], length) for header, number, length in some if offsets[number] != _LOST]
        sequences = letters.read([offset for _, offset, _ in records], [length for _, _, length in records])
        for (header, _, _), sequence in zip(records, sequences, strict=True):
            to.writelines(_entry(header, sequence))
        written += len(records)
        if progress is not None:
            progress(written, count)
    return written


def _entry(header: str, sequence: bytes) -> Iterator[bytes]:
    yield f">{header}\n".encode()
    yield b"\n".join([sequence[begin : begin + LINE] for begin in range(0, len(sequence), LINE)])
    yield b"\n"


def _missing(snapshot: DuckDBPyConnection, offsets: "array[int]") -> list[str]:
    lost = ", ".join(str(number) for number, offset in enumerate(offsets) if offset == _LOST)
    rows = snapshot.execute(
        f"""
        SELECT coalesce(accession_version, accession, 'NULL') AS name
        FROM fasta_selected
        WHERE row_number NOT IN (
            SELECT found.row_number
            FROM fasta_found AS found
            INNER JOIN fasta_record AS record USING (part, position)
            WHERE record.letters_number NOT IN (SELECT unnest([{lost}]::BIGINT[]))
        )
        GROUP BY name
        ORDER BY min(row_number)
        """
    ).fetchall()
    return [name for (name,) in rows]
