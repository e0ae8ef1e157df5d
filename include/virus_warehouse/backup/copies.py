"""The files of a back-up: copied, hashed, flushed to the disk and read back; or linked to those of the one before."""

import errno
import hashlib
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE

from virus_warehouse.backup.manifest import BackedUpFile, BackupError

logger = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 20
_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS)

OnProgress = Callable[[str, int, int], None]
"""Called with a file's name, its bytes so far, and its bytes in all."""


class Copies:
    """The files of a back-up that is being made.

    Args:
        folder: the unfinished back-up.
        before: the back-up before and its files by their paths; None without one.
        on_progress: called after each chunk.

    Attributes:
        files: the files so far.
        copied: the number of files that were copied.
        copied_bytes: their size.
    """

    def __init__(
        self,
        folder: Path,
        before: tuple[Path, dict[str, BackedUpFile]] | None = None,
        on_progress: OnProgress | None = None,
    ) -> None:
        self.files: list[BackedUpFile] = []
        self.copied = self.copied_bytes = 0
        self._folder, self._before, self._on_progress = folder, before, on_progress
        self._by_inode: dict[tuple[int, int], BackedUpFile] = {}

    def add(self, path: str, source: Path) -> None:
        """Add a file.

        Args:
            path: its path in the back-up.
            source: where it is read.

        Raises:
            BackupError: when it was removed, or what is read back is not what was written.
        """
        try:
            status = source.stat()
        except FileNotFoundError as error:
            raise BackupError(
                f"{source} was removed while the back-up was made, on a file system without hard links. Run it again"
            ) from error
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        inode = (status.st_dev, status.st_ino)
        twin = self._by_inode.get(inode)
        if twin is not None and _link(self._folder / twin.path, target):
            file = twin.model_copy(update={"path": path})
        else:
            file = self._linked_to_before(path, source, target) or self._copy(path, source, target)
            self._by_inode[inode] = file
        self.files.append(file)

    def _linked_to_before(self, path: str, source: Path, target: Path) -> BackedUpFile | None:
        """Link a file that the back-up before has, if it is whole there."""
        folder, files = self._before or (None, {})
        known, status = files.get(path), source.stat()
        if folder is None or known is None or known.bytes != status.st_size:
            return None
        if known.modified_ns != status.st_mtime_ns and self._sha256(source) != known.sha256:
            return None
        there = folder / path
        try:
            if self._sha256(there) != known.sha256:
                logger.warning("%s is damaged; copying it again", there)
                return None
        except OSError as error:
            logger.warning("%s cannot be read (%s); copying it again", there, error.strerror)
            return None
        if not _link(there, target):
            return None
        return known.model_copy(update={"modified_ns": status.st_mtime_ns, "mode": S_IMODE(status.st_mode)})

    def _copy(self, path: str, source: Path, target: Path) -> BackedUpFile:
        sha256 = hashlib.sha256()
        with source.open("rb") as read, target.open("xb") as written:
            status = os.fstat(read.fileno())
            while chunk := read.read(_CHUNK_BYTES):
                written.write(chunk)
                sha256.update(chunk)
                self._report(source, written.tell(), status.st_size)
            size = written.tell()
            written.flush()
            os.fsync(written.fileno())
            if hasattr(os, "posix_fadvise"):  # so that it is read back from the disk
                os.posix_fadvise(written.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        if self._sha256(target) != sha256.hexdigest():
            raise BackupError(
                f"{target} was written, and read back it is another: the disk is failing, or its connection. This "
                f"back-up was discarded; use another disk"
            )
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
        target.chmod(0o440)  # later back-ups have links to it
        self.copied += 1
        self.copied_bytes += size
        return BackedUpFile(
            path=path,
            bytes=size,
            sha256=sha256.hexdigest(),
            modified_ns=status.st_mtime_ns,
            mode=S_IMODE(status.st_mode),
        )

    def _sha256(self, path: Path) -> str:
        return sha256_of(path, self._on_progress)

    def _report(self, path: Path, done: int, size: int) -> None:
        if self._on_progress is not None:
            self._on_progress(path.name, done, size)


def sha256_of(path: Path, on_progress: OnProgress | None = None) -> str:
    """The SHA-256 of a file, in hex.

    Args:
        path: the file.
        on_progress: called after each chunk.
    """
    sha256, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        while chunk := file.read(_CHUNK_BYTES):
            sha256.update(chunk)
            done += len(chunk)
            if on_progress is not None:
                on_progress(path.name, done, size)
    return sha256.hexdigest()


def flush_folders(folder: Path) -> None:
    """Flush the names of all files below a folder to the disk."""
    for place, _, _ in os.walk(folder):
        flush_folder(Path(place))


def flush_folder(folder: Path) -> None:
    """Flush the names of the files in a folder to the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems refuse it
            os.fsync(opened)
    finally:
        os.close(opened)


def _link(there: Path, here: Path) -> bool:
    """Make a hard link; returns whether the file system has them."""
    try:
        os.link(there, here)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return False
    return True
