"""A report in parts: cut at line ends while it is inflated, one part ahead of whoever reads them.

A part is a file, so that neither the inflated report nor what a parser makes of it ever lies in memory whole; and while
one part is parsed, the next is inflated.
"""

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from virus_warehouse.reports.report_file import Tally, whole_chunk

FIRST_PART_BYTES, PART_BYTES = 8 << 20, 48 << 20
"""Sizes from which a part ends with the next line. Larger parts cost less; but the reader waits for the first, so that
parts begin small and double."""


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


def parts(
    member: IO[bytes], folder: Path, part_bytes: int = PART_BYTES, *, fold: Callable[[bytes], bytes] = bytes
) -> Generator[Part, None, None]:
    """Cut a report into parts; each file is removed when the next part is asked for.

    Args:
        member: the report.
        folder: where the parts are written.
        part_bytes: size from which a part ends with the next line.
        fold: what to write instead of some whole lines of the report, as many lines. The tally is of what is written.

    Returns:
        The parts in their order; one without lines for an empty report.
    """
    with closing(parts_at_once(1, member, folder, part_bytes, fold=fold)) as cut:
        for (part,) in cut:
            yield part


def parts_at_once(
    many: int,
    member: IO[bytes],
    folder: Path,
    part_bytes: int = PART_BYTES,
    *,
    fold: Callable[[bytes], bytes] = bytes,
) -> Generator[list[Part], None, None]:
    """The same, so many parts at a time: as files of one read, which DuckDB shares among its threads.

    Returns:
        Parts that follow each other, as many as there are; the last may be fewer.
    """
    cutter = _Cutter(member, folder, part_bytes, fold)
    with ThreadPoolExecutor(1, thread_name_prefix="inflate") as inflating:
        upcoming = inflating.submit(cutter.cut, many)
        while some := upcoming.result():
            upcoming = inflating.submit(cutter.cut, many)
            yield some
            for part in some:
                part.path.unlink(missing_ok=True)


class _Cutter:
    def __init__(self, member: IO[bytes], folder: Path, part_bytes: int, fold: Callable[[bytes], bytes]) -> None:
        self._member, self._folder, self._part_bytes, self._fold = member, folder, part_bytes, fold
        self._number = self._lines = 0
        self._is_at_end = False

    def cut(self, many: int) -> list[Part]:
        """Write the next parts, so many or fewer; none when all are written."""
        some: list[Part] = []
        while len(some) < many and not self._is_at_end:
            some.append(self._cut_one())
        return some

    def _cut_one(self) -> Part:
        path = self._folder / f"part-{self._number}.jsonl"
        tally, size = Tally(), 0
        enough = min(self._part_bytes, FIRST_PART_BYTES << self._number)
        with path.open("wb") as file:
            while size < enough or tally.last != b"\n":
                piece = whole_chunk(self._member)
                if not piece:
                    self._is_at_end = True
                    break
                if tally.last == b"\n" == piece[-1:]:
                    piece = self._fold(piece)
                file.write(piece)
                tally += Tally.of(piece)
                size += len(piece)
        part = Part(path, self._lines, tally)
        self._number += 1
        self._lines += tally.lines
        return part
