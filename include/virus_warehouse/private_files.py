"""Files that only their owner, and perhaps a group, may open."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

WORLD = 0o007
FOLDER_MODE = 0o770
"""Of a folder that the rest of the machine cannot enter. The process's umask withholds what it does from the group."""

_lock = threading.Lock()
_users, _umask_before = 0, 0


@contextmanager
def private_files() -> Iterator[None]:
    """Create files and folders that the rest of the machine can neither read nor write; also as a decorator.

    For runs, checks and exports, whose files are made by DuckDB, which takes no mode: hence the umask, which is the
    whole process's. Threads may use this at once: the first one in changes the umask, and the last one out puts it
    back. A server that answers others meanwhile gives a mode to each file instead.

    What the process's own umask withholds from group and owner stays withheld.
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
