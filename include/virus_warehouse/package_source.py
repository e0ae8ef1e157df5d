"""Where a run gets its package from: an earlier try, another run that covers the window, or NCBI."""

import hashlib
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from virus_warehouse.archive import Archive, ArchivedPackage
from virus_warehouse.bucket.copy import send
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.failure import Failure, PermanentFailure
from virus_warehouse.ncbi.client import DatasetsClient, Download, Progress
from virus_warehouse.ncbi.errors import DatasetsError, PackageError
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.package_in_parts import PackageInParts
from virus_warehouse.package_reuse import ReusablePackages
from virus_warehouse.parts_folder import ListedRecords, PartsFolder, PartsInUse
from virus_warehouse.run_journal import RunJournal
from virus_warehouse.run_mode import FULL
from virus_warehouse.sources import Source
from virus_warehouse.windows import Window
from virus_warehouse.wording import counted

logger = logging.getLogger(__name__)

OnProgress = Callable[[Progress], None]


class EmptyFullLoad(Failure):
    """NCBI returned nothing for a full load, which is more likely a fault than the truth."""


class ArchivedPackageDamaged(PermanentFailure):
    """The archived package of a stopped run is not the one that was verified."""


@dataclass
class PackageSource:
    """Gets the package of one run, and notes its origin in the run's record.

    Attributes:
        source: the source.
        client: the client to download with.
        data: the data folder.
        archive: the source's archive.
        journal: the run's journal.
        temporary: the run's temporary folder, for the download.
        may_reuse_own: whether no try of the same DAG run has committed, so that an earlier try's package can be used.
        on_progress: called every few seconds of the download.
        approved: the package of a stopped run to use; None to get one that serves the window.
    """

    source: Source
    client: DatasetsClient
    data: DataFolder
    archive: Archive
    journal: RunJournal
    temporary: Path
    may_reuse_own: bool
    on_progress: OnProgress | None
    approved: ArchivedPackage | None = None

    def fetch(self, window: Window) -> DataPackage | None:
        """The package of the window; None when no record matches.

        Raises:
            EmptyFullLoad: when no record matches a full load, and the source does not allow that.
            ArchivedPackageDamaged: when the approved package has changed.
            RequestRefused, DatasetsUnavailable: as the client does.
        """
        archived = self._archived(window)
        path = self._download(window) if archived is None else self._use(archived)
        if path is not None:
            self.journal.record.package_path = str(path.relative_to(self.data.root))
        package = None if path is None else DataPackage(path)
        if package is not None and not package.is_empty:
            return package
        if window.mode == FULL and not self.source.allow_empty:
            raise EmptyFullLoad(
                f"NCBI has no records for source {self.source.name} ({self.journal.record.request_url}). If that is "
                f"correct, set allow_empty: true for the source; otherwise check its taxon and filters."
            )
        return None

    def _archived(self, window: Window) -> ArchivedPackage | None:
        if self.approved is not None:
            return self._verified(self.approved)
        reusable, record = ReusablePackages(self.source, self.archive), self.journal.record
        own = reusable.of_earlier_try(record, window) if record.dag_run_id is not None and self.may_reuse_own else None
        return own or reusable.covering(window)

    def _verified(self, package: ArchivedPackage) -> ArchivedPackage:
        path = self.archive.file(package.run_id)
        with self.journal.timed("verify"), path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 != package.sha256:
            raise ArchivedPackageDamaged(
                f"{path.relative_to(self.data.root)} was changed since it was verified (SHA-256 {sha256} instead of "
                f"{package.sha256}). Load the source in full again, with a new download"
            )
        return package

    def _use(self, archived: ArchivedPackage) -> Path:
        record = self.journal.record
        record.attempts = 0
        record.request_url, record.requested_at = archived.request_url, archived.requested_at
        record.http_status, record.ncbi_phid = archived.http_status, archived.ncbi_phid
        record.datasets_version = archived.datasets_version
        record.package_bytes, record.package_sha256 = archived.bytes, archived.sha256
        logger.info("reusing the package archived by run %s", archived.run_id)
        if archived.parts is not None:
            self._remove_parts(archived)
        if archived.not_delivered:
            logger.warning(
                "it lacks %s that NCBI listed but did not deliver", counted(archived.not_delivered, "record")
            )
        return self.archive.file(archived.run_id)

    def _remove_parts(self, archived: ArchivedPackage) -> None:
        """Remove the parts of an archived package, if a kill has prevented that."""
        folder = PartsFolder.of_request(self.data, self.source.name, archived.request_url)
        if not _is_of(folder, archived):
            return
        with suppress(PartsInUse), folder.locked():
            if _is_of(folder, archived):
                folder.remove()

    def _download(self, window: Window) -> Path | None:
        """Download the package; in parts when NCBI does not deliver it in one piece."""
        record = self.journal.record
        request = self.source.request_since(window.updated_since, with_sequences=window.with_sequences)
        record.request_url = request.url(self.client.base_url)
        self.journal.write("download")
        folder = PartsFolder.of_request(self.data, self.source.name, record.request_url)
        whole_failed: DatasetsError | None = None
        if self._begun_in_parts(folder) is None:
            try:
                return self._keep(window, self._download_whole(request))
            except DatasetsError as error:
                if not error.fewer_may_succeed:
                    raise
                whole_failed = error
        with folder.locked():
            path = self._keep(window, self._download_in_parts(request, window, folder, whole_failed))
            folder.remove()
            return path

    def _begun_in_parts(self, folder: PartsFolder) -> ListedRecords | None:
        """The list of a download in parts that can go on; None if there is none, or its package is archived."""
        listed = folder.resumable(self.journal.record, self.source.reuse_hours)
        url = self.journal.record.request_url
        if listed is not None and any(
            (package.request_url, package.requested_at) == (url, listed.requested_at)
            for package in self.archive.packages()
        ):
            return None
        return listed

    def _download_whole(self, request: VirusGenomeRequest) -> Download:
        with self.journal.timed("download"):
            return self.client.download(
                request,
                self.temporary / "package.zip",
                accept=self._verify_or_set_aside,
                progress=self._report_progress,
            )

    def _download_in_parts(
        self, request: VirusGenomeRequest, window: Window, folder: PartsFolder, whole_failed: DatasetsError | None
    ) -> Download:
        parts = PackageInParts(
            request,
            self.client,
            folder,
            self.journal,
            self._verify_or_set_aside,
            self._report_progress,
            needs_all=window.mode == FULL,
        )
        with self.journal.timed("download"):
            listed = self._begun_in_parts(folder)
            if listed is None:
                if whole_failed is None:
                    raise PartsInUse(
                        "what had arrived of these records has just been removed: their package is in the archive, or "
                        "they have to be downloaded again. Try again"
                    )
                listed = parts.list_records(whole_failed)
            return parts.download(listed, self.temporary / "package.zip")

    def _keep(self, window: Window, download: Download) -> Path | None:
        """Note the download in the run's record, and move its package into the archive; None if it is empty."""
        record = self.journal.record
        record.requested_at, record.attempts = download.requested_at, download.attempts
        record.http_status, record.ncbi_phid = download.http_status, download.ncbi_phid
        record.datasets_version = download.datasets_version
        if download.user_message:
            logger.warning("NCBI says: %s", download.user_message)
            self.journal.write("download", ncbi_says=download.user_message)
        if download.path is None:
            return None
        record.package_bytes, record.package_sha256 = download.bytes, download.sha256
        self.journal.write("archive")
        with self.journal.timed("archive"):
            return self.archive.keep(self._to_archive(window, download), download.path)

    def _to_archive(self, window: Window, download: Download) -> ArchivedPackage:
        record = self.journal.record
        return ArchivedPackage(
            run_id=record.run_id,
            source=self.source.name,
            mode=window.mode,
            is_census=window.is_census,
            fingerprint=self.source.fingerprint,
            dag_id=record.dag_id,
            dag_run_id=record.dag_run_id,
            updated_since=window.updated_since,
            until=window.until,
            request_url=download.url,
            requested_at=download.requested_at,
            http_status=download.http_status,
            ncbi_phid=download.ncbi_phid,
            datasets_version=download.datasets_version,
            bytes=download.bytes,
            sha256=download.sha256 or "",
            parts=download.parts,
            not_delivered=download.not_delivered,
        )

    def _verify_or_set_aside(self, path: Path) -> None:
        """Verify a downloaded package; keep a damaged one aside for inspection."""
        with self.journal.timed("verify"):
            try:
                DataPackage(path).verify()
            except PackageError as error:
                name = f"{self.journal.record.run_id}-{secrets.token_hex(2)}.zip"
                kept = path.replace(self.data.refused / name)
                send(kept)
                raise PackageError(error.reason, path=kept, member=error.member) from error

    def _report_progress(self, progress: Progress) -> None:
        rate = progress.bytes_per_second / 1e6
        logger.info(
            "%.1f MB in %.1f s (%.1f MB/s), attempt %d",
            progress.bytes / 1e6,
            progress.seconds,
            rate,
            progress.attempt,
        )
        self.journal.write(
            "download", bytes=progress.bytes, megabytes_per_second=round(rate, 2), attempt=progress.attempt
        )
        if self.on_progress is not None:
            self.on_progress(progress)


def _is_of(folder: PartsFolder, archived: ArchivedPackage) -> bool:
    """Whether the parts in a folder are those of an archived package."""
    listed = folder.listed()
    return listed is not None and listed.requested_at == archived.requested_at
