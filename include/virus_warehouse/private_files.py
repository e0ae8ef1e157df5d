"""Files that only their owner, and optionally a group, may open."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

WORLD = 0o007
FOLDER_MODE = 0o770
"""Mode of a folder closed to others. The process's umask may also close it to the group."""

_lock = threading.Lock()
_users, _umask_before = 0, 0


@contextmanager
def private_files() -> Iterator[None]:
    """Create files and folders without access for others; also usable as a decorator.

    For runs, checks and exports, whose files are created by DuckDB, which takes no mode: hence the umask, which
    applies to the whole process. Threads may use this concurrently: the first one in changes the umask, and the last
    one out restores it. A server with concurrent requests sets the mode of each file instead.

    The process's own umask still applies to group and owner.
    """
    global _users, _umask_before
    with _lock:
        if not _users:
            _umask_before = os.umask(0o077)
            os.umask(_umask_before | WORLD)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                os.umask(_umask_before)
