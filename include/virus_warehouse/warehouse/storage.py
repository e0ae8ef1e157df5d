"""What a warehouse asks of where its tables are kept: a DuckDB file, or a lake."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from duckdb import DuckDBPyConnection

from virus_warehouse.failure import Failure
from virus_warehouse.session import SessionSettings


class StorageBusy(Exception):
    """Another process is writing; asked again in a moment, it may be done."""


class StorageUnreadable(Failure):
    """A lake, or a file of it, cannot be reached or read; nothing was changed."""


@dataclass(frozen=True)
class LakeState:
    """A state of a lake, which can be attached for as long as it is kept.

    Attributes:
        lake_id: of the lake, whatever its address.
        version: DuckLake's number of the state.
    """

    lake_id: str
    version: int


class Storage(Protocol):
    """Where the tables of a warehouse are kept."""

    @property
    def location(self) -> str:
        """What to call it in messages; without secrets."""

    @property
    def setting(self) -> str:
        """What to set `VIRUS_WAREHOUSE` to, so that a command uses it; it may have a password."""

    @property
    def shown_setting(self) -> str:
        """The setting, with `***` for a password."""

    @property
    def file(self) -> Path | None:
        """Its DuckDB file; None for a lake."""

    @property
    def folder(self) -> Path | None:
        """The folder of this host with files of its own alone; None where there is none."""

    @property
    def session_settings(self) -> SessionSettings:
        """What DuckDB is opened with in a session that it is attached to."""

    def exists(self) -> bool:
        """Whether it has been created."""

    def attach(self, session: DuckDBPyConnection, name: str = "warehouse", *, patience: float = 0.0) -> None:
        """Attach it to a session; until it is detached, nobody else can write it.

        Args:
            session: where it is attached.
            name: what it is called there.
            patience: seconds to wait in the queue of those that write it, where there is one.

        Raises:
            StorageBusy: when another process is writing.
        """

    def verify_hold(self, session: DuckDBPyConnection) -> None:
        """Make sure, right before a commit, that nobody else can have written since it was attached.

        Raises:
            Failure: when that is not certain.
        """

    def detach(self, session: DuckDBPyConnection, name: str = "warehouse") -> None:
        """Detach it from a session, and let others write.

        Args:
            session: where it is attached.
            name: what it is called there.

        Raises:
            duckdb.Error: when what is committed could not be written to its place yet.
        """

    def attach_to_read(self, session: DuckDBPyConnection) -> None:
        """Attach it to a session as `warehouse`, to read.

        Raises:
            StorageBusy: when it cannot be read while another process is writing.
        """

    def freeze(self, session: DuckDBPyConnection) -> LakeState | None:
        """Keep the attached state readable, however long that takes; what is read no longer changes.

        Args:
            session: where it is attached; it can no longer be written there.

        Returns:
            The state; None where only the present one can be read.
        """

    def has_state(self, state: LakeState) -> bool:
        """Whether it is the lake of a state, and still keeps it."""

    def attach_statements(self, state: LakeState, name: str, user: str | None = None) -> str:
        """The SQL with which anybody attaches a state that it has, to read; without passwords and keys.

        Args:
            state: the state.
            name: what it is called there.
            user: who reads the catalog; by default who writes it.
        """

    def upgrade(self, marker: str | None = None) -> None:
        """Create it, or migrate it to this version's schema.

        Args:
            marker: what it says in place of its schema revision, so that nobody uses it.

        Raises:
            StorageBusy: when another process is writing.
        """

    def copy_to(self, session: DuckDBPyConnection, file: Path, *, durable: bool = True) -> None:
        """Copy all tables into a new DuckDB file.

        Args:
            session: where it is attached.
            file: the path of the copy, which is replaced.
            durable: whether to wait until the copy is on the disk.

        Raises:
            Failure: when it has a schema with which it cannot be copied.
        """

    def tidy_up(self, session: DuckDBPyConnection, published: LakeState | None) -> str:
        """Give back the space that nothing needs any more; returns how much, in words.

        Args:
            session: where it is attached.
            published: the state that is published, which is kept.
        """

    def hold_run(self, run_id: str) -> AbstractContextManager[None]:
        """Show on all hosts that a run is working, as long as the context lasts and its process lives."""

    def is_run_held(self, run_id: str) -> bool:
        """Whether a process shows, on whatever host, that it is working on a run."""

    def explained(self, error: Exception, *, is_attached: bool = False) -> Exception:
        """An error, with what to do where that is known; without secrets.

        Args:
            error: what attaching it raised, or a statement while it was attached.
            is_attached: whether it was attached.
        """
