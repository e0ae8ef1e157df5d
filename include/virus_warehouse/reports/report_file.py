"""A report file outside its package: unpacked, tallied from the bytes, its unreadable lines separated."""

import hashlib
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO

import numpy as np
from duckdb import DuckDBPyConnection

from virus_warehouse.reports.shape import TEXT_COUNTS
from virus_warehouse.sql_file import sql_text

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_LINE = 16 << 20
"""Maximum size of a line; DuckDB's reader, with the same limit, stops somewhat above it."""

MOST_OPENINGS = 1_000_000
"""Maximum number of lists and objects in a line: parsed, each takes many times its size."""

_LONGEST_RAW = 1 << 20
_CHUNK_BYTES = 128 << 10
"""Small enough for a processor's cache."""

_LONGEST_CUT = 64
"""How many quotes and escapes a chunk may be extended by, so that none is split."""

_CONTROL = re.compile(rb"[\x01-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True)
class Tally:
    """The contents of a report, counted from its bytes, independently of a parser.

    For JSON as NCBI writes it, `names` and `texts` are exact, except that texts beginning with a colon count as names.
    That only causes a needless closer look, and never an oversight, because `names` is never too small.

    Attributes:
        newlines: line ends.
        names: names of members in all JSON objects, at any depth.
        quotes: quotes that begin or end a name or a text.
        last: the last byte.
        has_separators: whether a text may contain the unit separator, U+001F, which JSON has to escape.
    """

    newlines: int = 0
    names: int = 0
    quotes: int = 0
    last: bytes = b"\n"
    has_separators: bool = False

    @classmethod
    def of(cls, chunk: bytes) -> "Tally":
        """The tally of a chunk from `whole_chunk`, or of one that ends with a line."""
        # A name may be split between chunks.
        cut_names = int(chunk.endswith((b'"', b"\\")))
        last, has_separators = chunk[-1:], False
        if b"\\" in chunk:
            # An escape split into two pieces is still found by its end.
            has_separators = b"001f" in chunk or b"001F" in chunk
            chunk = chunk.replace(b"\\\\", b"").replace(b'\\"', b"")
        content = np.frombuffer(chunk, np.uint8)
        is_quote = content == ord('"')
        names = _count(is_quote[:-1] & (content[1:] == ord(":")))
        return cls(_count(content == ord("\n")), cut_names + names, _count(is_quote), last, has_separators)

    def __add__(self, following: "Tally") -> "Tally":
        return Tally(
            self.newlines + following.newlines,
            self.names + following.names,
            self.quotes + following.quotes,
            following.last or self.last,
            self.has_separators or following.has_separators,
        )

    @property
    def lines(self) -> int:
        """The number of lines, including blank ones and a last one without a newline."""
        return self.newlines + (self.last != b"\n")

    @property
    def texts(self) -> int:
        """JSON strings that are values, in lists too."""
        return self.quotes // 2 - self.names

    @property
    def names_and_texts(self) -> int:
        """Both as one number, comparable with what was read: a text counts `TEXT_COUNTS`."""
        return self.names + self.texts * TEXT_COUNTS


def _count(which: np.ndarray) -> int:
    return int(np.count_nonzero(which))


def unpack(member: IO[bytes], path: Path) -> Tally:
    """Write a package member to `path`, and tally its contents."""
    tally = Tally()
    with path.open("wb") as file:
        while chunk := whole_chunk(member):
            file.write(chunk)
            tally += Tally.of(chunk)
    return tally


def whole_chunk(member: IO[bytes]) -> bytes:
    """The next bytes, to the end of a line.

    Within a line longer than a chunk, they end where no quote, escape or name is split, unless there are too many in a
    row.
    """
    chunk = member.read(_CHUNK_BYTES)
    if chunk and not chunk.endswith(b"\n"):
        chunk += member.readline(_CHUNK_BYTES)
    for _ in range(_LONGEST_CUT):
        if not chunk.endswith((b'"', b"\\")):
            break
        chunk += member.read(1)
    return chunk


@dataclass(frozen=True)
class Line:
    """A line of a report, without line end and byte order mark.

    Attributes:
        number: from 1; blank lines count.
        content: its bytes; of a line longer than `LONGEST_LINE`, its first MiB.
        length: in bytes.
        sha256: of the whole line, in hex.
    """

    number: int
    content: bytes
    length: int
    sha256: str


def numbered_lines(path: Path) -> Iterator[Line]:
    """The non-blank lines of a file, in constant memory."""
    with path.open("rb") as file:
        if file.read(len(BYTE_ORDER_MARK)) != BYTE_ORDER_MARK:
            file.seek(0)
        for number in count(1):
            content = file.readline(LONGEST_LINE + len(b"\r\n"))
            if not content:
                return
            is_whole = content.endswith(b"\n") or len(content) < LONGEST_LINE
            content = content.rstrip(b"\r\n") if is_whole else content
            if not is_whole or len(content) > LONGEST_LINE:
                yield _long_line(file, number, content, is_whole=is_whole)
            elif content.strip():
                yield Line(number, content, len(content), hashlib.sha256(content).hexdigest())


def _long_line(file: IO[bytes], number: int, start: bytes, *, is_whole: bool) -> Line:
    """A line of which only the beginning has been read; the rest may be arbitrarily long."""
    sha256, length = hashlib.sha256(start), len(start)
    while not is_whole and (piece := file.readline(_CHUNK_BYTES)):
        is_whole = piece.endswith(b"\n")
        piece = piece.rstrip(b"\r\n") if is_whole else piece
        sha256.update(piece)
        length += len(piece)
    return Line(number, start[:_LONGEST_RAW], length, sha256.hexdigest())


def describe_lines(
    path: Path,
    description: Path,
    numbers: Sequence[int] | None = None,
    fold: Callable[[bytes], bytes] = bytes,
) -> int:
    """Write each line of a report as a JSON object that any reader can read, whatever the line contains.

    Args:
        path: the report, or some lines of one.
        description: the file to write.
        numbers: of those lines in the report; by default they are the whole report.
        fold: replacement for a line that is to be checked.

    An object has `line_number`, `raw` (the line, with bytes that are not UTF-8 as ``\\xNN``; of a refused one the first
    MiB), `raw_sha256`, `refusal` (why the bytes are not text, if so) and `folded` (where it differs from the line).

    Returns:
        The number of lines described; blank lines are left out.
    """
    lines = 0
    with description.open("w", encoding="ascii") as file:
        for line in numbered_lines(path):
            refusal = _refuse_bytes(line)
            # Escaping may make a refused line many times as long, too long for a reader.
            kept = line.content[:_LONGEST_RAW] if refusal else line.content
            entry = {
                "line_number": line.number if numbers is None else numbers[line.number - 1],
                "raw": kept.decode("utf-8", "backslashreplace"),
                "raw_sha256": line.sha256,
            }
            if refusal:
                entry["refusal"] = refusal
                entry["raw"] = str(entry["raw"]).replace("\0", "\\x00")
            elif (folded := fold(line.content)) != line.content:
                entry["folded"] = folded.decode()
            file.write(json.dumps(entry))
            file.write("\n")
            lines += 1
    return lines


def copy_lines(path: Path, copy: Path, lines: int, *, without: Collection[int]) -> None:
    """Copy this many lines of a report, with `{}` in place of blank ones and of those in `without`."""
    copied = 0
    with copy.open("wb") as file:
        for line in numbered_lines(path):
            file.write(b"{}\n" * (line.number - copied - 1))
            file.write(b"{}" if line.number in without else line.content)
            file.write(b"\n")
            copied = line.number
        file.write(b"{}\n" * (lines - copied))


def write_lines(session: DuckDBPyConnection, query: str, path: Path) -> None:
    """Write the texts of a query, one per line, without delimiters, quotes or escapes."""
    as_they_are = "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x01'"
    session.execute(f"COPY ({query}) TO {sql_text(path)} ({as_they_are})")


def _refuse_bytes(line: Line) -> str | None:
    if line.length > LONGEST_LINE:
        return f"longer than {LONGEST_LINE >> 20} MiB: {line.length} bytes, of which raw holds the first MiB"
    if b"\0" in line.content:
        return "holds a NUL byte"
    if line.content.count(b"[") + line.content.count(b"{") > MOST_OPENINGS:
        return f"opens more than {MOST_OPENINGS} lists and objects"
    if control := _CONTROL.search(line.content):
        return f"holds a control character at byte {control.start()}"
    try:
        line.content.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start}"
    return None
