"""A report in parts, split at line ends while it is decompressed, some parts ahead of the reader.

Parts are files, so that neither the decompressed report nor the parsed one is ever in memory as a whole; and while some
are parsed, the next are decompressed.
"""

import os
import re
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import numpy as np

from virus_warehouse.reports.report_file import LONGEST_LINE, Tally, whole_chunk

FIRST_PART_BYTES = 4 << 20
"""Size from which the first part ends with the next line. The reader waits for it, so parts start small, and double."""

_SEARCHED_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class Block:
    """Some complete lines of a part, with their tally.

    Attributes:
        offset, size: position in the part's file, in bytes.
        tally: their contents.
    """

    offset: int
    size: int
    tally: Tally


@dataclass(frozen=True)
class Part:
    """Some lines of a report, in a file.

    Attributes:
        path: the file.
        lines_before: lines of the report before it.
        blocks: its contents, counted in the raw bytes.
        is_last: whether the report ends with it.
    """

    path: Path
    lines_before: int
    blocks: tuple[Block, ...]
    is_last: bool = False

    @cached_property
    def tally(self) -> Tally:
        """The tally of the whole part."""
        return sum((block.tally for block in self.blocks), Tally())

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return sum(block.size for block in self.blocks)

    @property
    def has_too_long_line(self) -> bool:
        """Whether a line may be longer than allowed, even if DuckDB's reader accepts it."""
        return any(block.size > LONGEST_LINE for block in self.blocks)

    def lines_of(self, block: Block) -> list[bytes]:
        """The lines of one of its blocks, without line ends."""
        with self.path.open("rb") as file:
            file.seek(block.offset)
            return file.read(block.size).removesuffix(b"\n").split(b"\n")

    def odd_lines(self, read: np.ndarray) -> Iterator[tuple[int, bytes]]:
        """The lines with other contents than were read, each with its index.

        Args:
            read: the names and texts read of each line, as `Tally.names_and_texts` counts them.
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
        """Two parts of its lines, each about half of it, in separate files; it must have at least two lines."""
        cut = self._nearest_line_end(self.size // 2)
        with self.path.open("rb") as file:
            first = _written(self.path.with_suffix(".a.jsonl"), self.lines_before, _chunks(file, cut))
            second_begins = self.lines_before + first.tally.newlines
            second = _written(self.path.with_suffix(".b.jsonl"), second_begins, _chunks(file, self.size - cut))
        return first, second

    def _nearest_line_end(self, offset: int) -> int:
        """The start of the line nearest to an offset, except for the first line."""
        beginnings: Iterable[int] = [block.offset for block in self.blocks[1:]]
        if len(self.blocks) == 1:
            beginnings = self._beginnings()
        return min(beginnings, key=lambda beginning: abs(beginning - offset))

    def _beginnings(self) -> Iterator[int]:
        """The start of each line but the first; lines may be too long for memory."""
        at = 0
        with self.path.open("rb") as file:
            while piece := file.read(_SEARCHED_AT_ONCE):
                yield from (at + found.end() for found in re.finditer(rb"\n", piece) if at + found.end() < self.size)
                at += len(piece)


def _chunks(file: IO[bytes], size: int) -> Iterator[bytes]:
    """Up to `size` bytes of a file, up to a line end, in the chunks of `whole_chunk`."""
    while size > 0 and (chunk := whole_chunk(file)):
        # Any surplus starts with the next line.
        if len(chunk) > size:
            file.seek(size - len(chunk), os.SEEK_CUR)
            chunk = chunk[:size]
        size -= len(chunk)
        yield chunk


def _written(path: Path, lines_before: int, chunks: Iterable[bytes]) -> Part:
    """Write bytes to a file, and tally them."""
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
    member: IO[bytes],
    folder: Path,
    part_bytes: int,
    ahead: int,
    at_once: int,
    *,
    fold: Callable[[bytes], bytes] = bytes,
) -> Generator[list[Part], None, None]:
    """Split a report into parts; the files of earlier parts are removed when the next are requested.

    Args:
        member: the report.
        folder: where the parts are written, in a folder of their own that is removed in the end.
        part_bytes: size from which a part ends with the next line.
        ahead: how many parts are written at most while others are read; there may be twice as many files.
        at_once: how many are yielded together at most while more are being written; all, when as many as allowed are
            written, or the report ends. They are files of one read, which DuckDB distributes over its threads.
        fold: a replacement for some complete lines of the report, with as many lines. The tally is of the result.

    Returns:
        Consecutive parts; the last may be without lines, as that of an empty report is.
    """
    with (
        TemporaryDirectory(prefix="parts-", dir=folder) as place,
        ThreadPoolExecutor(1, thread_name_prefix="inflate") as inflating,
    ):
        cutter = _Cutter(member, Path(place), part_bytes, fold)
        upcoming = deque(inflating.submit(cutter.cut) for _ in range(ahead))
        try:
            while some := _written_so_far(upcoming, at_once):
                upcoming.extend(inflating.submit(cutter.cut) for _ in some)
                yield some
                for part in some:
                    part.path.unlink(missing_ok=True)
        finally:
            inflating.shutdown(cancel_futures=True)


def _written_so_far(upcoming: deque[Future[Part | None]], at_once: int) -> list[Part]:
    """Take the next part, for which it waits, and those after it that are written; none at the end of the report."""
    some: list[Part] = []
    most = len(upcoming) if all(part.done() for part in upcoming) else at_once
    while upcoming and (not some or (len(some) < most and upcoming[0].done())):
        part = upcoming.popleft().result()
        if part is None:
            break
        some.append(part)
    return some


class _Cutter:
    def __init__(self, member: IO[bytes], folder: Path, part_bytes: int, fold: Callable[[bytes], bytes]) -> None:
        self._member, self._folder, self._part_bytes, self._fold = member, folder, part_bytes, fold
        self._number = self._lines = 0
        self._is_at_end = False

    def cut(self) -> Part | None:
        """Write the next part; None when all are written."""
        if self._is_at_end:
            return None
        part = _written(self._folder / f"part-{self._number}.jsonl", self._lines, self._pieces())
        self._number += 1
        self._lines += part.tally.lines
        return replace(part, is_last=self._is_at_end)

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
