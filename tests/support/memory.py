"""The temporary files of all tests are in memory: on a disk, DuckDB and the product wait for it at every commit."""

import os
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ENOUGH_BYTES = 4 << 30
"""The whole suite has half a gigabyte at a time."""


def put_temporary_files_in_memory() -> None:
    """Let `tmp_path`, `tempfile` and all child processes use memory, unless TMPDIR names a folder.

    Where the system has no such place, or a small one, or one without programs, as in a container, nothing changes.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    place = os.statvfs(MEMORY)
    if place.f_bavail * place.f_frsize >= ENOUGH_BYTES and not place.f_flag & os.ST_NOEXEC:
        os.environ["TMPDIR"] = str(MEMORY)
        tempfile.tempdir = None  # pytest has asked for it before
