"""Reading a FASTA file as a stream.

NCBI's files are untrusted input: an entry that cannot be used is reported as such, and the others are read all the
same. At most one entry is in memory. No FASTA library does that: those that stream read a line of any length, and stop
at the first error.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from virus_warehouse.sequences.molecule import Molecule

LONGEST_ENTRY = 32 << 20
"""Most bytes of an entry. The longest genome of a virus has 2.5 million bases (Pandoravirus salinus, NC_022098.1)."""

LONGEST_HEADER = 10_000
"""Characters of a header that are kept."""

NO_HEADER = "no header"
TOO_LONG = f"longer than {LONGEST_ENTRY} bytes"
NO_LETTERS = "no letters"
OTHER_LETTERS = "letters of no sequence"

_READ_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class FastaEntry:
    """An entry of a FASTA file.

    Attributes:
        header: its first line without the `>`; empty if there is none.
        letters: the sequence, without line ends.
        ambiguous: how many of the letters are ambiguous.
        fault: why the entry cannot be used; None for a usable one.
    """

    header: str
    letters: bytes
    ambiguous: int
    fault: str | None = None


class Readable(Protocol):
    """What can be read in pieces."""

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes; none at the end."""


def read_fasta(stream: Readable, molecule: Molecule) -> Iterator[FastaEntry]:
    """The entries of a FASTA file, in order.

    Args:
        stream: the file.
        molecule: what its sequences are.
    """
    for number, (text, is_whole) in enumerate(_split(stream)):
        first_line, _, sequence = text.partition(b"\n")
        header = "" if number == 0 else first_line[:LONGEST_HEADER].decode("utf-8", "backslashreplace").strip()
        if not is_whole:
            yield FastaEntry(header, b"", 0, TOO_LONG)
        elif header:
            yield _entry(header, _without_line_ends(sequence), molecule)
        elif number or text.strip():
            yield FastaEntry("", b"", 0, NO_HEADER)


def _without_line_ends(text: bytes) -> bytes:
    letters = text.replace(b"\n", b"")
    return letters.replace(b"\r", b"") if b"\r" in letters else letters


def _entry(header: str, letters: bytes, molecule: Molecule) -> FastaEntry:
    ambiguous = letters.translate(None, molecule.letters)
    other = ambiguous.translate(None, molecule.ambiguous_letters)
    fault = f"{OTHER_LETTERS}: {other[:1].decode('latin-1')!a}" if other else None if letters else NO_LETTERS
    return FastaEntry(header, letters, len(ambiguous), fault)


def _split(stream: Readable) -> Iterator[tuple[bytes, bool]]:
    """What is before the first `>` of a line, then the text after each, and whether it is whole.

    The rest of a text that is too long is skipped.
    """
    held, size, last, is_skipping = [b"\n"], 0, b"\n", False
    while chunk := stream.read(_READ_AT_ONCE):
        # By ">" alone, which is rare: a search for both bytes stops at each line end, and takes twice as long.
        first, *others = chunk.split(b">")
        held.append(first)
        size += len(first)
        last = first[-1:] or last
        for piece in others:
            if last == b"\n":
                if not is_skipping:
                    yield b"".join(held), True
                held, size, is_skipping = [piece], len(piece), False
            else:
                held += [b">", piece]
                size += 1 + len(piece)
            last = piece[-1:] or b">"
        if size > LONGEST_ENTRY:
            if not is_skipping:
                yield b"".join(held), False
            held, size, is_skipping = [], 0, True
    if not is_skipping:
        yield b"".join(held), True
