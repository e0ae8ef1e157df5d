"""The copy that a host has of a data folder in a bucket.

The bucket is what counts. A process refreshes the copy when it begins, and sends each file right after writing it.
Large files that few processes read are hollow at first: they have their name, size and time, and get their contents
when somebody reads them. A file that was written here moments ago, and is being sent, is left alone by a refresh.
"""

import os
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path, PurePosixPath

from virus_warehouse.bucket.address import bucket_address
from virus_warehouse.bucket.bucket import Bucket, BucketFile
from virus_warehouse.bucket.index import NAME, Index, Indexed
from virus_warehouse.private_files import FOLDER_MODE

SHARED = ("packages", "parts", "sequences", "refused", "runs", "questions", "alerts", "published")
"""The folders that all hosts share. Temporary files and locks stay on their host."""

_NOT_SHARED = (".part", ".wal", ".lock", ".tmp")

SNAPSHOT = "published/virus.duckdb"
PUBLISHED_SEQUENCES = "published/sequences/"

_FEW_READ = (
    "packages/*/*.zip",
    "parts/*/*/*.zip",
    "parts/*/*/accessions.txt",
    "refused/*.zip",
    "sequences/*.parquet",
    "published/candidates/*.duckdb",
)
_DATED = "published/virus-*.duckdb"

SENT_WITHIN_SECONDS = 60
"""A file that was written here longer ago than this, and is not as the bucket's, is not about to be sent."""

_ARRIVING = ".arriving"
_TRANSFERS = 8


class BucketCopy:
    """A folder of this host that is a copy of one in a bucket.

    Args:
        root: the folder, which `Index.create` has marked as a copy.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.index = root, Index(root)
        self.bucket = Bucket(bucket_address(self.index.address, NAME))

    def refresh(self, *, with_snapshot: bool = True, max_age: timedelta = timedelta(0)) -> None:
        """Take over what other hosts have written and removed.

        Args:
            with_snapshot: whether this process reads the published snapshot.
            max_age: nothing is done if that has been done within this time.

        Raises:
            BucketUnavailable: when the bucket cannot be read.
        """
        now = datetime.now(UTC)
        with self.index.reading() as entries:
            known, refreshed_at = entries.all(), entries.refreshed_at  # before the list: what is sent meanwhile is new
        if refreshed_at is not None and now - refreshed_at < max_age:
            return
        there = {file.path: file for file in self.bucket.files() if _is_shared(file.path)}
        for path in known.keys() - there.keys():
            self._follow_removal(known[path])
        wanted = [file for file in there.values() if with_snapshot or not _is_of_snapshot(file.path)]
        changed = [file for file in wanted if self._differs(file, known.get(file.path))]
        for is_text in (False, True):  # what describes a file comes after it
            some = [file for file in changed if _is_text(file.path) == is_text]
            self._take_all(some, known)
        self._remove_old_arrivals()
        if with_snapshot:
            with self.index.writing() as entries:
                entries.note_refresh(now)

    def refresh_file(self, file: Path) -> None:
        """Take over what other hosts have written to a file, or its removal.

        Args:
            file: a path in the folder.

        Raises:
            BucketUnavailable: when the bucket cannot be read.
        """
        path = self._path_of(file)
        with self.index.reading() as entries:
            known = entries.get(path)
        found = self.bucket.file(path)
        if found is not None and self._differs(found, known):
            self._take(found, known)
        elif found is None and known is not None:
            self._follow_removal(known)

    def send(self, place: Path) -> None:
        """Send a file, or all files below a folder, as far as the bucket does not have them like this.

        Args:
            place: a path in the folder.

        Raises:
            BucketUnavailable: when the bucket cannot be written.
        """
        paths = sorted(self._files_of(place), key=lambda path: (_is_text(path), path))
        with self.index.reading() as entries:
            known = {path: entries.get(path) for path in paths}
        for path in paths:
            with suppress(FileNotFoundError):  # another process has removed it
                self._send(path, known[path])

    def remove(self, place: Path) -> None:
        """Remove a file, or a folder with all that is in it, from the bucket. To be called before it is removed here.

        Args:
            place: a path in the folder.

        Raises:
            BucketUnavailable: when the bucket cannot be written.
        """
        self._remove(self._known_in(place))

    def forget_missing(self, folder: Path) -> None:
        """Remove from the bucket what has been removed or renamed here, below a folder.

        Args:
            folder: a path in the folder. Nobody else may be removing files from it.

        Raises:
            BucketUnavailable: when the bucket cannot be written.
        """
        self._remove([path for path in self._known_in(folder) if not (self.root / path).exists()])

    def remove_unsent(self, folder: Path) -> None:
        """Remove here what was written below a folder and not sent; a refresh then brings what the bucket has.

        Args:
            folder: a path in the folder. No process of this host may be writing there.
        """
        with self.index.writing() as entries:
            for path in list(self._files_of(folder)):
                file = self.root / path
                if file.exists() and not _is_as_known(file.stat(), entries.get(path)):
                    file.unlink()
                    entries.drop(path)

    def fill(self, file: Path) -> None:
        """Fetch the contents of a hollow file.

        Args:
            file: a path in the folder; nothing is done if it is not hollow.

        Raises:
            FileNotFoundError: when it has been removed from the bucket.
            BucketUnavailable: when it cannot be read whole.
        """
        path = self._path_of(file)
        with self.index.reading() as entries:
            known = entries.get(path)
        if known is None or not known.is_hollow:
            return
        with self._arriving() as arrived:
            found = self.bucket.fetch(path, arrived)
            with self.index.writing() as entries:
                if entries.get(path) == known:
                    entries.put(self._place(arrived, found))

    def fill_all(self, folder: Path) -> None:
        """Fetch the contents of all hollow files below a folder, but for those that another host removes meanwhile.

        Args:
            folder: a path in the folder.

        Raises:
            BucketUnavailable: when one cannot be read whole.
        """
        with self.index.reading() as entries:
            hollow = entries.hollow_in(self._path_of(folder))
        for path in hollow:
            with suppress(FileNotFoundError):
                self.fill(self.root / path)

    def is_hollow(self, file: Path) -> bool:
        """Whether a file has no contents yet.

        Args:
            file: a path in the folder.
        """
        with self.index.reading() as entries:
            known = entries.get(self._path_of(file))
        return known is not None and known.is_hollow

    def _known_in(self, place: Path) -> list[str]:
        with self.index.reading() as entries:
            return entries.paths_in(self._path_of(place))

    def _remove(self, paths: list[str]) -> None:
        if paths:
            self.bucket.remove(paths)
            with self.index.writing() as entries:
                for path in paths:
                    entries.drop(path)

    def _files_of(self, place: Path) -> Iterator[str]:
        files = [place] if not place.is_dir() else (file for file in place.rglob("*") if file.is_file())
        yield from filter(_is_shared, map(self._path_of, files))

    def _path_of(self, place: Path) -> str:
        return place.relative_to(self.root).as_posix()

    def _send(self, path: str, known: Indexed | None) -> None:
        file = self.root / path
        status = file.stat()
        if _is_as_known(status, known):
            return
        if known is not None and known.is_hollow and known.bytes == status.st_size:  # it was only touched
            self.fill(file)
            os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
        etag = self._send_contents(path, status.st_size)
        sent = Indexed(path, etag, None, status.st_size, status.st_mtime_ns)
        with self.index.writing() as entries:
            if not file.exists() or _is_as_known(file.stat(), sent):  # otherwise it was replaced while it was sent
                entries.put(sent)

    def _send_contents(self, path: str, size: int) -> str:
        if path.startswith(PUBLISHED_SEQUENCES):
            part = path.removeprefix("published/")
            with self.index.reading() as entries:
                stored = entries.get(part)
            if stored is not None and stored.bytes == size:
                return self.bucket.copy(part, path)
        return self.bucket.send(path, self.root / path)

    def _differs(self, file: BucketFile, known: Indexed | None) -> bool:
        if known is None or known.etag != file.etag or not (self.root / file.path).exists():
            return True
        return known.modified_at != file.modified_at

    def _take_all(self, files: list[BucketFile], known: dict[str, Indexed]) -> None:
        if files:
            with ThreadPoolExecutor(_TRANSFERS) as pool:
                for _ in pool.map(lambda file: self._take(file, known.get(file.path)), files):
                    pass

    def _take(self, file: BucketFile, before: Indexed | None) -> None:
        """Replace a file by the bucket's, unless another process of this host has sent or fetched it meanwhile."""
        place = self.root / file.path
        if before is not None and before.etag == file.etag and place.exists():
            self._note_time(file, before)
            return
        with self._arriving() as arrived:
            is_hollow = any(PurePosixPath(file.path).match(pattern) for pattern in (*_FEW_READ, _DATED))
            if is_hollow:
                with arrived.open("wb") as hollow:
                    hollow.truncate(file.bytes)
                found = file
            else:
                try:
                    found = self.bucket.fetch(file.path, arrived)
                except FileNotFoundError:
                    return  # it has been removed since it was listed
            with self.index.writing() as entries:
                if entries.get(file.path) == before and not self._is_about_to_be_sent(place, before):
                    entries.put(self._place(arrived, found, is_hollow=is_hollow))

    def _note_time(self, file: BucketFile, before: Indexed) -> None:
        """Note when the bucket's file was written. Where another host has touched it, it is touched here, too."""
        place = self.root / file.path
        with self.index.writing() as entries:
            if entries.get(file.path) != before:
                return
            mtime_ns = before.mtime_ns
            if before.modified_at is not None:
                mtime_ns = _nanoseconds(file.modified_at)
                with suppress(FileNotFoundError):
                    os.utime(place, ns=(mtime_ns, mtime_ns))
            entries.put(Indexed(file.path, file.etag, file.modified_at, before.bytes, mtime_ns, before.is_hollow))

    def _follow_removal(self, before: Indexed) -> None:
        place = self.root / before.path
        with self.index.writing() as entries:
            if entries.get(before.path) == before and not self._is_about_to_be_sent(place, before):
                place.unlink(missing_ok=True)
                entries.drop(before.path)

    def _is_about_to_be_sent(self, place: Path, known: Indexed | None) -> bool:
        try:
            status = place.stat()
        except FileNotFoundError:
            return False
        return not _is_as_known(status, known) and time.time() - status.st_mtime < SENT_WITHIN_SECONDS

    def _place(self, arrived: Path, found: BucketFile, *, is_hollow: bool = False) -> Indexed:
        place = self.root / found.path
        mtime_ns = _nanoseconds(found.modified_at)
        arrived.chmod(0o440 if _is_final(found.path) else 0o660)
        os.utime(arrived, ns=(mtime_ns, mtime_ns))
        place.parent.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
        arrived.replace(place)
        return Indexed(found.path, found.etag, found.modified_at, found.bytes, mtime_ns, is_hollow)

    @contextmanager
    def _arriving(self) -> Iterator[Path]:
        folder = self.root / _ARRIVING
        folder.mkdir(FOLDER_MODE, exist_ok=True)
        file = folder / secrets.token_hex(8)
        try:
            yield file
        finally:
            file.unlink(missing_ok=True)

    def _remove_old_arrivals(self) -> None:
        """Remove what killed processes have left."""
        for file in (self.root / _ARRIVING).glob("*"):
            with suppress(FileNotFoundError):
                if time.time() - file.stat().st_mtime > timedelta(days=1).total_seconds():
                    file.unlink()


def copy_of(place: Path) -> BucketCopy | None:
    """The copy of a bucket's folder that a path is in; None in a folder of this host alone."""
    return next((_copy(root, os.getpid()) for root in (place, *place.parents) if (root / NAME).exists()), None)


@lru_cache
def _copy(root: Path, process_id: int) -> BucketCopy:
    # By process: the threads of what talks to the bucket do not survive a fork.
    return BucketCopy(root)


def send(place: Path) -> None:
    """Send a file, or all that changed below a folder, to the bucket of a data folder; nothing without one.

    Args:
        place: a path in the data folder.

    Raises:
        BucketUnavailable: when the bucket cannot be written.
    """
    if (copy := copy_of(place)) is not None:
        copy.send(place)


def refreshed(file: Path) -> Path:
    """A file as it is in the bucket of a data folder now: to be changed, say. Nothing is done without a bucket.

    Args:
        file: a path in the data folder.

    Raises:
        BucketUnavailable: when the bucket cannot be read.
    """
    if (copy := copy_of(file)) is not None:
        copy.refresh_file(file)
    return file


def removing(place: Path) -> None:
    """Remove a file or folder from the bucket of a data folder, before it is removed here; nothing without a bucket.

    Args:
        place: a path in the data folder.

    Raises:
        BucketUnavailable: when the bucket cannot be written.
    """
    if (copy := copy_of(place)) is not None:
        copy.remove(place)


def forget_missing(folder: Path) -> None:
    """Remove from the bucket of a data folder what has been removed or renamed here; nothing without a bucket.

    Args:
        folder: a folder in the data folder.

    Raises:
        BucketUnavailable: when the bucket cannot be written.
    """
    if (copy := copy_of(folder)) is not None:
        copy.forget_missing(folder)


def remove_unsent(folder: Path) -> None:
    """Remove what killed processes of this host wrote below a folder and did not send; nothing without a bucket.

    To be called before the data folder is refreshed, which then brings what the bucket has in place of it.

    Args:
        folder: a folder in the data folder. No process of this host may be writing there.
    """
    if (copy := copy_of(folder)) is not None:
        copy.remove_unsent(folder)


def filled(file: Path) -> Path:
    """A file with its contents, which are fetched from the bucket if only that has them.

    Args:
        file: a path in the data folder.

    Raises:
        FileNotFoundError: when it has been removed from the bucket.
        BucketUnavailable: when it cannot be read whole.
    """
    if (copy := copy_of(file)) is not None:
        copy.fill(file)
    return file


def fetch_all(*folders: Path) -> None:
    """Fetch the contents of all files below folders of a data folder in a bucket; nothing without a bucket.

    Args:
        folders: paths in the data folder.

    Raises:
        BucketUnavailable: when one cannot be read whole.
    """
    for folder in folders:
        if (copy := copy_of(folder)) is not None:
            copy.fill_all(folder)


def _is_shared(path: str) -> bool:
    parts = path.split("/")
    return (
        parts[0] in SHARED
        and len(parts) > 1
        and not any(part.startswith(".") or part.endswith(_NOT_SHARED) for part in parts)
    )


def _is_text(path: str) -> bool:
    return path.endswith((".json", ".sql"))


def _is_of_snapshot(path: str) -> bool:
    return path == SNAPSHOT or path.startswith(PUBLISHED_SEQUENCES)


def _is_final(path: str) -> bool:
    """Whether a file is never changed in place."""
    return path.endswith(".parquet") or path == SNAPSHOT or PurePosixPath(path).match(_DATED)


def _is_as_known(status: os.stat_result, known: Indexed | None) -> bool:
    return known is not None and (known.bytes, known.mtime_ns) == (status.st_size, status.st_mtime_ns)


def _nanoseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
