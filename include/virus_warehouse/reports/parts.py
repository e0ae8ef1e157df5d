"""A report in parts: cut at line ends while it is inflated, one part ahead of whoever reads them.

A part is a file, so that neither the inflated report nor what a parser makes of it ever lies in memory whole; and while
one part is parsed, the next is inflated.
"""

import os
import re
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO

import numpy as np

from virus_warehouse.reports.report_file import LONGEST_LINE, Tally, whole_chunk

FIRST_PART_BYTES = 8 << 20
"""Size from which the first part ends with the next line, if it does not end before. Larger parts cost less; but the
reader waits for the first, so that parts begin small and double, in size and in number."""

_SEARCHED_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Block:
    """Some whole lines of a part, as they were counted.

    Attributes:
        offset, size: where in the part's file they are, in bytes.
        tally: what they hold.
    """

    offset: int
    size: int
    tally: Tally


@dataclass(frozen=True)
class Part:
    """Some lines of a report, in a file of their own.

    Attributes:
        path: the file.
        lines_before: lines of the report before it.
        blocks: what it holds, as counted from its bytes.
    """

    path: Path
    lines_before: int
    blocks: tuple[Block, ...]

    @cached_property
    def tally(self) -> Tally:
        """What all of it holds."""
        return sum((block.tally for block in self.blocks), Tally())

    @property
    def size(self) -> int:
        """Its bytes."""
        return sum(block.size for block in self.blocks)

    @property
    def has_too_long_line(self) -> bool:
        """Whether a line of it may be longer than a line may be, whether or not a reader takes it."""
        return any(block.size > LONGEST_LINE for block in self.blocks)

    def lines_of(self, block: Block) -> list[bytes]:
        """The lines of one of its blocks, without their line ends."""
        with self.path.open("rb") as file:
            file.seek(block.offset)
            return file.read(block.size).removesuffix(b"\n").split(b"\n")

    def odd_lines(self, read: np.ndarray) -> Iterator[tuple[int, bytes]]:
        """The lines that hold something else than was read of them, each with its place among the lines, from 0.

        Args:
            read: the names and texts that were read of each line, as `Tally.names_and_texts` counts them.
        """
        begin = 0
        for block in self.blocks:
            end = begin + block.tally.lines
            if read[begin:end].sum() != block.tally.names_and_texts:
                for place, line in enumerate(self.lines_of(block), begin):
                    if Tally.of(line).names_and_texts != read[place]:
                        yield place, line
            begin = end

    def halves(self) -> "tuple[Part, Part]":
        """Two parts of its lines, each about half of it, in files of their own; it has to have two lines or more."""
        cut = self._nearest_line_end(self.size // 2)
        with self.path.open("rb") as file:
            first = _written(self.path.with_suffix(".a.jsonl"), self.lines_before, _chunks(file, cut))
            second_begins = self.lines_before + first.tally.newlines
            second = _written(self.path.with_suffix(".b.jsonl"), second_begins, _chunks(file, self.size - cut))
        return first, second

    def _nearest_line_end(self, offset: int) -> int:
        """Where a line begins nearest to some place in the file, its first line aside."""
        beginnings: Iterable[int] = [block.offset for block in self.blocks[1:]]
        if len(self.blocks) == 1:
            beginnings = self._beginnings()
        return min(beginnings, key=lambda beginning: abs(beginning - offset))

    def _beginnings(self) -> Iterator[int]:
        """Where each line but the first begins; one may be too long for memory."""
        at = 0
        with self.path.open("rb") as file:
            while piece := file.read(_SEARCHED_AT_ONCE):
                yield from (at + found.end() for found in re.finditer(rb"\n", piece) if at + found.end() < self.size)
                at += len(piece)


def _chunks(file: IO[bytes], size: int) -> Iterator[bytes]:
    """So many bytes of a file, up to a line's end, as `whole_chunk` cuts them."""
    while size > 0 and (chunk := whole_chunk(file)):
        # What is read beyond begins with the next line.
        if len(chunk) > size:
            file.seek(size - len(chunk), os.SEEK_CUR)
            chunk = chunk[:size]
        size -= len(chunk)
        yield chunk


def _written(path: Path, lines_before: int, chunks: Iterable[bytes]) -> Part:
    """Write bytes to a file, and count on the way what is in them."""
    blocks: list[Block] = []
    offset = begin = 0
    tally = Tally()
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
            tally += Tally.of(chunk)
            offset += len(chunk)
            if tally.last == b"\n":
                blocks.append(Block(begin, offset - begin, tally))
                begin, tally = offset, Tally()
    if offset > begin:
        blocks.append(Block(begin, offset - begin, tally))
    return Part(path, lines_before, tuple(blocks))


def parts(
    member: IO[bytes], folder: Path, part_bytes: int, at_once: int, *, fold: Callable[[bytes], bytes] = bytes
) -> Generator[list[Part], None, None]:
    """Cut a report into parts; the files of some are removed when the next are asked for.

    Args:
        member: the report.
        folder: where the parts are written.
        part_bytes: size from which a part ends with the next line.
        at_once: parts that are given together, as files of one read, which DuckDB shares among its threads.
        fold: what to write instead of some whole lines of the report, as many lines. The tally is of what is written.

    Returns:
        Parts that follow each other, first fewer than `at_once`; one without lines for an empty report.
    """
    cutter = _Cutter(member, folder, part_bytes, fold)
    with ThreadPoolExecutor(1, thread_name_prefix="inflate") as inflating:
        upcoming, many = inflating.submit(cutter.cut, 1), 1
        while some := upcoming.result():
            many = min(2 * many, at_once)
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
        part = _written(self._folder / f"part-{self._number}.jsonl", self._lines, self._pieces())
        self._number += 1
        self._lines += part.tally.lines
        return part

    def _pieces(self) -> Iterator[bytes]:
        size, last = 0, b"\n"
        enough = min(self._part_bytes, FIRST_PART_BYTES << self._number)
        while size < enough or last != b"\n":
            piece = whole_chunk(self._member)
            if not piece:
                self._is_at_end = True
                return
            if last == b"\n" == piece[-1:]:
                piece = self._fold(piece)
            size, last = size + len(piece), piece[-1:]
            yield piece
