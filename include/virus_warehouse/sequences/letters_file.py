"""A temporary file with the letters of many sequences, one after the other."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self


class LettersFile:
    """Letters in the order of their arrival, to be read again in any other order in little memory.

    Args:
        path: the file, created here and removed at the end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("xb+")
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def append(self, letters: bytes) -> int:
        """Add a sequence; returns its offset."""
        offset = self.size
        self._file.write(letters)
        self.size += len(letters)
        return offset

    def read(self, offsets: Sequence[int], lengths: Sequence[int]) -> Iterator[bytes]:
        """The sequences at these offsets with these lengths, in the order given."""
        self._file.flush()
        for offset, length in zip(offsets, lengths, strict=True):
            yield os.pread(self._file.fileno(), length, offset)

    def close(self) -> None:
        """Remove the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)
