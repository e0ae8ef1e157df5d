"""The warehouse: opened for short moments, written by one process at a time. No other module opens it.

Every user waits for the others with back-off, and holds it no longer than its transaction. Where its tables are kept,
in a DuckDB file or in a lake, is a matter of its storage alone.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import rebuilt_of
from virus_warehouse.failure import Failure, PermanentFailure
from virus_warehouse.run_file import is_running
from virus_warehouse.session import SessionSettings
from virus_warehouse.warehouse import migrate
from virus_warehouse.warehouse.file_storage import FileStorage, WarehouseDamaged, WarehouseUnusable
from virus_warehouse.warehouse.lake_address import LakeAddress, is_lake, lake_address
from virus_warehouse.warehouse.storage import LakeState, Storage, StorageBusy

__all__ = [
    "CommitFailed",
    "NeedsFile",
    "Warehouse",
    "WarehouseDamaged",
    "WarehouseLocked",
    "WarehouseUnusable",
    "warehouse_at",
    "warehouse_of",
]

logger = logging.getLogger(__name__)

DEFAULT_LOCK_TIMEOUT = 600.0
"""Seconds to wait for others that write the warehouse."""

_FIRST_LOG_AFTER, _LOG_INTERVAL = 1.0, 10.0
"""Seconds of waiting before the first log message, and between messages."""


class WarehouseLocked(Failure, TimeoutError):
    """The warehouse stayed in use beyond the lock timeout; nothing was changed."""


class NeedsFile(PermanentFailure):
    """What was asked for works with a warehouse file, and the warehouse is a lake; nothing was changed."""


class CommitFailed(Failure):
    """The commit raised an error. It may have taken effect all the same; opening the warehouse again shows."""


@dataclass(frozen=True)
class UnchangingState:
    """The state of a warehouse in one moment.

    Attributes:
        copy_to: copies it into a new DuckDB file, which is replaced; raises OSError when it cannot.
        lake_state: what can be attached again; None where only the present state can be read.
    """

    copy_to: Callable[[Path], None]
    lake_state: LakeState | None


class Warehouse:
    """A warehouse, created and migrated on first use.

    Args:
        place: the path of its DuckDB file, or where else its tables are kept.
        lock_timeout: seconds to wait for others that write it before giving up.
    """

    def __init__(self, place: Path | Storage, *, lock_timeout: float = DEFAULT_LOCK_TIMEOUT) -> None:
        self.storage: Storage = FileStorage(place) if isinstance(place, Path) else place
        self.lock_timeout = lock_timeout

    @property
    def location(self) -> str:
        """What to call it in messages; without secrets."""
        return self.storage.location

    @property
    def path(self) -> Path:
        """Its DuckDB file.

        Raises:
            NeedsFile: when it is a lake.
        """
        if self.storage.file is None:
            raise NeedsFile(
                f"this works with a warehouse file, and the warehouse is {self.location}. See docs/scaling.md for what "
                f"to do with a lake instead"
            )
        return self.storage.file

    @property
    def session_settings(self) -> SessionSettings:
        """What DuckDB is opened with in a session that it is attached to."""
        return self.storage.session_settings

    def session(self) -> DuckDBPyConnection:
        """A new DuckDB in memory, to attach it to."""
        return duckdb.connect(":memory:", config=self.session_settings)

    @contextmanager
    def transaction(self, session: DuckDBPyConnection, *, even_too_old: bool = False) -> Iterator[None]:
        """Attach the warehouse to `session` as `warehouse`, for one transaction.

        Commits at the end of the block, rolls back when it raises, and releases the file in both cases. The block may
        write the attached database and temporary tables only: a DuckDB transaction writes one database.

        Args:
            session: where it is attached.
            even_too_old: attach a file that this version cannot migrate as it is, to read what its schema has.

        Raises:
            WarehouseLocked: when the file stays in use for `lock_timeout` seconds.
            WarehouseDamaged: when the file or its log cannot be read.
            CommitFailed: when the commit ended with an error.
            migrate.SchemaTooNew: when a newer version wrote the file.
            migrate.SchemaTooOld: when this version has no migrations from the file's revision.
        """
        self._wait_for_lock(lambda: self._attach(session, even_too_old=even_too_old))
        try:
            session.execute("BEGIN TRANSACTION")
            yield
            self.storage.verify_hold(session)
            self._commit(session)
        except BaseException as error:
            # The first error is the one to report: on a full disk, say, these may fail too.
            with suppress(duckdb.Error):
                session.execute("ROLLBACK")
            with suppress(duckdb.Error):
                self.storage.detach(session)
            self._raise_explained(error)
            raise
        self._detach(session)

    def _commit(self, session: DuckDBPyConnection) -> None:
        try:
            session.execute("COMMIT")
        except (duckdb.Error, RuntimeError) as error:  # DuckDB raises RuntimeError where Ctrl-C interrupts it
            explained = self.storage.explained(error, is_attached=True)
            raise CommitFailed(f"{self.location}: the commit raised an error: {explained}") from explained

    def _raise_explained(self, error: BaseException) -> None:
        """Raise the error of a statement with what to do, where the storage knows it."""
        if isinstance(error, duckdb.Error):
            explained = self.storage.explained(error, is_attached=True)
            if explained is not error:
                raise explained from error

    def _detach(self, session: DuckDBPyConnection) -> None:
        try:
            self.storage.detach(session)
        except duckdb.Error as error:
            # The checkpoint after the commit failed, on a full disk, say: the write-ahead log holds all of it.
            logger.warning(
                "%s: committed, but not yet checkpointed: the committed data stay in %s.wal until the next run can "
                "write them into the file; keep the two files together, and free some disk space if necessary: %s",
                self.location,
                self.location,
                error,
            )

    @contextmanager
    def exclusive(self, *, even_too_old: bool = False, as_it_is: bool = False) -> Iterator[DuckDBPyConnection]:
        """Keep others from writing it, through a connection of its own; for a checkpoint, say.

        Args:
            even_too_old: as in `transaction`.
            as_it_is: whether it is neither migrated nor refused, whatever its schema.

        Raises:
            WarehouseLocked: when it stays in use for `lock_timeout` seconds.
            WarehouseDamaged: when the file or its log cannot be read.
            migrate.SchemaTooNew: when a newer version wrote it.
            migrate.SchemaTooOld: when this version has no migrations from its revision.
        """
        # Not by connecting to the file: connections of one process share a file, and would not lock each other out.
        with self.session() as connection:
            self._wait_for_lock(lambda: self._attach(connection, even_too_old=even_too_old, as_it_is=as_it_is))
            try:
                connection.execute("USE warehouse")
                yield connection
            except duckdb.Error as error:
                self._raise_explained(error)
                raise
            finally:
                self._end_hold(connection)

    @contextmanager
    def held(self, session: DuckDBPyConnection, name: str = "warehouse", *, as_it_is: bool = False) -> Iterator[None]:
        """Keep others from writing it while it is attached to a session, for several transactions.

        Args:
            session: where it is attached.
            name: what it is called there.
            as_it_is: as in `exclusive`.

        Raises:
            WarehouseLocked, WarehouseDamaged, migrate.SchemaTooNew, migrate.SchemaTooOld: as for `exclusive`.
        """
        self._wait_for_lock(lambda: self._attach(session, name, as_it_is=as_it_is))
        try:
            yield
        except duckdb.Error as error:
            self._raise_explained(error)
            raise
        finally:
            self._end_hold(session, name)

    def _end_hold(self, session: DuckDBPyConnection, name: str = "warehouse") -> None:
        for statement in ("ROLLBACK", "USE memory"):  # neither may keep it attached
            with suppress(duckdb.Error):
                session.execute(statement)
        with suppress(duckdb.Error):
            self.storage.detach(session, name)

    @contextmanager
    def unchanging(self) -> Iterator[UnchangingState]:
        """Keep to the state of one moment, to copy it. Others cannot write a file meanwhile; a lake they can.

        Yields:
            The state, which can be copied.

        Raises:
            WarehouseLocked: when it stays in use for `lock_timeout` seconds.
            WarehouseDamaged, migrate.SchemaTooNew, migrate.SchemaTooOld: as for `exclusive`.
        """
        with self.exclusive() as connection:
            lake_state = self.storage.freeze(connection)
            yield UnchangingState(partial(self.storage.copy_to, connection), lake_state)

    def tidy_up(self, published: LakeState | None = None) -> str:
        """Give back the space that nothing needs any more; returns how much, in words.

        Args:
            published: the state of a lake that is published, which is kept.

        Raises:
            WarehouseLocked: when it stays in use for `lock_timeout` seconds.
        """
        with self.exclusive() as connection:
            return self.storage.tidy_up(connection, published)

    def begin_copy(self, marker: str) -> None:
        """Create it without rows, with a marker in place of its schema revision, unless something is there already.

        Args:
            marker: from `incomplete_copy_of`.

        Raises:
            WarehouseLocked: when it stays in use for `lock_timeout` seconds.
        """
        self._wait_for_lock(lambda: self.storage.upgrade(marker) if self._has_nothing() else None)

    def _has_nothing(self) -> bool:
        if not self.storage.exists():
            return True
        with self.session() as session:
            self.storage.attach_to_read(session)
            return (
                session.execute(
                    "FROM duckdb_tables() WHERE database_name = 'warehouse' UNION ALL BY NAME "
                    "FROM duckdb_views() WHERE database_name = 'warehouse' AND NOT internal LIMIT 1"
                ).fetchall()
                == []
            )

    def hold_run(self, run_id: str) -> AbstractContextManager[None]:
        """Show to all who use this warehouse, on whatever host, that a run is working.

        Args:
            run_id: the run.
        """
        return self.storage.hold_run(run_id)

    def is_running(self, data: DataFolder, run_id: str) -> bool:
        """Whether a process is working on a run, on this host or another.

        Args:
            data: the data folder of this host.
            run_id: the run.
        """
        return is_running(data.runs, run_id) or self.storage.is_run_held(run_id)

    def rebuilt_file(self, data: DataFolder) -> Path:
        """Where a rebuild makes a new file: beside the old one, or, for a lake, in the data folder.

        Args:
            data: the data folder of this host.
        """
        return rebuilt_of(self.storage.file or data.root / "warehouse.duckdb")

    def read_revision(self) -> str | None:
        """Its schema revision, None without our schema; read in a moment, and nothing is migrated.

        It must exist. Until a file is closed nobody can write it.

        Raises:
            WarehouseLocked: when another process is writing the file; with a `lock_timeout` of 0, at once.
            WarehouseDamaged: when the file or its log cannot be read.
            WarehouseUnusable: when there can be no warehouse at this path.
        """
        with self.session() as session:
            self._wait_for_lock(lambda: self.storage.attach_to_read(session))
            return migrate.revision_of(session)

    def _attach(
        self,
        session: DuckDBPyConnection,
        name: str = "warehouse",
        *,
        even_too_old: bool = False,
        as_it_is: bool = False,
    ) -> None:
        if not self.storage.exists():
            self.storage.upgrade()
        self.storage.attach(session, name, patience=self.lock_timeout)
        try:
            revision = migrate.revision_of(session, name)
            if as_it_is or revision == migrate.newest_revision() or (even_too_old and migrate.is_too_old(revision)):
                return
        except BaseException:
            self.storage.detach(session, name)
            raise
        self.storage.detach(session, name)
        migrate.refuse_unknown_revision(revision, self.location)
        self.storage.upgrade()
        self.storage.attach(session, name, patience=self.lock_timeout)

    def _wait_for_lock(self, open_storage: Callable[[], None]) -> None:
        waiting = Retrying(
            retry=retry_if_exception_type(StorageBusy),
            wait=wait_random_exponential(multiplier=0.05, max=2.0),
            stop=stop_after_delay(self.lock_timeout),
            before_sleep=_wait_log(),
            reraise=True,
        )
        try:
            waiting(open_storage)
        except StorageBusy as busy:
            raise WarehouseLocked(
                f"{self.location} stayed in use for {self.lock_timeout:.0f} s. Close what has it open (a DuckDB prompt "
                f"or notebook belongs on the published snapshot, never on the warehouse). What has it: {busy}"
            ) from busy
        except Exception as error:
            explained = self.storage.explained(error)
            if explained is error:
                raise
            raise explained from error


def warehouse_of(data: DataFolder, **settings: float) -> Warehouse:
    """The warehouse that `VIRUS_WAREHOUSE` names, a file or a lake; without it, the file in the data folder.

    Args:
        data: the data folder.
        settings: further arguments of `Warehouse`.

    Raises:
        SettingError: when it is no address of a lake, or names the snapshot.
    """
    named = os.environ.get("VIRUS_WAREHOUSE", "")
    return warehouse_at(lake_address(named, "VIRUS_WAREHOUSE") if is_lake(named) else data.warehouse, **settings)


def warehouse_at(place: Path | LakeAddress, **settings: float) -> Warehouse:
    """The warehouse of a file or a lake.

    Args:
        place: the path, or the address.
        settings: further arguments of `Warehouse`.
    """
    if isinstance(place, Path):
        return Warehouse(place, **settings)
    from virus_warehouse.warehouse.lake_storage import LakeStorage  # needs packages that a file does not

    return Warehouse(LakeStorage(place), **settings)


def _wait_log() -> Callable[[RetryCallState], None]:
    """Logs a wait now and then. The message names the process that has it, if it is another one."""
    due = _FIRST_LOG_AFTER

    def log(state: RetryCallState) -> None:
        nonlocal due
        if state.seconds_since_start is not None and state.seconds_since_start >= due and state.outcome is not None:
            due = state.seconds_since_start + _LOG_INTERVAL
            logger.info(
                "waiting for the warehouse for %.0f s: %s", state.seconds_since_start, state.outcome.exception()
            )

    return log
