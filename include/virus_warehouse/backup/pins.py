"""Hard links to the files of a data folder as they are at one moment, whatever loads do to the folder afterwards.

Every file but the warehouse is replaced by a rename and never changed in place, so that a link keeps its content. A
compaction, a load or a publication that removes or replaces the file meanwhile does not disturb the back-up.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from virus_warehouse.bucket.copy import copy_of
from virus_warehouse.data_folder import DataFolder

_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.ENOSYS)


class Pins:
    """Links to the files of some folders of a data folder.

    Args:
        data: the data folder.
        folder: an empty folder on the same file system, for the links.
    """

    def __init__(self, data: DataFolder, folder: Path) -> None:
        self._root, self._folder, self._copy = data.root, folder, copy_of(data.root)
        self._skipped = data.candidates
        self._inodes: dict[str, int] = {}
        self._places: dict[str, Path] = {}

    def renew(self, *folders: Path) -> None:
        """Make the links those to the files that the folders have now.

        The second time it only links what is new, so that it takes little time.
        """
        found: set[str] = set()
        for folder in folders:
            for entry in self._files(folder):
                path = os.path.relpath(entry.path, self._root)
                if self._inodes.get(path) == entry.inode() or self._pin(path, entry):
                    found.add(path)
        below = tuple(f"{os.path.relpath(folder, self._root)}/" for folder in folders)
        for path in [path for path in self._places if path.startswith(below) and path not in found]:
            del self._places[path], self._inodes[path]

    def files(self) -> dict[str, Path]:
        """Where to read each file, by its path in the data folder."""
        return dict(sorted(self._places.items()))

    def _pin(self, path: str, entry: "os.DirEntry[str]") -> bool:
        link = self._folder / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        try:
            os.link(entry.path, link)
        except FileNotFoundError:
            return False  # removed meanwhile
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            link = Path(entry.path)
        if not self._has_contents(entry):
            return False
        self._inodes[path], self._places[path] = entry.inode(), link
        return True

    def _has_contents(self, entry: "os.DirEntry[str]") -> bool:
        """Whether what was linked has its contents: that of a copy of a bucket may have been hollow."""
        if self._copy is None:
            return True
        if self._copy.is_hollow(Path(entry.path)):
            return False
        with suppress(FileNotFoundError):
            return Path(entry.path).stat().st_ino == entry.inode()
        return True  # it was removed after it was linked

    def _files(self, folder: Path) -> Iterator["os.DirEntry[str]"]:
        """The files below a folder, without unfinished ones, locks and candidates."""
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or entry.name.endswith(".part"):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if Path(entry.path) != self._skipped:
                        yield from self._files(Path(entry.path))
                elif entry.is_file():
                    yield entry
