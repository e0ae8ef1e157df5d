"""When the disk or the memory runs out: the same words for it wherever that happens, with the way out."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from virus_warehouse.session import MEMORY_LIMIT

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_IN_WORDS = (*(os.strerror(number) for number in _FULL), "max_temp_directory_size")
"""How errors that are no `OSError` say it: DuckDB spills to no more than what the disk has left."""


_NO_BLOCK = "could not allocate block"
"""How a commit says that memory ran out."""


class DiskFull(RuntimeError):
    """A disk is full, or a quota used up. What was committed or published before is as it was."""


class MemoryTooSmall(RuntimeError):
    """DuckDB may not use as much memory as the work needs. What was committed or published before is as it was."""


@contextmanager
def translate_resource_errors(place: Path) -> Iterator[None]:
    """Tell errors that come of a shortage as what they are.

    Args:
        place: a folder on the disk that is written to.

    Raises:
        DiskFull: in place of any error that a full disk is behind.
        MemoryTooSmall: in place of DuckDB's.
    """
    try:
        yield
    except (DiskFull, MemoryTooSmall):
        raise
    except Exception as error:
        if _is_disk_full(error):
            free = shutil.disk_usage(place).free
            raise DiskFull(
                f"the disk that holds {place} is full ({free / 1e6:.0f} MB are free now). What was committed and "
                f"published before is as it was. Free some space, or point VIRUS_DATA at a larger disk, and run "
                f"again: {error}"
            ) from error
        if _is_out_of_memory(error):
            limit = os.environ.get("VIRUS_MEMORY_LIMIT") or f"{MEMORY_LIMIT}, the default,"
            raise MemoryTooSmall(
                f"VIRUS_MEMORY_LIMIT={limit} is too little memory for this. What was committed and published before is "
                f"as it was. Set VIRUS_MEMORY_LIMIT higher, or VIRUS_THREADS lower, and run again: {error}"
            ) from error
        raise


def _is_disk_full(error: BaseException) -> bool:
    return any(
        (isinstance(cause, OSError) and cause.errno in _FULL)
        or (isinstance(cause, duckdb.Error) and any(words in str(cause) for words in _FULL_IN_WORDS))
        for cause in _causes(error)
    )


def _is_out_of_memory(error: BaseException) -> bool:
    return any(
        isinstance(cause, duckdb.OutOfMemoryException) or (isinstance(cause, duckdb.Error) and _NO_BLOCK in str(cause))
        for cause in _causes(error)
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
