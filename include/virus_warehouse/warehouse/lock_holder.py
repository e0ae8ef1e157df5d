"""Which process has the warehouse file locked, found out without taking its lock."""

import fcntl
import struct
import sys
from pathlib import Path
from typing import NamedTuple

_FIELDS = {"linux": ("@hhqqi0q", 0, 4), "darwin": ("@qqihh", 3, 2)}
"""The layout of C's `struct flock` by platform, and where in it the type and the process are."""


class LockHolder(NamedTuple):
    """A process that has the file locked.

    Attributes:
        process_id: its id; 0 when it is not visible from here, in another container say.
        is_writing: whether it can write the file, so that nobody else can read it.
    """

    process_id: int
    is_writing: bool


class LockUnknown(OSError):
    """The platform does not say who has a file locked."""


def lock_holder(file: Path) -> LockHolder | None:
    """The process that keeps others from writing a file; None when nobody does.

    A process that has a DuckDB file open itself must not call it: closing a file drops the locks of its own process.

    Raises:
        LockUnknown: when the platform does not say it.
        OSError: when the file cannot be opened.
    """
    if sys.platform not in _FIELDS:
        raise LockUnknown(f"who has {file} open cannot be found out on {sys.platform}")
    layout, type_at, process_at = _FIELDS[sys.platform]
    asked: list[int] = [0] * 5
    asked[type_at] = fcntl.F_WRLCK
    with file.open("rb") as opened:
        answer = struct.unpack(layout, fcntl.fcntl(opened, fcntl.F_GETLK, struct.pack(layout, *asked)))
    if answer[type_at] == fcntl.F_UNLCK:
        return None
    # The kernel gives 0 for a process of a container that this one cannot see, and -1 for one of another machine.
    return LockHolder(max(answer[process_at], 0), answer[type_at] == fcntl.F_WRLCK)
