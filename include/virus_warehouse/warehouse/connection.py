"""The warehouse file: opened for short moments, by one process at a time. The only module that knows it is a file.

DuckDB lets one process write and then none other read; a second one fails at once. So every moment waits
for the lock with back-off, and lasts no longer than its transaction.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import duckdb
from duckdb import DuckDBPyConnection
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from virus_warehouse.sql_file import sql_text
from virus_warehouse.warehouse import migrate

logger = logging.getLogger(__name__)

DEFAULT_LOCK_TIMEOUT = 600.0
"""Seconds to wait for other users of the warehouse file."""

_HELD_ELSEWHERE = ("Could not set lock on file", "Unique file handle conflict")
"""How DuckDB says that another process, or another connection of this one, has the file open."""

Result = TypeVar("Result")


class WarehouseLocked(TimeoutError):
    """Somebody held the warehouse file for longer than we were told to wait; nothing was changed."""


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
    def transaction(self, session: DuckDBPyConnection) -> Iterator[None]:
        """Attach the warehouse to `session` as `warehouse`, for one transaction.

        Commits at the end of the block, rolls back when it raises, and lets the file go in both cases. The
        block may write the attached database and temporary tables, and no other: a DuckDB transaction
        writes one database.

        Raises:
            WarehouseLocked: when the file stays in use for `lock_timeout` seconds.
            migrate.SchemaTooNew: when a newer version wrote the file.
        """
        self._wait_for_lock(lambda: self._attach(session))
        committed = False
        try:
            session.execute("BEGIN TRANSACTION")
            try:
                yield
            except BaseException:
                session.execute("ROLLBACK")
                raise
            session.execute("COMMIT")
            committed = True
        finally:
            try:
                session.execute("DETACH warehouse")
            except duckdb.Error as error:
                if not committed:
                    raise
                # The checkpoint that follows a commit found the disk full, say: the log holds all of it.
                logger.warning("%s: committed, but not yet checkpointed: %s", self.path, error)

    @contextmanager
    def exclusive(self) -> Iterator[DuckDBPyConnection]:
        """Hold the file alone, through a connection of its own; for a checkpoint and a copy.

        Raises:
            WarehouseLocked: when the file stays in use for `lock_timeout` seconds.
        """
        connection = self._wait_for_lock(lambda: duckdb.connect(self.path))
        try:
            yield connection
        finally:
            connection.close()

    def _attach(self, session: DuckDBPyConnection) -> None:
        if not self.path.exists():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            migrate.upgrade(self.path)
        attach = f"ATTACH {sql_text(self.path)} AS warehouse"
        session.execute(attach)
        revision = _revision(session)
        if revision == migrate.newest_revision():
            return
        session.execute("DETACH warehouse")
        migrate.refuse_unknown_revision(revision, self.path)
        migrate.upgrade(self.path)
        session.execute(attach)

    def _wait_for_lock(self, open_file: Callable[[], Result]) -> Result:
        waiting = Retrying(
            retry=retry_if_exception(_is_held_elsewhere),
            wait=wait_random_exponential(multiplier=0.05, max=2.0),
            stop=stop_after_delay(self.lock_timeout),
            before_sleep=_log_wait,
            reraise=True,
        )
        try:
            return waiting(open_file)
        except Exception as error:
            if not _is_held_elsewhere(error):
                raise
            raise WarehouseLocked(
                f"{self.path} stayed in use for {self.lock_timeout:.0f} s. Close what holds it (a DuckDB prompt "
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


def _is_held_elsewhere(error: BaseException) -> bool:
    # SQLAlchemy wraps DuckDB's error, and repeats its text.
    return any(text in str(error) for text in _HELD_ELSEWHERE)


def _log_wait(state: RetryCallState) -> None:
    # The first waits are fractions of a second and of no interest; then about one line every ten seconds.
    if state.attempt_number >= 8 and state.attempt_number % 8 == 0 and state.outcome is not None:
        logger.info("waiting for the warehouse since %.0f s: %s", state.seconds_since_start, state.outcome.exception())
