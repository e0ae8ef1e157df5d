"""Which archived package a run may load instead of asking NCBI for another."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from virus_warehouse.archive import ACCEPTED, REFUSED, Archive, ArchivedPackage
from virus_warehouse.ncbi.errors import PackageError
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.run_mode import WINDOW
from virus_warehouse.sequences.molecule import Molecule
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.run_record import RunRecord
from virus_warehouse.windows import Window

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReusablePackages:
    """The archived packages of a source.

    Attributes:
        source: the source.
        archive: its archive.
    """

    source: Source
    archive: Archive

    def of_earlier_try(self, record: RunRecord, window: Window) -> ArchivedPackage | None:
        """The package of an earlier, uncommitted try of the same DAG run, to avoid downloading it again."""
        wanted = (record.dag_id, record.dag_run_id, self.source.fingerprint, window.updated_since)
        return self._first(
            lambda package: (
                package.state != REFUSED
                and package.has_sequences(self._molecules(window))
                and (package.dag_id, package.dag_run_id, package.fingerprint, package.updated_since) == wanted
            )
        )

    def covering(self, window: Window) -> ArchivedPackage | None:
        """A recent package that covers a window: requested after its end, from its start or earlier.

        Only committed packages count: what a gate refused must not stand for other days.
        """
        if window.mode != WINDOW or window.updated_since is None or window.until is None:
            return None
        since, now = window.updated_since, datetime.now(UTC)
        earliest = max(
            now - timedelta(hours=self.source.reuse_hours), datetime.combine(window.until, datetime.min.time(), UTC)
        )
        return self._first(
            lambda package: (
                package.state == ACCEPTED
                and package.has_sequences(self._molecules(window))
                and package.fingerprint == self.source.fingerprint
                and earliest <= package.requested_at <= now
                and (package.updated_since is None or package.updated_since <= since)
            )
        )

    def _molecules(self, window: Window) -> list[Molecule]:
        return self.source.molecules if window.with_sequences else []

    def _first(self, serves: Callable[[ArchivedPackage], bool]) -> ArchivedPackage | None:
        return next(
            (package for package in self.archive.packages() if serves(package) and self._is_usable(package)), None
        )

    def _is_usable(self, package: ArchivedPackage) -> bool:
        """Whether it is intact and not empty: an empty package is never reused.

        It was verified on arrival, and each member's CRC is checked on reading.
        """
        try:
            if not self.archive.is_whole(package):
                raise PackageError(f"expected {package.bytes} bytes", path=self.archive.path(package.run_id))
            return not DataPackage(self.archive.file(package.run_id)).is_empty
        except (PackageError, OSError) as error:
            logger.warning("the archived package of run %s cannot be used: %s", package.run_id, error)
            return False
