"""A report in parts: cut at line ends while it is inflated, one part ahead of whoever reads them.

A part is a file, so that neither the inflated report nor what a parser makes of it ever lies in memory whole; and while
one part is parsed, the next is inflated.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from virus_warehouse.reports.report_file import Tally, whole_chunk

FIRST_PART_BYTES, PART_BYTES = 8 << 20, 64 << 20
"""Sizes from which a part ends with the next line. Larger parts cost less; the first is small because the reader waits
for it."""


@dataclass(frozen=True)
class Part:
    """Some lines of a report, in a file of their own.

    Attributes:
        path: the file.
        lines_before: lines of the report before it.
        tally: what it holds, as counted from its bytes.
    """

    path: Path
    lines_before: int
    tally: Tally


def parts(member: IO[bytes], folder: Path, part_bytes: int = PART_BYTES) -> Iterator[Part]:
    """Cut a report into parts; each file is removed when the next part is asked for.

    Args:
        member: the report.
        folder: where the parts are written.
        part_bytes: size from which a part ends with the next line.

    Returns:
        The parts in their order; one without lines for an empty report.
    """
    cutter = _Cutter(member, folder, part_bytes)
    with ThreadPoolExecutor(1, thread_name_prefix="inflate") as inflating:
        upcoming = inflating.submit(cutter.cut)
        while (part := upcoming.result()) is not None:
            upcoming = inflating.submit(cutter.cut)
            yield part
            part.path.unlink(missing_ok=True)


class _Cutter:
    def __init__(self, member: IO[bytes], folder: Path, part_bytes: int) -> None:
        self._member, self._folder, self._part_bytes = member, folder, part_bytes
        self._number = self._lines = 0
        self._piece = whole_chunk(member)

    def cut(self) -> Part | None:
        """Write the next part; None when all are written."""
        if self._number and not self._piece:
            return None
        path = self._folder / f"part-{self._number}.jsonl"
        tally, size, end = Tally(), 0, 0
        enough = self._part_bytes if self._number else FIRST_PART_BYTES
        with path.open("wb") as file:
            while self._piece and not end:
                size += len(self._piece)
                end = self._piece.rfind(b"\n") + 1 if size >= enough else 0
                written = self._piece[:end] if end else self._piece
                file.write(written)
                tally += Tally.of(written)
                self._piece = self._piece[len(written) :] or whole_chunk(self._member)
        part = Part(path, self._lines, tally)
        self._number += 1
        self._lines += tally.lines
        return part
