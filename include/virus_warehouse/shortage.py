"""Full disks and memory limits: the same error and advice wherever they occur."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from virus_warehouse.failure import Failure
from virus_warehouse.session import MEMORY_LIMIT

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FULL_IN_WORDS = (*(os.strerror(number) for number in _FULL), "max_temp_directory_size")
"""Messages of errors that are no `OSError`: DuckDB limits its spilling to the free disk space."""


_NO_BLOCK = "could not allocate block"
"""DuckDB's message when a commit runs out of memory."""


class DiskFull(Failure):
    """A disk is full, or a quota is used up. Committed and published data are unchanged."""


class MemoryTooSmall(Failure):
    """DuckDB's memory limit is too small for the work. Committed and published data are unchanged."""


@contextmanager
def translate_resource_errors(place: Path) -> Iterator[None]:
    """Translate errors caused by a full disk or too little memory.

    Args:
        place: a folder on the disk that is written to.

    Raises:
        DiskFull: in place of any error caused by a full disk.
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
                f"the disk of {place} is full ({free / 1e6:.0f} MB are free now). Committed and published data are "
                f"unchanged. Free some space, or point VIRUS_DATA at a larger disk, and run again: {error}"
            ) from error
        if _is_out_of_memory(error):
            limit = os.environ.get("VIRUS_MEMORY_LIMIT") or f"{MEMORY_LIMIT}, the default,"
            raise MemoryTooSmall(
                f"VIRUS_MEMORY_LIMIT={limit} is too little memory. Committed and published data are unchanged. Set "
                f"VIRUS_MEMORY_LIMIT higher, or VIRUS_THREADS lower, and run again: {error}"
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
