"""Staging a package's FASTA files: their entries in a table of a run's session, their letters in a temporary file."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, repeat
from pathlib import Path
from typing import IO

from duckdb import DuckDBPyConnection

from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.sequences.fasta import FastaEntry, read_fasta
from virus_warehouse.sequences.letters_file import LettersFile
from virus_warehouse.sequences.molecule import Molecule
from virus_warehouse.sequences.one_ahead import one_ahead
from virus_warehouse.sql_file import run_sql

_COLUMNS = ("header", "length", "ambiguous", "sha256", "letters_offset", "fault", "molecule", "entry_number")
"""Of `fasta_entry`."""

_INSERTED_AT_ONCE = 10_000
_DIGESTED_AT_ONCE = 1 << 20
"""Letters of the entries that are hashed and written together."""


@dataclass(frozen=True)
class StagedSequences:
    """The sequences of a package.

    Attributes:
        records: for each molecule that was requested, the number of entries, counted from the bytes. The entries are in
            the temporary table `fasta_entry`.
        letters: the letters of the entries.
    """

    records: Mapping[Molecule, int]
    letters: LettersFile


@contextmanager
def stage_sequences(
    session: DuckDBPyConnection, package: DataPackage | None, molecules: Sequence[Molecule], temporary: Path
) -> Iterator[StagedSequences]:
    """Read the FASTA files of a package.

    Args:
        session: the run's private session.
        package: a verified package; None when no record matches.
        molecules: the molecules that were requested.
        temporary: the run's temporary folder.
    """
    run_sql(session, "sequences/fasta_entry.sql")
    run_sql(session, "sequences/letters_written.sql")
    with LettersFile(temporary / "sequence_letters") as letters:
        records = dict.fromkeys(molecules, 0)
        for molecule in molecules:
            if package is not None and package.has_file(molecule.file_name):
                with package.open_file(molecule.file_name) as member:
                    records[molecule] = _stage_file(session, member, molecule, letters)
        yield StagedSequences(records, letters)


def _stage_file(session: DuckDBPyConnection, member: IO[bytes], molecule: Molecule, letters: LettersFile) -> int:
    """Stage one file; returns the number of its entries."""
    import pyarrow as pa  # not for runs without sequences: it takes memory, and as long as the rest of the start

    with ThreadPoolExecutor(1, "inflate") as inflating, ThreadPoolExecutor(1, "digest") as digesting:
        stream = _CountedStream(member, inflating)
        some_entries = _batched(read_fasta(stream, molecule))
        described = chain.from_iterable(one_ahead(digesting, partial(_describe, letters), some_entries))
        rows = ((*row, molecule.name, number) for number, row in enumerate(described, 1))
        while some := list(islice(rows, _INSERTED_AT_ONCE)):
            rows_read = pa.table(dict(zip(_COLUMNS, map(list, zip(*some, strict=True)), strict=True)))
            session.execute("INSERT INTO fasta_entry BY NAME FROM rows_read")
            del rows_read
        return stream.records


def _batched(entries: Iterator[FastaEntry]) -> Iterator[list[FastaEntry]]:
    some, size = [], 0
    for entry in entries:
        some.append(entry)
        size += len(entry.letters)
        if size >= _DIGESTED_AT_ONCE or len(some) >= _INSERTED_AT_ONCE:
            yield some
            some, size = [], 0
    yield some


def _describe(letters: LettersFile, entries: list[FastaEntry]) -> list[tuple[object, ...]]:
    """Write the letters of some entries; returns a row without the last two columns for each."""
    return [
        (
            entry.header,
            len(entry.letters),
            entry.ambiguous,
            hashlib.sha256(entry.letters).digest(),
            letters.append(entry.letters) if entry.fault is None else None,
            entry.fault,
        )
        for entry in entries
    ]


class _CountedStream:
    """A FASTA file whose next bytes are read in another thread, and whose entries are counted.

    Attributes:
        records: the number of entries read so far, and of texts before the first one.
    """

    def __init__(self, member: IO[bytes], executor: Executor) -> None:
        self._pieces = one_ahead(executor, member.read, repeat(1 << 20))
        self._last, self._is_blank, self.records = b"\n", True, 0

    def read(self, _: int) -> bytes:
        piece = next(self._pieces)
        text = self._last + piece
        if self._is_blank and piece.strip():
            self._is_blank = False
            self.records += bool(text.partition(b"\n>")[0].strip())
        mark = text.find(b">", 1)
        while mark > 0:
            self.records += text[mark - 1 : mark] == b"\n"
            mark = text.find(b">", mark + 1)
        self._last = text[-1:]
        return piece
