"""The data folder, `VIRUS_DATA`: the warehouse file and everything beside it."""

import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from virus_warehouse.private_files import FOLDER_MODE
from virus_warehouse.settings import SettingError

_PACKAGES = Path(__file__).parents[1]
CHECKOUT = _PACKAGES.parent if _PACKAGES.name == "include" else None
"""The checkout that this package is run from; None where it is installed as a wheel."""


LAKE_PREFIX = "ducklake:"
"""How `VIRUS_WAREHOUSE` begins where it is the address of a lake and not the path of a file."""


def default_root() -> Path:
    """The data folder without `VIRUS_DATA`: `data/` of the checkout, or the user's own data folder."""
    return CHECKOUT / "data" if CHECKOUT else user_data_path("virus-warehouse")


def nothing_published(snapshot: Path) -> str:
    """What a command says when there is no snapshot, and what to do."""
    return f"Nothing is published as {snapshot} yet. `virus-warehouse run SOURCE` loads and publishes a source."


class DataFolderError(SettingError, OSError):
    """The data folder cannot be found or created; says where, and how to fix it."""


@dataclass(frozen=True)
class DataFolder:
    """A data folder and the paths in it."""

    root: Path

    @classmethod
    def from_environment(cls) -> "DataFolder":
        """The folder that `VIRUS_DATA` names, or `default_root()`, created when missing.

        Raises:
            DataFolderError: when it cannot be created or written.
        """
        folder = cls.to_read()
        folder.create()
        return folder

    @classmethod
    def to_read(cls) -> "DataFolder":
        """The folder as `from_environment` has it, of which nothing is created, for those who only read."""
        return cls(Path(os.environ.get("VIRUS_DATA") or default_root()).absolute())

    @property
    def warehouse(self) -> Path:
        """The warehouse file that `VIRUS_WAREHOUSE` names, or `warehouse.duckdb` here.

        Raises:
            DataFolderError: when `VIRUS_WAREHOUSE` names the snapshot, or a lake.
        """
        if self.is_beside_a_lake:
            raise DataFolderError("this works with a warehouse file, and VIRUS_WAREHOUSE is the address of a lake")
        path = Path(os.environ.get("VIRUS_WAREHOUSE") or self.root / "warehouse.duckdb").absolute()
        if path == self.snapshot:
            raise DataFolderError(f"VIRUS_WAREHOUSE is {path}, the published snapshot; name another file, or unset it")
        return path

    @property
    def is_beside_a_lake(self) -> bool:
        """Whether `VIRUS_WAREHOUSE` is the address of a lake, so that there is no warehouse file."""
        return os.environ.get("VIRUS_WAREHOUSE", "").startswith(LAKE_PREFIX)

    @property
    def filled(self) -> tuple[Path, ...]:
        """The folders that loads fill: this one, and that of a warehouse file elsewhere."""
        return (self.root,) if self.is_beside_a_lake else (self.root, self.warehouse.parent)

    @property
    def packages(self) -> Path:
        """Verified packages, a folder a source: what a retry reads and a rebuild starts from."""
        return self.root / "packages"

    @property
    def parts(self) -> Path:
        """What has arrived of packages that NCBI delivers in parts only, a folder a source."""
        return self.root / "parts"

    @property
    def sequences(self) -> Path:
        """The sequence store: the letters of all sequences, in Parquet files."""
        return self.root / "sequences"

    @property
    def refused(self) -> Path:
        """Damaged packages, kept for inspection."""
        return self.root / "refused"

    @property
    def runs(self) -> Path:
        """The run files: the state of every run, in JSON."""
        return self.root / "runs"

    @property
    def questions(self) -> Path:
        """The saved questions of the Console."""
        return self.root / "questions"

    @property
    def alerts(self) -> Path:
        """The journal of the alerts: what is open, and who has been informed."""
        return self.root / "alerts"

    @property
    def temporary(self) -> Path:
        """A folder for each running run: downloads, unpacked reports and spilled data."""
        return self.root / "temporary"

    @property
    def pace(self) -> Path:
        """How far NCBI's limits are used up, a file a limit, which all processes of this host share."""
        return self.root / "pace"

    @property
    def published(self) -> Path:
        """The published snapshot, its manifest, and dated snapshots: what a web server may serve."""
        return self.root / "published"

    @property
    def candidates(self) -> Path:
        """Copies of the warehouse that are checked before publication."""
        return self.published / "candidates"

    @property
    def snapshot(self) -> Path:
        """The published snapshot, the file to query."""
        return self.published / "virus.duckdb"

    @property
    def manifest(self) -> Path:
        """The manifest of the published snapshot."""
        return self.published / "latest.json"

    @property
    def published_sequences(self) -> Path:
        """The letters of the snapshot's sequences: links to files of the sequence store."""
        return self.root / "published" / "sequences"

    def create(self) -> None:
        """Create all missing folders, accessible to this user and its group only.

        Raises:
            DataFolderError: when one cannot be created or written.
        """
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            below = (
                self.packages,
                self.parts,
                self.sequences,
                self.refused,
                self.runs,
                self.questions,
                self.alerts,
                self.pace,
                self.temporary,
                self.published,
                self.candidates,
            )
            for place in (self.root, *below):
                place.mkdir(FOLDER_MODE, exist_ok=True)
                if not os.access(place, os.W_OK):
                    raise PermissionError(13, "not writable", str(place))
        except OSError as error:
            raise DataFolderError(
                f"the data folder {self.root} cannot be used: {error.filename}: {error.strerror}. "
                f"Set VIRUS_DATA to a writable folder, or make this one writable."
            ) from error


class NoSnapshot(FileNotFoundError):
    """Nothing has been published yet.

    Args:
        data: the data folder.
    """

    def __init__(self, data: DataFolder) -> None:
        super().__init__(f"nothing has been published to {data.snapshot} yet: run a source's DAG once")
