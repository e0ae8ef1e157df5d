"""A report file outside its package: unpacked, its lines counted from the bytes, its unreadable lines set apart."""

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_LINE = 16 << 20
"""Bytes of a line beyond which it is refused; DuckDB's reader, told so, stops at some length above."""

_LONGEST_RAW = 1 << 20
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Tally:
    """What a report holds, counted from its bytes and not by what a parser made of them.

    Attributes:
        lines: lines; a last one without a newline counts, blank ones do too.
        names: names of members in all its JSON objects, at any depth.
        texts: JSON strings that are values, in lists too. In JSON as NCBI writes it, both counts are exact but for
            texts that begin with a colon, which count as names: a reason for a closer look, never for an oversight,
            because nothing makes `names` too small.
    """

    lines: int
    names: int
    texts: int


def unpack(member: IO[bytes], path: Path) -> Tally:
    """Write a package member to `path`, and count what it holds on the way."""
    lines, names, quotes, last = 0, 0, 0, b"\n"
    with path.open("wb") as file:
        while chunk := _whole_chunk(member):
            file.write(chunk)
            last = chunk[-1:]
            lines += chunk.count(b"\n")
            if b"\\" in chunk:
                chunk = chunk.replace(b"\\\\", b"").replace(b'\\"', b"")
            names += chunk.count(b'":')
            quotes += chunk.count(b'"')
    return Tally(lines=lines if last == b"\n" else lines + 1, names=names, texts=quotes // 2 - names)


def _whole_chunk(member: IO[bytes]) -> bytes:
    """The next bytes, cut where no quote, escape or name is cut through."""
    chunk = member.read(_CHUNK_BYTES)
    while chunk.endswith((b'"', b"\\")) and (further := member.read(1)):
        chunk += further
    return chunk


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers, from 1, without line ends, byte order mark and blank lines."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            content = line.rstrip(b"\r\n")
            if number == 1:
                content = content.removeprefix(BYTE_ORDER_MARK)
            if content.strip():
                yield number, content


def describe_lines(path: Path, description: Path) -> int:
    """Write each line of a report as a JSON object that any reader can read, whatever the line holds.

    An object has `line_number`, `raw` (the line, bytes that are no UTF-8 as ``\\xNN``), `raw_sha256` and
    `refusal` (why the bytes are no text, else absent).

    Returns:
        The number of lines described; blank lines are left out.
    """
    lines = 0
    with description.open("w", encoding="ascii") as file:
        for number, content in numbered_lines(path):
            refusal = _refuse_bytes(content)
            kept = content[:_LONGEST_RAW] if len(content) > LONGEST_LINE else content
            entry = {
                "line_number": number,
                "raw": kept.decode("utf-8", "backslashreplace"),
                "raw_sha256": hashlib.sha256(content).hexdigest(),
            }
            if refusal:
                entry["refusal"] = refusal
                entry["raw"] = str(entry["raw"]).replace("\0", "\\x00")
            file.write(json.dumps(entry))
            file.write("\n")
            lines += 1
    return lines


def copy_lines(path: Path, copy: Path, *, without: Collection[int]) -> None:
    """Copy a report's lines but for the blank ones and those numbered in `without`."""
    with copy.open("wb") as file:
        for number, content in numbered_lines(path):
            if number not in without:
                file.write(content)
                file.write(b"\n")


def _refuse_bytes(content: bytes) -> str | None:
    if len(content) > LONGEST_LINE:
        return f"longer than {LONGEST_LINE >> 20} MiB: {len(content)} bytes, of which raw holds the first MiB"
    if b"\0" in content:
        return "holds a NUL byte"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start}"
    return None
