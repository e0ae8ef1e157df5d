"""A warehouse in a DuckDB file, which one process at a time can open to write.

While one DuckDB process writes a file, no other can read it; a second one fails at once.
"""

import errno
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.database_file import log_of
from virus_warehouse.failure import PermanentFailure
from virus_warehouse.session import SessionSettings
from virus_warehouse.settings import SettingError
from virus_warehouse.sql_file import sql_text
from virus_warehouse.warehouse import migrate
from virus_warehouse.warehouse.copy import copy_warehouse
from virus_warehouse.warehouse.storage import LakeState, StorageBusy

_LOCKED = ("Could not set lock on file", "Unique file handle conflict")
"""DuckDB's messages when another process, or another connection of this one, has the file open."""

_DAMAGED = ("Failure while replaying WAL file", "not a valid DuckDB database file", "Corrupt database file")
"""DuckDB's messages for a damaged file or write-ahead log."""

_UNUSABLE = tuple(
    os.strerror(number)
    for number in (
        errno.EACCES,
        errno.EEXIST,
        errno.EISDIR,
        errno.ENAMETOOLONG,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EPERM,
        errno.EROFS,
    )
)
"""The system's messages when a file cannot be opened or created at a path, which DuckDB repeats."""


class WarehouseDamaged(PermanentFailure, duckdb.Error):
    """The warehouse file or its write-ahead log cannot be read; nothing was changed."""


class WarehouseUnusable(SettingError):
    """There can be no warehouse file at this path."""


class FileStorage:
    """The tables of a warehouse in a DuckDB file.

    Args:
        file: its path; its folder is created when missing.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    @property
    def location(self) -> str:
        """The path of the file."""
        return str(self.file)

    @property
    def setting(self) -> str:
        """The path of the file."""
        return str(self.file)

    @property
    def shown_setting(self) -> str:
        """The path of the file."""
        return str(self.file)

    @property
    def folder(self) -> None:
        """None: the file may be in any folder."""

    @property
    def session_settings(self) -> SessionSettings:
        """None: any session will do."""
        return {}

    def exists(self) -> bool:
        """Whether there is a file."""
        return self.file.exists()

    def attach(self, session: DuckDBPyConnection, name: str = "warehouse", *, patience: float = 0.0) -> None:
        """Attach the file to a session, which locks it.

        Args:
            session: where it is attached.
            name: what it is called there.
            patience: makes no difference: a file has no queue.

        Raises:
            StorageBusy: when another process, or another connection of this one, has it open.
        """
        _unless_locked(lambda: session.execute(f"ATTACH {sql_text(self.file)} AS {name}"))

    def attach_to_read(self, session: DuckDBPyConnection) -> None:
        """Attach the file to a session as `warehouse`, to read; until it is detached nobody can write it.

        Raises:
            StorageBusy: when another process is writing it.
        """
        _unless_locked(lambda: session.execute(f"ATTACH {sql_text(self.file)} AS warehouse (READ_ONLY)"))

    def verify_hold(self, session: DuckDBPyConnection) -> None:
        """Nothing to do: the system keeps the lock for as long as the file is open."""

    def detach(self, session: DuckDBPyConnection, name: str = "warehouse") -> None:
        """Detach the file, which writes a checkpoint and releases it.

        Args:
            session: where it is attached.
            name: what it is called there.

        Raises:
            duckdb.Error: when the checkpoint failed; the write-ahead log has all that was committed.
        """
        session.execute(f"DETACH {name}")

    def freeze(self, session: DuckDBPyConnection) -> None:
        """Nothing to do: nobody else can write the file while it is attached."""

    def has_state(self, state: LakeState) -> bool:
        """Never: a file has no past states.

        Args:
            state: of a lake.
        """
        return False

    def attach_statements(self, state: LakeState, name: str, user: str | None = None) -> str:
        """Nothing: nobody attaches the file, but the snapshot.

        Args:
            state: of a lake.
            name: what it is called.
            user: who reads it.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{self.location} has no state {state}")

    def upgrade(self, marker: str | None = None) -> None:
        """Create the file, or migrate it to this version's schema.

        Args:
            marker: what it says in place of its schema revision.

        Raises:
            StorageBusy: when another process has it open.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        _unless_locked(lambda: migrate.upgrade(self.file, marker))

    def copy_to(self, session: DuckDBPyConnection, file: Path, *, durable: bool = True) -> None:
        """Copy the file. It is checkpointed first: a copy has nothing of the write-ahead log.

        Args:
            session: where it is attached.
            file: the path of the copy, which is replaced.
            durable: as for `copy_warehouse`.
        """
        session.execute("CHECKPOINT warehouse")
        copy_warehouse(self.file, file, durable=durable)

    def tidy_up(self, session: DuckDBPyConnection, published: LakeState | None) -> str:
        """Write a checkpoint.

        Args:
            session: where it is attached.
            published: not of this file, which has no past states.
        """
        before = self._size()
        session.execute("CHECKPOINT warehouse")
        return f"{max(0, before - self._size()):,} bytes freed"

    def _size(self) -> int:
        return sum(file.stat().st_size for file in (self.file, log_of(self.file)) if file.exists())

    def hold_run(self, run_id: str) -> AbstractContextManager[None]:
        """Nothing to do: who can open the file has the data folder, too, with the locks of its runs."""
        return nullcontext()

    def is_run_held(self, run_id: str) -> bool:
        """Never: as for `hold_run`."""
        return False

    def explained(self, error: Exception, *, is_attached: bool = False) -> Exception:
        """The error of an attempt to open the file, with what to do where that is known.

        Args:
            error: what opening it raised, or a statement while it was open.
            is_attached: whether it was open; its messages then may be about any other file.
        """
        if is_attached:
            return error
        if any(words in str(error) for words in _DAMAGED):
            return WarehouseDamaged(
                f"{self.file}, or its write-ahead log {log_of(self.file)}, is damaged. `virus-warehouse rebuild "
                f"--replace --from-oldest` rebuilds the warehouse from the archived packages, and keeps both under "
                f"another name. DuckDB says: {error}"
            )
        reason = next((words for words in _UNUSABLE if words in str(error)), None)
        if reason is None:
            return error
        return WarehouseUnusable(
            f"the warehouse cannot be {self.file}: {reason}. Set VIRUS_WAREHOUSE, or the connection "
            f"virus_warehouse in Airflow, to a file in a writable folder; without both, it is in VIRUS_DATA"
        )


def _unless_locked(open_file: Callable[[], object]) -> None:
    try:
        open_file()
    except Exception as error:
        # SQLAlchemy wraps DuckDB's error, and repeats its text.
        if any(text in str(error) for text in _LOCKED):
            raise StorageBusy(str(error)) from error
        raise
