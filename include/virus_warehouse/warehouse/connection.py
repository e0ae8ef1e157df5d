"""The warehouse file: opened for short moments, by one process at a time. No other module opens it.

While one DuckDB process writes a file, no other can read it; a second one fails at once. So every user waits for the
lock with back-off, and holds it no longer than its transaction.
"""

import errno
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import duckdb
from duckdb import DuckDBPyConnection
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from virus_warehouse.database_file import log_of
from virus_warehouse.failure import Failure, PermanentFailure
from virus_warehouse.settings import SettingError
from virus_warehouse.sql_file import sql_text
from virus_warehouse.warehouse import migrate

logger = logging.getLogger(__name__)

DEFAULT_LOCK_TIMEOUT = 600.0
"""Seconds to wait for other users of the warehouse file."""

_LOCKED = ("Could not set lock on file", "Unique file handle conflict")
"""DuckDB's messages when another process, or another connection of this one, has the file open."""

_FIRST_LOG_AFTER, _LOG_INTERVAL = 1.0, 10.0
"""Seconds of waiting before the first log message, and between messages."""

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

Result = TypeVar("Result")


class WarehouseLocked(Failure, TimeoutError):
    """The warehouse file stayed in use beyond the lock timeout; nothing was changed."""


class WarehouseDamaged(PermanentFailure, duckdb.Error):
    """The warehouse file or its write-ahead log cannot be read; nothing was changed."""


class WarehouseUnusable(SettingError):
    """There can be no warehouse file at this path."""


class CommitFailed(Failure):
    """The commit raised an error. It may have taken effect all the same; reopening the file shows."""


class Warehouse:
    """The warehouse of one path, created and migrated on first use.

    Args:
        path: the DuckDB file; its folder is created when missing.
        lock_timeout: seconds to wait for other users of the file before giving up.
    """

    def __init__(self, path: Path, *, lock_timeout: float = DEFAULT_LOCK_TIMEOUT) -> None:
        self.path = path
        self.lock_timeout = lock_timeout

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
            self._commit(session)
        except BaseException:
            # The first error is the one to report: on a full disk, say, these may fail too.
            for statement in ("ROLLBACK", "DETACH warehouse"):
                with suppress(duckdb.Error):
                    session.execute(statement)
            raise
        self._detach(session)

    def _commit(self, session: DuckDBPyConnection) -> None:
        try:
            session.execute("COMMIT")
        except (duckdb.Error, RuntimeError) as error:  # DuckDB raises RuntimeError where Ctrl-C interrupts it
            raise CommitFailed(f"{self.path}: the commit raised an error: {error}") from error

    def _detach(self, session: DuckDBPyConnection) -> None:
        try:
            session.execute("DETACH warehouse")
        except duckdb.Error as error:
            # The checkpoint after the commit failed, on a full disk, say: the write-ahead log holds all of it.
            logger.warning(
                "%s: committed, but not yet checkpointed: the committed data stay in %s.wal until the next run can "
                "write them into the file; keep the two files together, and free some disk space if necessary: %s",
                self.path,
                self.path,
                error,
            )

    @contextmanager
    def exclusive(self, *, even_too_old: bool = False, as_it_is: bool = False) -> Iterator[DuckDBPyConnection]:
        """Lock the file exclusively, through a connection of its own; for a checkpoint and a copy.

        Args:
            even_too_old: as in `transaction`.
            as_it_is: whether the file is neither migrated nor refused, whatever its schema.

        Raises:
            WarehouseLocked: when the file stays in use for `lock_timeout` seconds.
            WarehouseDamaged: when the file or its log cannot be read.
            migrate.SchemaTooNew: when a newer version wrote the file.
            migrate.SchemaTooOld: when this version has no migrations from the file's revision.
        """
        # Not by connecting to the file: connections of one process share a file, and would not lock each other out.
        with duckdb.connect() as connection:
            self._wait_for_lock(lambda: self._attach(connection, even_too_old=even_too_old, as_it_is=as_it_is))
            connection.execute("USE warehouse")
            yield connection

    def read_revision(self) -> str | None:
        """The schema revision of the file, None without our schema; read in a moment, and nothing is migrated.

        The file must exist. It is opened to read, and until it is closed nobody can write it.

        Raises:
            WarehouseLocked: when another process is writing the file; with a `lock_timeout` of 0, at once.
            WarehouseDamaged: when the file or its log cannot be read.
            WarehouseUnusable: when there can be no warehouse at this path.
        """
        with duckdb.connect() as session:
            self._wait_for_lock(lambda: session.execute(f"ATTACH {sql_text(self.path)} AS warehouse (READ_ONLY)"))
            return _revision(session)

    def _attach(self, session: DuckDBPyConnection, *, even_too_old: bool, as_it_is: bool = False) -> None:
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            migrate.upgrade(self.path)
        attach = f"ATTACH {sql_text(self.path)} AS warehouse"
        session.execute(attach)
        revision = _revision(session)
        if as_it_is or revision == migrate.newest_revision() or (even_too_old and migrate.is_too_old(revision)):
            return
        session.execute("DETACH warehouse")
        migrate.refuse_unknown_revision(revision, self.path)
        migrate.upgrade(self.path)
        session.execute(attach)

    def _wait_for_lock(self, open_file: Callable[[], Result]) -> Result:
        waiting = Retrying(
            retry=retry_if_exception(_is_locked),
            wait=wait_random_exponential(multiplier=0.05, max=2.0),
            stop=stop_after_delay(self.lock_timeout),
            before_sleep=_wait_log(),
            reraise=True,
        )
        try:
            return waiting(open_file)
        except Exception as error:
            if any(words in str(error) for words in _DAMAGED):
                raise WarehouseDamaged(
                    f"{self.path}, or its write-ahead log {log_of(self.path)}, is damaged. `virus-warehouse rebuild "
                    f"--replace --from-oldest` rebuilds the warehouse from the archived packages, and keeps both under "
                    f"another name. DuckDB says: {error}"
                ) from error
            if not _is_locked(error):
                reason = next((words for words in _UNUSABLE if words in str(error)), None)
                if reason is None:
                    raise
                raise WarehouseUnusable(
                    f"the warehouse cannot be {self.path}: {reason}. Set VIRUS_WAREHOUSE, or the connection "
                    f"virus_warehouse in Airflow, to a file in a writable folder; without both, it is in VIRUS_DATA"
                ) from error
            raise WarehouseLocked(
                f"{self.path} stayed in use for {self.lock_timeout:.0f} s. Close what has it open (a DuckDB prompt "
                f"or notebook belongs on the published snapshot, never on this file). DuckDB says: {error}"
            ) from error


def _revision(session: DuckDBPyConnection) -> str | None:
    has_version = session.execute(
        "SELECT count(*) FROM duckdb_tables() "
        "WHERE database_name = 'warehouse' AND schema_name = 'ops' AND table_name = 'alembic_version'"
    ).fetchone()
    if has_version == (0,):
        return None
    row = session.execute("SELECT version_num FROM warehouse.ops.alembic_version").fetchone()
    return None if row is None else str(row[0])


def _is_locked(error: BaseException) -> bool:
    # SQLAlchemy wraps DuckDB's error, and repeats its text.
    return any(text in str(error) for text in _LOCKED)


def _wait_log() -> Callable[[RetryCallState], None]:
    """Logs a wait now and then. DuckDB's message names the process that has the file open, if it is another one."""
    due = _FIRST_LOG_AFTER

    def log(state: RetryCallState) -> None:
        nonlocal due
        if state.seconds_since_start is not None and state.seconds_since_start >= due and state.outcome is not None:
            due = state.seconds_since_start + _LOG_INTERVAL
            logger.info(
                "waiting for the warehouse for %.0f s: %s", state.seconds_since_start, state.outcome.exception()
            )

    return log
