"""FASTA files are read whole, in little memory, and what cannot be used is reported, entry by entry."""

import io
import random
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from virus_warehouse.sequences import fasta
from virus_warehouse.sequences.fasta import LONGEST_ENTRY, NO_HEADER, NO_LETTERS, TOO_LONG, FastaEntry, read_fasta
from virus_warehouse.sequences.molecule import GENOME, PROTEIN, Molecule


def read(text: bytes, molecule: Molecule = GENOME) -> list[FastaEntry]:
    return list(read_fasta(io.BytesIO(text), molecule))


def test_headers_and_letters_are_kept_and_line_ends_are_not() -> None:
    assert read(b">A.1 one\nACGT\nAC\n>B.1\r\nNN\r\nA\r\n>C.1 without a line end\nT") == [
        FastaEntry("A.1 one", b"ACGTAC", 0),
        FastaEntry("B.1", b"NNA", 2),
        FastaEntry("C.1 without a line end", b"T", 0),
    ]


@pytest.mark.parametrize("text", [b"", b"\n", b"\r\n \n"])
def test_file_without_entries_is_empty(text: bytes) -> None:
    assert read(text) == []


@pytest.mark.parametrize(
    ("text", "header", "fault"),
    [
        (b"ACGT\n>A.1\nA\n", "", NO_HEADER),
        (b">\nACGT\n>A.1\nA\n", "", NO_HEADER),
        (b">B.1\n\n>A.1\nA\n", "B.1", NO_LETTERS),
        (b">B.1\nAC\0GT\n>A.1\nA\n", "B.1", "letters of no sequence: '\\x00'"),
        (b">B.1\nAC GT\n>A.1\nA\n", "B.1", "letters of no sequence: ' '"),
        (b">B.1\nACEGT\n>A.1\nA\n", "B.1", "letters of no sequence: 'E'"),
        (b">B.1\nAC>GT\n>A.1\nA\n", "B.1", "letters of no sequence: '>'"),
        (b"\xff\xfe\n>A.1\nA\n", "", NO_HEADER),
    ],
)
def test_hostile_entry_is_reported_and_the_next_one_is_read(text: bytes, header: str, fault: str) -> None:
    hostile, good = read(text)
    assert (hostile.header, hostile.fault) == (header, fault)
    assert good == FastaEntry("A.1", b"A", 0)


def test_header_of_other_bytes_is_readable() -> None:
    (entry,) = read(b">A.1 M\xfcller > Co\nA\n")
    assert entry == FastaEntry("A.1 M\\xfcller > Co", b"A", 0)


def test_proteins_have_their_own_letters() -> None:
    (entry,) = read(b">P.1:1-6\nMEX*-J\n", PROTEIN)
    assert entry == FastaEntry("P.1:1-6", b"MEX*-J", 3)


@pytest.mark.parametrize("lines", ["one line", "many lines"])
def test_endless_entry_takes_little_memory(lines: str) -> None:
    piece = (b"A" * 69 + (b"\n" if lines == "many lines" else b"A")) * (1 << 14)

    class Endless(io.RawIOBase):
        left = 6 * LONGEST_ENTRY // len(piece)

        def read(self, size: int = -1) -> bytes:
            self.left -= 1
            return b">B.1 endless\n" if self.left == 400 else piece if self.left > 0 else b""

    stream = Endless()
    tracemalloc.start()
    try:
        endless = [entry for entry in read_fasta(stream, GENOME) if entry.fault]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert {entry.fault for entry in endless} <= {TOO_LONG, NO_HEADER}
    assert peak < 3 * LONGEST_ENTRY


def test_entry_after_an_endless_one_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fasta, "LONGEST_ENTRY", 1000)
    monkeypatch.setattr(fasta, "_READ_AT_ONCE", 300)
    first, *others = read(b">A.1 long\n" + b"ACGT" * 1000 + b"\n>B.1\nAC\n>C.1\nG\n")
    assert (first.header, first.fault) == ("A.1 long", fasta.TOO_LONG)
    assert others == [FastaEntry("B.1", b"AC", 0), FastaEntry("C.1", b"G", 0)]


entries = st.lists(
    st.tuples(
        st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=30).map(lambda text: f"A {text}"),
        st.text("ACGTN", min_size=1, max_size=300),
        st.integers(1, 80),
    ),
    max_size=8,
)


@given(entries, st.integers(1, 64))
def test_what_was_written_is_read_however_it_is_cut(written: list[tuple[str, str, int]], at_once: int) -> None:
    text = "".join(
        f">{header}\n" + "\n".join(letters[cut : cut + width] for cut in range(0, len(letters), width)) + "\n"
        for header, letters, width in written
    ).encode()

    class Pieces(io.BytesIO):
        def read(self, _: int | None = -1) -> bytes:
            return super().read(at_once)

    found = list(read_fasta(Pieces(text), GENOME))
    assert [(entry.header, entry.letters.decode()) for entry in found] == [
        (header.strip(), letters) for header, letters, _ in written
    ]
    assert [entry.ambiguous for entry in found] == [letters.count("N") for _, letters, _ in written]


def test_random_bytes_never_stop_the_reader() -> None:
    chosen = random.Random(1)
    for _ in range(300):
        text = bytes(chosen.choice(b">>\n\n\r\0AC\xff ") for _ in range(chosen.randrange(200)))
        found = read(text)
        marks = sum(before == ord("\n") and mark == ord(">") for before, mark in pairwise(b"\n" + text))
        leading = (b"\n" + text).split(b"\n>")[0].strip()
        assert len(found) == marks + bool(leading)
