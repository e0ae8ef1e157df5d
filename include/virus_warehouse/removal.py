"""Removing files and folders, here and in the bucket of the data folder, and counting what that frees."""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from virus_warehouse.bucket.copy import removing
from virus_warehouse.wording import counted


@dataclass(frozen=True)
class Removed:
    """What was removed.

    Attributes:
        files: the number of files.
        bytes: the disk space that this freed: a file with another link still takes its space.
    """

    files: int = 0
    bytes: int = 0

    def __add__(self, other: "Removed") -> "Removed":
        return Removed(self.files + other.files, self.bytes + other.bytes)

    def __str__(self) -> str:
        return f"{counted(self.files, 'file')} removed, {self.bytes:,} bytes freed"


def remove(path: Path) -> Removed:
    """Remove a file, or a folder with all that is in it; another process may have done so already.

    Raises:
        BucketUnavailable: when it cannot be removed from the bucket of the data folder; nothing was removed then.
    """
    removing(path)
    if path.is_dir() and not path.is_symlink():
        removed = sum((_counted(file) for file in path.rglob("*") if not file.is_dir()), Removed())
        shutil.rmtree(path, ignore_errors=True)
        return removed
    with suppress(FileNotFoundError):
        removed = _counted(path)
        path.unlink()
        return removed
    return Removed()


def _counted(file: Path) -> Removed:
    with suppress(FileNotFoundError):
        status = file.lstat()
        return Removed(1, status.st_size if status.st_nlink == 1 else 0)
    return Removed()
