"""A package that NCBI does not deliver in one piece: its records are listed, downloaded in parts, and joined."""

import hashlib
import json
import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO

from virus_warehouse.ncbi.client import DatasetsClient, Download, Progress
from virus_warehouse.ncbi.errors import DatasetsError, DatasetsUnavailable, PackageError, RequestRefused
from virus_warehouse.ncbi.joined_package import join_packages
from virus_warehouse.ncbi.listing import list_accessions
from virus_warehouse.ncbi.package import DATA_REPORT, DataPackage
from virus_warehouse.ncbi.request import AccessionsRequest, VirusGenomeRequest
from virus_warehouse.parts_folder import ListedRecords, Part, PartsFolder, name_of
from virus_warehouse.run_journal import RunJournal
from virus_warehouse.wording import counted

MOST_RECORDS = 50_000
"""In one part: NCBI answers with an error to about 65,000 accessions (NCBI issue #296)."""

_AGAIN = "again-"
"""Begins the name of a part with records that others lacked."""

_LONGEST_LINE = 1024 * 1024
"""Bytes of a line whose accession is read; NCBI's have some ten thousand."""

_SHOWN, _MOST_NAMED = 10, 1000
"""Accessions in a message, and in the run file."""

logger = logging.getLogger(__name__)


class NotDelivered(DatasetsUnavailable):
    """NCBI lists records that it does not deliver."""


@dataclass
class PackageInParts:
    """The download of one package in parts. The folder must be locked.

    Attributes:
        request: the request for the whole package.
        client: the client to download with.
        folder: for the parts; what is there already is not downloaded again.
        journal: the run's journal, which has the progress.
        verify: checks a downloaded package; raises `PackageError`.
        on_progress: called every few seconds of the download of a part.
        needs_all: whether every listed record has to arrive: in a full load, one that does not would be taken for
            withdrawn or filtered out. In others, a later load has it.
    """

    request: VirusGenomeRequest
    client: DatasetsClient
    folder: PartsFolder
    journal: RunJournal
    verify: Callable[[Path], None]
    on_progress: Callable[[Progress], None]
    needs_all: bool
    _part_records: int = field(default=MOST_RECORDS, init=False)
    _listed_at: datetime = field(init=False)
    _parts: dict[str, Part] = field(default_factory=dict, init=False)
    _largest: int = field(default=0, init=False)

    def list_records(self, whole_failed: DatasetsError) -> ListedRecords:
        """Ask NCBI which records the package has, and begin the folder with them.

        Args:
            whole_failed: why the package does not come in one piece; raised when it cannot be divided.

        Raises:
            DatasetsError: when NCBI gives no list, or an empty one.
        """
        logger.warning("%s. Downloading it in parts", whole_failed)
        self.folder.clear()
        self.journal.write("download", parts={"listed": 0})
        try:
            listing = list_accessions(self.client, self.request, self.folder.accessions, self._note_page)
        except DatasetsError as error:
            self.folder.remove()
            if isinstance(error, RequestRefused):
                logger.warning("the records cannot be listed: %s", error)
                raise whole_failed from error
            raise error.within(f"{whole_failed} Its records cannot be listed either") from error
        if listing.records == 0:
            self.folder.remove()
            raise whole_failed
        record = self.journal.record
        listed = ListedRecords(
            listing.records,
            listing.requested_at,
            min((listing.records + 1) // 2, MOST_RECORDS),
            whole_failed.attempts,
            record.dag_id,
            record.dag_run_id,
        )
        self.folder.begin(listed)
        return listed

    def download(self, listed: ListedRecords, destination: Path) -> Download:
        """Download the parts that are not there yet, and join all.

        Args:
            listed: the list of the folder.
            destination: the file to write.

        Raises:
            NotDelivered: when NCBI lists records that it does not deliver even if asked again, and all are needed.
            DatasetsError: when a part cannot be downloaded. What has arrived stays, for the next try.
            PackageError: when a part was damaged since it arrived; it is removed, and downloaded again by the next try.
        """
        self._part_records, self._listed_at = listed.part_records, listed.requested_at
        self._parts = {part.name: part for part in self.folder.parts()}
        self._largest = max((path.stat().st_size for path in self.folder.folder.glob("*.zip")), default=0)
        self._get_listed(listed)
        missing = self._missing()
        if missing:
            logger.warning("NCBI lists %s but left them out: asking again", _some(missing))
            self._get_again(sorted(missing))
            missing = self._missing()
        if missing and self.needs_all:
            raise self._not_delivered(listed, missing)
        if missing:
            logger.warning("NCBI lists %s but does not deliver them", _some(missing))
            self.journal.write("download", not_delivered=sorted(missing)[:_MOST_NAMED])
        return self._joined(listed, destination)

    def _get_listed(self, listed: ListedRecords) -> None:
        """Get the parts of the list that are not there yet."""
        arrived = self.folder.arrived()
        with self.folder.open_accessions() as lines:
            first = 0
            while first < listed.records:
                self._note_progress(listed)
                if first in arrived:
                    asked = _take(lines, arrived[first] - first)
                else:
                    end = min((start for start in arrived if start > first), default=listed.records)
                    asked = _take(lines, min(self._part_records, end - first))
                    self._get(asked, first, name_of, listed)
                if not asked:
                    self.folder.remove()  # the next try lists the records again
                    raise PackageError(
                        f"expected {counted(listed.records, 'line')}, found {first}", path=self.folder.accessions
                    )
                first += len(asked)
        self._note_progress(listed)

    def _get_again(self, missing: list[str]) -> None:
        """Ask again for records that parts lacked."""
        number = 1 + max((int(name.split("-")[1]) for name in self._parts if name.startswith(_AGAIN)), default=0)
        self._get(missing, 0, lambda first, _: f"{_AGAIN}{number:04}-{first:09}")

    def _get(
        self, asked: list[str], first: int, name: Callable[[int, int], str], listed: ListedRecords | None = None
    ) -> None:
        """Download these records, in smaller parts where NCBI does not deliver them together.

        Args:
            asked: the accessions.
            first: the number of the first of them.
            name: gives the name of a part from the numbers of its first record and the one after its last.
            listed: the list, to note the progress.
        """
        while asked:
            some = asked[: self._part_records]
            try:
                self._download(some, name(first, first + len(some)))
            except DatasetsError as error:
                if not error.fewer_may_succeed:
                    raise
                if len(some) == 1:
                    raise error.within(f"NCBI delivers no package of {some[0]}, even alone") from error
                self._part_records = (len(some) + 1) // 2
                self.folder.note_part_records(self._part_records, error.attempts)
                logger.warning("%s. Asking for %s at a time", error, counted(self._part_records, "record"))
            else:
                asked, first = asked[len(some) :], first + len(some)
            if listed is not None:
                self._note_progress(listed)

    def _download(self, asked: list[str], name: str) -> None:
        found = _Found(0, frozenset(), 0)

        def accept(path: Path) -> None:
            nonlocal found
            self.verify(path)
            found = _Found.in_package(path, asked)

        request = AccessionsRequest(tuple(asked), self.request)
        package = self.folder.package(name)
        self.folder.drop(package)  # it may be there, of another list
        download = self.client.download(request, package, accept=accept, progress=self.on_progress)
        self._note(name, asked, found, download)
        self._largest = max(self._largest, download.bytes)
        if len(asked) == self._part_records and 4 * download.bytes <= self._largest:
            # Records differ in size: after large ones, a part may have more small ones.
            self._part_records = min(2 * self._part_records, MOST_RECORDS)
            self.folder.note_part_records(self._part_records)
        if download.user_message:
            logger.warning("NCBI says: %s", download.user_message)
            self.journal.write("download", ncbi_says=download.user_message)

    def _note(self, name: str, asked: list[str], found: "_Found", download: Download) -> None:
        """Record what a part has."""
        missing, is_again = found.missing(asked), name.startswith(_AGAIN)
        part = Part(
            name=name,
            listed_at=self._listed_at,
            asked=0 if is_again else len(asked),
            records=found.lines,
            missing=() if is_again else tuple(missing),
            found=tuple(sorted(set(asked).difference(missing))) if is_again else (),
            attempts=download.attempts,
            ncbi_phid=download.ncbi_phid,
            datasets_version=download.datasets_version,
        )
        self.folder.note(part)
        self._parts[name] = part

    def _missing(self) -> set[str]:
        """The accessions that no part has."""
        parts = self._parts.values()
        return {accession for part in parts for accession in part.missing}.difference(*(part.found for part in parts))

    def _not_delivered(self, listed: ListedRecords, missing: Collection[str]) -> NotDelivered:
        return NotDelivered(
            f"NCBI lists {counted(listed.records, 'record')} but does not deliver {_some(missing)}, asked twice. "
            f"A full load needs all of them. The others have arrived and are kept: the next try asks for these alone. "
            f"If this lasts, write to NCBI's support",
            url=AccessionsRequest((), self.request).url(self.client.base_url),
            attempts=self._attempts(),
        )

    def _attempts(self) -> int:
        """The requests for the package and its parts, also those of earlier runs."""
        listed = self.folder.listed()
        return (listed.attempts if listed else 0) + sum(part.attempts for part in self._parts.values())

    def _joined(self, listed: ListedRecords, destination: Path) -> Download:
        parts = [self._parts[name] for name in sorted(self._parts)]
        packages = [DataPackage(self.folder.file(part.name)) for part in parts if part.records]
        sha256 = None
        if packages:
            try:
                join_packages(packages, destination)
            except PackageError as error:
                if error.path is not None:
                    self.folder.drop(error.path)
                raise
            with self.journal.timed("verify"):
                DataPackage(destination).verify(parts=len(packages))
            with destination.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Download(
            path=destination if packages else None,
            url=self.request.url(self.client.base_url),
            requested_at=listed.requested_at,
            attempts=self._attempts(),
            http_status=200,
            ncbi_phid=next((part.ncbi_phid for part in reversed(parts) if part.ncbi_phid), None),
            datasets_version=next((part.datasets_version for part in reversed(parts) if part.datasets_version), None),
            user_message=None,
            bytes=destination.stat().st_size if packages else 0,
            seconds=self.journal.seconds["download"],
            sha256=sha256,
            parts=len(packages),
            not_delivered=len(self._missing()),
        )

    def _note_page(self, records: int, total: int) -> None:
        logger.info("%s of %d listed", counted(records, "record"), total)
        self.journal.write("download", parts={"listed": records})

    def _note_progress(self, listed: ListedRecords) -> None:
        """Write to the run file which parts have arrived."""
        parts = self._parts.values()
        left = listed.records - sum(part.asked for part in parts)
        self.journal.write(
            "download",
            parts={
                "listed": listed.records,
                "arrived": len(parts),
                "expected": len(parts) + -(-left // self._part_records),
                "records": sum(part.records for part in parts),
                "missing": len(self._missing()),
            },
        )


@dataclass(frozen=True)
class _Found:
    """The records of a part.

    Attributes:
        lines: of its data report.
        accessions: of the readable ones, without versions.
        unreadable: the number of others.
    """

    lines: int
    accessions: frozenset[str]
    unreadable: int

    @classmethod
    def in_package(cls, path: Path, asked: Collection[str]) -> "_Found":
        """The records of a package.

        Raises:
            PackageError: when it has records that were not asked for, as when NCBI ignores the accessions.
        """
        package = DataPackage(path)
        if package.is_empty:
            return cls(0, frozenset(), 0)
        lines, unreadable, accessions = 0, 0, set()
        with package.open_report(DATA_REPORT) as report:
            for line in filter(bytes.strip, _lines(report)):
                lines += 1
                accession = _accession(line)
                if accession is None:
                    unreadable += 1
                else:
                    accessions.add(_base(accession))
        if others := accessions - set(map(_base, asked)):
            raise PackageError(
                f"expected the {counted(len(asked), 'record')} asked for, found {counted(len(others), 'other')} such as"
                f" {min(others)}",
                path=path,
            )
        return cls(lines, frozenset(accessions), unreadable)

    def missing(self, asked: Collection[str]) -> list[str]:
        """Those asked for that are not there; none if unreadable lines, which are quarantined, can be all of them."""
        absent = [accession for accession in asked if _base(accession) not in self.accessions]
        return absent if len(absent) > self.unreadable else []


def _lines(report: IO[bytes]) -> Iterator[bytes]:
    """The lines of a report; of one that is too long, its beginning."""
    while line := report.readline(_LONGEST_LINE):
        yield line
        while not line.endswith(b"\n") and (line := report.readline(_LONGEST_LINE)):
            pass


def _accession(line: bytes) -> str | None:
    """The accession of a line of a data report; None when it cannot be read."""
    with suppress(ValueError, RecursionError, TypeError, KeyError):
        accession = json.loads(line)["accession"]
        return accession if isinstance(accession, str) else None
    return None


def _base(accession: str) -> str:
    """An accession without its version: NCBI may have a newer one than it listed."""
    return accession.partition(".")[0]


def _take(lines: Iterator[str], records: int) -> list[str]:
    return [line.strip() for line in islice(lines, records)]


def _some(accessions: Collection[str]) -> str:
    """These accessions in words: their number, and the first."""
    shown = ", ".join(sorted(accessions)[:_SHOWN])
    return f"{counted(len(accessions), 'record')} ({shown}{', ...' if len(accessions) > _SHOWN else ''})"
