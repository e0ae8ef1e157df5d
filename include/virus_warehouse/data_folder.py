"""The data folder, `VIRUS_DATA`: the warehouse file and everything beside it.

It can be in a bucket, beside a lake: then each host works in a copy of it, `VIRUS_DATA_COPY`.
"""

import os
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from platformdirs import user_cache_path, user_data_path

from virus_warehouse.bucket.address import BucketAddress, bucket_address, is_bucket
from virus_warehouse.bucket.copy import copy_of
from virus_warehouse.bucket.index import Index
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
    def from_environment(cls, *, with_snapshot: bool = True, max_age: timedelta = timedelta(0)) -> "DataFolder":
        """The folder that `VIRUS_DATA` names, or `default_root()`, created when missing.

        One that is in a bucket is copied, as far as it has changed.

        Args:
            with_snapshot: whether the published snapshot is read or replaced; else it is not fetched from a bucket.
            max_age: a copy that was refreshed within this time is good enough.

        Raises:
            DataFolderError: when it cannot be created or written, or is in a bucket without a lake.
            BucketUnavailable: when the bucket cannot be read.
        """
        address, folder = bucket_of_environment(), cls.to_read()
        if address is not None:
            folder.refuse_without_lake(address)
        folder.create()
        if address is not None:
            folder._copy_from(address)
            folder.refresh(with_snapshot=with_snapshot, max_age=max_age)
        return folder

    @classmethod
    def to_query(cls) -> "DataFolder":
        """The folder with what is published now, for those who only read that; of a plain folder, nothing is created.

        Raises:
            DataFolderError: when the copy of a bucket's folder cannot be created or written.
            BucketUnavailable: when the bucket cannot be read.
        """
        address, folder = bucket_of_environment(), cls.to_read()
        if address is not None:
            folder.create()
            folder._copy_from(address)
            folder.refresh()
        return folder

    @classmethod
    def to_read(cls) -> "DataFolder":
        """The folder as `from_environment` has it, of which nothing is created or fetched, for those who only read.

        Raises:
            SettingError: when `VIRUS_DATA` begins like the address of a bucket, and is none.
        """
        address = bucket_of_environment()
        root = os.environ.get("VIRUS_DATA") if address is None else _place_of_copy(address)
        return cls(Path(root or default_root()).absolute())

    def refresh(self, *, with_snapshot: bool = True, max_age: timedelta = timedelta(0)) -> None:
        """Take over what other hosts have changed in the bucket that this is a copy of; nothing without one.

        Args:
            with_snapshot: whether the published snapshot is to be read or replaced.
            max_age: a copy that was refreshed within this time is good enough.

        Raises:
            BucketUnavailable: when the bucket cannot be read.
        """
        if (copy := copy_of(self.root)) is not None:
            copy.refresh(with_snapshot=with_snapshot, max_age=max_age)

    @property
    def is_copy(self) -> bool:
        """Whether it is a copy of a folder in a bucket, which other hosts write, too."""
        return copy_of(self.root) is not None

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

    def refuse_without_lake(self, address: BucketAddress) -> None:
        """Refuse a data folder in a bucket beside a warehouse file.

        Args:
            address: of the bucket's folder.

        Raises:
            DataFolderError: when the warehouse is a file.
        """
        if not self.is_beside_a_lake:
            raise DataFolderError(
                f"VIRUS_DATA is {address}: a data folder in a bucket needs a lake, whose database has the locks. Set "
                f"VIRUS_WAREHOUSE to its address, or VIRUS_DATA to a folder (docs/scaling.md)"
            )

    def _copy_from(self, address: BucketAddress) -> None:
        """Mark this as a copy of the folder in a bucket, before it is one.

        Raises:
            DataFolderError: when it is something else.
        """
        if not self.is_copy and any(file.is_file() for file in self.packages.rglob("*")):
            raise DataFolderError(
                f"{self.root} is a data folder of its own, and VIRUS_DATA is {address}. Set VIRUS_DATA_COPY to an "
                f"empty folder, which then has a copy of the bucket's"
            )
        copied = Index(self.root).create(str(address))
        if copied != str(address):
            raise DataFolderError(
                f"{self.root} is a copy of {copied}, and VIRUS_DATA is {address}. Set VIRUS_DATA_COPY to another "
                f"folder, or delete this one when nothing runs"
            )

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
            setting = "VIRUS_DATA" if bucket_of_environment() is None else "VIRUS_DATA_COPY"
            raise DataFolderError(
                f"the data folder {self.root} cannot be used: {error.filename}: {error.strerror}. "
                f"Set {setting} to a writable folder, or make this one writable."
            ) from error


def bucket_of_environment() -> BucketAddress | None:
    """The address of the bucket's folder that `VIRUS_DATA` names; None where it names a folder of this host.

    Raises:
        SettingError: when it begins like an address, and is none.
    """
    named = os.environ.get("VIRUS_DATA", "")
    return bucket_address(named, "VIRUS_DATA") if is_bucket(named) else None


def _place_of_copy(address: BucketAddress) -> Path:
    named = os.environ.get("VIRUS_DATA_COPY")
    name = re.sub(r"[^a-z0-9.-]+", "-", f"{address.bucket}-{address.prefix}".lower()).strip("-")
    return Path(named) if named else user_cache_path("virus-warehouse") / name


class NoSnapshot(FileNotFoundError):
    """Nothing has been published yet.

    Args:
        data: the data folder.
    """

    def __init__(self, data: DataFolder) -> None:
        super().__init__(f"nothing has been published to {data.snapshot} yet: run a source's DAG once")
