"""The state of a limit in a file, for all processes of one host."""

import fcntl
import hashlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from virus_warehouse.ncbi.pace.store import Result, StoreUnusable
from virus_warehouse.ncbi.pace.turns import Turns

_FILE_MODE = 0o660
_LOCK_SECONDS = 10.0
"""How long to wait for the lock: others hold it for less than a millisecond, unless they have been suspended."""

_LOCK_SLEEP = 0.002


class InFile:
    """The state in a file, which is locked while it is changed; the system releases the lock of a killed process.

    Its clock is the system's monotonic one, which all processes of a host share and nobody sets. Other hosts have other
    clocks, and files of their own where they share the folder.

    Args:
        folder: of these files.
        name: of the limit.
        limit: requests that are allowed in a second.
    """

    def __init__(self, folder: Path, name: str, limit: int) -> None:
        self.path = folder / f"{hashlib.sha256(f'{name} {_boot()}'.encode()).hexdigest()[:16]}.json"
        self._limit = limit

    def __str__(self) -> str:
        return str(self.path)

    def change(self, act: Callable[[Turns, float], Result]) -> Result:
        """As in `Store`."""
        try:
            with self._locked() as file:
                now = time.monotonic()
                turns = Turns.read(os.pread(file, os.fstat(file).st_size, 0), now, self._limit)
                result = act(turns, now)
                # In this order: a process killed in between leaves a text that is damaged, and not an empty one.
                os.ftruncate(file, os.pwrite(file, turns.model_dump_json().encode(), 0))
                return result
        except OSError as error:
            raise StoreUnusable(f"{error.filename or self.path}: {error.strerror or error}") from error

    def close(self) -> None:
        """Nothing stays open."""

    @contextmanager
    def _locked(self) -> Iterator[int]:
        file = self._open()
        try:
            deadline = time.monotonic() + _LOCK_SECONDS
            while not _lock(file):
                if time.monotonic() > deadline:
                    raise TimeoutError(f"locked by another process for {_LOCK_SECONDS:.0f} s")
                time.sleep(_LOCK_SLEEP)
            yield file
        finally:
            # A process that was forked meanwhile has the file open, too.
            fcntl.flock(file, fcntl.LOCK_UN)
            os.close(file)

    def _open(self) -> int:
        with suppress(FileNotFoundError):
            return os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
        # All who may use the folder share the file, whatever the umask; also one that root has made.
        folder = self.path.parent.stat()
        with suppress(PermissionError):
            os.fchmod(file, _FILE_MODE)
            os.fchown(file, folder.st_uid, folder.st_gid)
        return file


def _boot() -> str:
    """What this host has in common with its containers, and with no other host."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return platform.node()


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
