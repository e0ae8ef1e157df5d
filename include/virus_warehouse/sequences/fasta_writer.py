"""Writing the sequences of a selection as FASTA."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import IO

import duckdb
import pyarrow as pa
from duckdb import DuckDBPyConnection

from virus_warehouse.failure import UsageError
from virus_warehouse.sequences.letters_file import LettersFile
from virus_warehouse.sequences.molecule import GENOME
from virus_warehouse.sql_file import run_sql, sql_text

LINE = 70
"""Letters of a line, as in NCBI's own files."""

_WRITTEN_AT_ONCE = 1000
_OF_THE_SEQUENCE = ("accession", "accession_version", "sequence_id", "header", "length")


class SelectionError(UsageError):
    """A query or header from which no FASTA can be written; says why, and what is allowed."""


@dataclass(frozen=True)
class FastaWritten:
    """What was written.

    Attributes:
        written: the number of sequences.
        missing: the selected records without a sequence, each once, in the order of the query.
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

    Raises:
        SelectionError: when the query has none of these columns, or the template names an unknown one.
    """
    columns = _columns_of(snapshot, query)
    snapshot.execute(
        f"CREATE OR REPLACE TEMP TABLE fasta_selected AS SELECT row_number() OVER () AS row_number, "
        f"{_accession_version(columns)} AS accession_version, {_accession(columns)} AS accession, "
        f"{'given.sequence_id' if 'sequence_id' in columns else 'NULL::VARCHAR'} AS sequence_id, given "
        f"FROM (FROM ({query})) AS given"
    )
    run_sql(snapshot, "sequences/fasta_found.sql", {"molecule": molecule})
    _choose_records(snapshot, _header_expression(snapshot, columns, header))
    with (
        tempfile.TemporaryDirectory(prefix="virus-warehouse-fasta-") as folder,
        LettersFile(Path(folder, "letters")) as letters,
    ):
        _read_letters(snapshot, letters)
        written = _write_records(snapshot, letters, to, progress)
    return FastaWritten(written, _missing(snapshot))


def _columns_of(snapshot: DuckDBPyConnection, query: str) -> list[str]:
    statements = snapshot.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise SelectionError("the query is not one SELECT, such as SELECT accession FROM virus_genome LIMIT 10")
    columns = [name for name, *_ in snapshot.execute(f"DESCRIBE FROM ({query})").fetchall()]
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


def _header_expression(snapshot: DuckDBPyConnection, columns: list[str], template: str | None) -> str:
    if template is None:
        return "selected.given.header" if "header" in columns else "found.header"
    of_genome = [name for name, *_ in snapshot.execute("DESCRIBE main.virus_genome").fetchall()]
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as error:
        raise SelectionError(f"the header {template!r} cannot be read: {error}") from error
    parts = []
    for text, name, format_spec, conversion in parsed:
        parts.append(sql_text(text))
        if name is None:
            continue
        if format_spec or conversion:
            raise SelectionError(f"the header {template!r} formats {name!r}; write plain {{{name}}}")
        parts.append(f"coalesce({_field(name, columns, of_genome, template)}::VARCHAR, '')")
    return f"concat({', '.join(parts)})" if parts else "''"


def _field(name: str, columns: list[str], of_genome: list[str], template: str) -> str:
    if name in columns:
        return f'selected.given."{name}"'
    if name in _OF_THE_SEQUENCE:
        return f'found."{name}"'
    if name in of_genome:
        return f'genome."{name}"'
    known = ", ".join(dict.fromkeys((*columns, *_OF_THE_SEQUENCE, *of_genome)))
    raise SelectionError(f"the header {template!r} names {name!r}; allowed are {known}")


def _choose_records(snapshot: DuckDBPyConnection, header: str) -> None:
    snapshot.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE fasta_record AS
        SELECT
            row_number() OVER (ORDER BY found.row_number, found.begins_at, found.sequence_id) AS record_number,
            found.row_number, found.part, found.position, found.length,
            regexp_replace(trim({header}), '\\s+', ' ', 'g') AS header
        FROM fasta_found AS found
        INNER JOIN fasta_selected AS selected USING (row_number)
        LEFT JOIN (
            SELECT DISTINCT ON (accession_version) * FROM main.virus_genome
        ) AS genome ON found.accession_version = genome.accession_version
        QUALIFY row_number() OVER (PARTITION BY found.sequence_id, header ORDER BY found.row_number) = 1
        """
    )


def _read_letters(snapshot: DuckDBPyConnection, letters: LettersFile) -> None:
    """Copy the letters of `fasta_record` to a file, in the order of the store -> fasta_letters."""
    parts: list[str] = []
    positions: list[int] = []
    offsets: list[int] = []
    read = snapshot.execute(
        "SELECT part, position, encode(sequence) AS sequence FROM ops.sequence_store "
        "SEMI JOIN fasta_record USING (part, position)"
    ).to_arrow_reader(_WRITTEN_AT_ONCE)
    for batch in read:
        parts += batch["part"].to_pylist()
        positions += batch["position"].to_pylist()
        offsets += [letters.append(sequence.as_buffer()) for sequence in batch["sequence"]]
    found = pa.table(  # noqa: F841 (DuckDB reads it by its name)
        {
            "part": pa.array(parts, pa.string()),
            "position": pa.array(positions, pa.int64()),
            "letters_offset": pa.array(offsets, pa.int64()),
        }
    )
    snapshot.execute("CREATE OR REPLACE TEMP TABLE fasta_letters AS FROM found")


def _write_records(
    snapshot: DuckDBPyConnection, letters: LettersFile, to: IO[bytes], progress: Callable[[int, int], None] | None
) -> int:
    records = snapshot.execute(
        "SELECT header, letters_offset, length FROM fasta_record "
        "INNER JOIN fasta_letters USING (part, position) ORDER BY record_number"
    ).fetchall()
    written = 0
    for begin in range(0, len(records), _WRITTEN_AT_ONCE):
        headers, offsets, lengths = zip(*records[begin : begin + _WRITTEN_AT_ONCE], strict=True)
        for header, sequence in zip(headers, letters.read(offsets, lengths), strict=True):
            to.writelines(_entry(header, sequence))
        written += len(headers)
        if progress is not None:
            progress(written, len(records))
    return written


def _entry(header: str, sequence: bytes) -> Iterator[bytes]:
    yield f">{header}\n".encode()
    yield b"\n".join([sequence[begin : begin + LINE] for begin in range(0, len(sequence), LINE)])
    yield b"\n"


def _missing(snapshot: DuckDBPyConnection) -> list[str]:
    rows = snapshot.execute(
        """
        SELECT coalesce(accession_version, accession) AS name
        FROM fasta_selected
        WHERE row_number NOT IN (
            SELECT found.row_number FROM fasta_found AS found SEMI JOIN fasta_letters USING (part, position)
        )
        GROUP BY name
        ORDER BY min(row_number)
        """
    ).fetchall()
    return [name for (name,) in rows]
