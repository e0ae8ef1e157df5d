"""What has arrived of a package that NCBI delivers in parts only: `data/parts/<source>/<request>/`.

It outlives the run that began it, so that after a kill nothing is downloaded twice. In a bucket, a run on another host
goes on with it:

- `accessions.txt`: the accessions of all records, one a line, as NCBI listed them.
- `listing.json`: when that was, and what is known about the size of the parts; it marks the list as complete.
- `<first>-<end>.zip`: the verified package of these lines of the list, and `.json`, what it has. Neither counts alone.
- `again-<number>.zip`: the same for records that another part lacked.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Self

from virus_warehouse.across_hosts import HostBusy, does_a_host, one_host_at_a_time
from virus_warehouse.atomic_file import write_json
from virus_warehouse.bucket.copy import filled, remove_unsent, send
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.failure import Failure
from virus_warehouse.removal import Removed, remove
from virus_warehouse.run_file import is_running, run_lock
from virus_warehouse.warehouse.run_record import RunRecord

KEPT = timedelta(days=2)
"""How long a folder is kept without another part: long enough for the retries of a task, and for the next run."""

_IN_USE = (
    "another run is downloading the same records, in parts. Try again when it has ended: its package serves this run, "
    "too"
)


class PartsInUse(Failure):
    """Another run is downloading the same records in parts."""


@dataclass(frozen=True)
class ListedRecords:
    """The list of a folder.

    Attributes:
        records: the number of accessions.
        requested_at: when NCBI was asked for the list: the parts have each record as it was then, or newer.
        part_records: how many records NCBI delivers in one part, as far as known.
        attempts: the requests that failed, for the whole package or for too many records.
        dag_id, dag_run_id: the run that asked.
    """

    records: int
    requested_at: datetime
    part_records: int
    attempts: int
    dag_id: str | None
    dag_run_id: str | None


@dataclass(frozen=True)
class Part:
    """A part that has arrived.

    Attributes:
        name: of its files, without suffix.
        listed_at: `requested_at` of the list that it is of.
        asked: how many records of the list it is for; 0 for one that was asked for again.
        records: the lines of its data report; 0: its package, if there is one, is empty.
        missing: the accessions that it was to have and lacks.
        found: of a part that was asked for again, the accessions that others lacked and it has.
        attempts: the requests it took.
        ncbi_phid, datasets_version: as in `Download`.
    """

    name: str
    listed_at: datetime
    asked: int
    records: int
    missing: tuple[str, ...]
    found: tuple[str, ...]
    attempts: int
    ncbi_phid: str | None
    datasets_version: str | None


class PartsFolder:
    """The folder of one request.

    Args:
        data: the data folder.
        folder: its path.
    """

    def __init__(self, data: DataFolder, folder: Path) -> None:
        self._data = data
        self.folder = folder
        self.accessions = self.folder / "accessions.txt"
        self._listing = self.folder / "listing.json"
        self._verify_hold: Callable[[], None] = lambda: None

    @classmethod
    def of_request(cls, data: DataFolder, source: str, url: str) -> Self:
        """The folder of a request.

        Args:
            data: the data folder.
            source: name of the source.
            url: of the request for the whole package.
        """
        return cls(data, data.parts / source / hashlib.sha256(url.encode()).hexdigest()[:16])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder, as its only user on any host, with what others have added to it.

        Raises:
            PartsInUse: when another process holds it.
            BucketUnavailable, CatalogUnavailable: when the bucket of the data folder cannot be read, or the lake's
                database, which has the lock.
            LockLost: of what changes it, when the connection that holds it has ended.
        """
        place, name = self.folder.parent, self.folder.name
        place.mkdir(parents=True, exist_ok=True)
        if is_running(place, name):
            raise PartsInUse(_IN_USE)
        with ExitStack() as stack:
            stack.enter_context(run_lock(place, name))
            remove_unsent(self.folder)  # it may be of a list that another host has finished since
            try:
                self._verify_hold = stack.enter_context(
                    one_host_at_a_time(self._data, _lock_of(self.folder), patience=0, with_snapshot=False)
                )
            except HostBusy as busy:
                raise PartsInUse(_IN_USE) from busy
            yield

    def listed(self) -> ListedRecords | None:
        """The complete list of the folder; None without one."""
        if not self.accessions.exists():
            return None
        try:
            content = json.loads(self._listing.read_text(encoding="utf-8"))
            return ListedRecords(**{**content, "requested_at": datetime.fromisoformat(content["requested_at"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None  # none, or another version's: then the records are listed again

    def resumable(self, record: RunRecord, reuse_hours: float) -> ListedRecords | None:
        """The list, if a run may go on with it: one of the same DAG run, or not older than a package to reuse.

        Args:
            record: of the run.
            reuse_hours: age in hours up to which the source reuses a package.
        """
        listed = self.listed()
        if listed is None:
            return None
        is_own = record.dag_run_id is not None and (listed.dag_id, listed.dag_run_id) == (
            record.dag_id,
            record.dag_run_id,
        )
        age = datetime.now(UTC) - listed.requested_at
        return listed if is_own or timedelta(0) <= age <= timedelta(hours=reuse_hours) else None

    def clear(self) -> None:
        """Remove everything, and make the folder again."""
        self.remove()
        self.folder.mkdir(parents=True, exist_ok=True)

    def remove(self) -> Removed:
        """Remove the folder. The list is the first to go: without it, nothing else counts."""
        self._verify_hold()
        return remove(self._listing) + remove(self.folder)

    def remove_if_stale(self) -> Removed:
        """Remove the folder if nothing was added for long, and no run on any host uses it."""
        with suppress(PartsInUse), self.locked():
            if _is_old(self.folder):
                return self.remove()
        return Removed()

    def begin(self, listed: ListedRecords) -> None:
        """Mark the list as complete."""
        self._verify_hold()
        send(self.accessions)
        write_json(self._listing, asdict(listed))

    def note_part_records(self, records: int, failed: int = 0) -> None:
        """Record how many records to ask for in one part from now on.

        Args:
            records: their number.
            failed: the requests that have shown it.
        """
        listed = self.listed()
        if listed is not None:
            self.begin(replace(listed, part_records=records, attempts=listed.attempts + failed))

    def package(self, name: str) -> Path:
        """Where the package of a part is."""
        return self.folder / f"{name}.zip"

    def file(self, name: str) -> Path:
        """The package of a part, to be opened.

        Raises:
            FileNotFoundError: when only a bucket had it, and has not any more.
            BucketUnavailable: when only a bucket has it, and cannot be read.
        """
        return filled(self.package(name))

    def open_accessions(self) -> IO[str]:
        """The list, to be read; raises as `file` does."""
        return filled(self.accessions).open(encoding="ascii")

    def arrived(self) -> dict[int, int]:
        """The parts of the list that are there: of each, the number of its first record and the one after its last."""
        found = (re.fullmatch(r"([0-9]+)-([0-9]+)", part.name) for part in self.parts())
        return {int(match[1]): int(match[2]) for match in found if match}

    def note(self, part: Part) -> None:
        """Record what a part has."""
        self._verify_hold()
        send(self.package(part.name))
        write_json(self.package(part.name).with_suffix(".json"), asdict(part))

    def part(self, name: str) -> Part | None:
        """What a part has; None when that was not recorded."""
        try:
            content = json.loads(self.package(name).with_suffix(".json").read_text(encoding="utf-8"))
            accessions = {key: tuple(content[key]) for key in ("missing", "found")}
            return Part(**{**content, **accessions, "listed_at": datetime.fromisoformat(content["listed_at"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def parts(self) -> list[Part]:
        """The parts of the list that have arrived, in its order; those that were asked for again come last."""
        listed = self.listed()
        if listed is None:
            return []
        names = sorted(file.stem for file in self.folder.glob("*.json") if file != self._listing)
        parts = [part for name in names if (part := self.part(name)) is not None]
        return [part for part in parts if part.listed_at == listed.requested_at and self._has_package(part)]

    def _has_package(self, part: Part) -> bool:
        return part.records == 0 or self.package(part.name).exists()

    def drop(self, package: Path) -> None:
        """Remove the files of a part, so that it is downloaded again."""
        self._verify_hold()
        remove(package.with_suffix(".json"))
        remove(package)


def name_of(first: int, end: int) -> str:
    """The name of the part that has the records from one number up to another, exclusive."""
    return f"{first:09}-{end:09}"


def remove_stale_parts(data: DataFolder) -> Removed:
    """Remove the parts of packages that no run has gone on with for long, of any source.

    Args:
        data: the data folder.

    Raises:
        BucketUnavailable, CatalogUnavailable: as `PartsFolder.locked` does.
    """
    stale = (PartsFolder(data, path).remove_if_stale() if path.is_dir() else remove(path) for path in stale_parts(data))
    return sum(stale, Removed())


def stale_parts(data: DataFolder) -> Iterator[Path]:
    """The folders to which nothing was added for long, and the locks that killed runs left without a folder.

    In the copy of a bucket's folder, those that others have removed stay as empty folders, which are none.

    Raises:
        CatalogUnavailable: when the lake's database, which has the locks, does not respond.
    """
    for folder in data.parts.glob("*/[!.]*"):
        is_left = not data.is_copy or any(folder.glob("*"))  # it may be gone by now, too
        if is_left and _is_old(folder) and not _is_in_use(data, folder):
            yield folder
    for lock in data.parts.glob("*/.*.lock"):
        name = lock.name.removeprefix(".").removesuffix(".lock")
        if not lock.with_name(name).exists() and not is_running(lock.parent, name):
            yield lock


def _is_in_use(data: DataFolder, folder: Path) -> bool:
    return is_running(folder.parent, folder.name) or does_a_host(data, _lock_of(folder))


def _lock_of(folder: Path) -> str:
    return f"parts of {folder.parent.name}: {folder.name}"


def _is_old(folder: Path) -> bool:
    times = [0.0]
    for path in list(folder.glob("*")) or [folder]:  # in a new copy of a bucket, the files alone are as old as they are
        with suppress(FileNotFoundError):  # another run has removed it
            times.append(path.stat().st_mtime)
    return max(times) < time.time() - KEPT.total_seconds()
