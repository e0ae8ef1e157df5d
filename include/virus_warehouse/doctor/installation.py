"""What the checks examine: an installation as the environment describes it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import log_of
from virus_warehouse.failure import UsageError


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Installation:
    """An installation.

    Attributes:
        data: its data folder, which may be missing.
        offline: whether nothing may be asked of the network.
        airflow_url: the address of Airflow's API server; None when it is not known.
        now: the present.
    """

    data: DataFolder = field(default_factory=DataFolder.to_read)
    offline: bool = False
    airflow_url: str | None = None
    now: Callable[[], datetime] = _now

    @property
    def warehouse(self) -> Path:
        """The warehouse file that the command uses.

        Raises:
            InLake: when the warehouse is a lake.
            NotExaminable: when the setting that names it cannot be used, which is a finding of another check.
        """
        if self.data.is_beside_a_lake:
            raise InLake
        try:
            return self.data.warehouse
        except UsageError as error:
            raise NotExaminable(f"There is no warehouse file to look at: {error}.", "settings") from error

    @property
    def warehouse_files(self) -> tuple[Path, ...]:
        """The warehouse file and its write-ahead log, whether they exist or not; none for a lake.

        Raises:
            NotExaminable: as for `warehouse`.
        """
        try:
            return self.warehouse, log_of(self.warehouse)
        except InLake:
            return ()


class InLake(Exception):
    """A check is of a warehouse file, and the warehouse is a lake."""


class NotExaminable(Exception):
    """A check needs what another check has found to be broken.

    Attributes:
        other: the name of that check.
    """

    def __init__(self, reason: str, other: str) -> None:
        super().__init__(reason)
        self.other = other


def existing_folder(path: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
