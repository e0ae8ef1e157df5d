"""The lock of a lake's writers, for which PostgreSQL's session-level advisory locks serve.

DuckLake itself lets two transactions commit that read what the other one writes: keys would be there twice (decision
47). PostgreSQL releases the lock when the connection that holds it ends, for whatever reason.
"""

import hashlib
import logging
from contextlib import suppress
from typing import Any, LiteralString

import psycopg
from psycopg import Connection

from virus_warehouse.failure import PermanentFailure
from virus_warehouse.warehouse.lake_address import LakeAddress
from virus_warehouse.warehouse.lake_catalog import CatalogUnavailable, ask_once, connected, unavailable
from virus_warehouse.warehouse.storage import StorageBusy, StorageUnreadable

logger = logging.getLogger(__name__)

_HOLDER = """
    SELECT activity.application_name
    FROM pg_locks AS held
    INNER JOIN pg_stat_activity AS activity ON held.pid = activity.pid
    WHERE
        held.locktype = 'advisory'
        AND held.granted
        AND held.objsubid = 1
        AND ((held.classid::BIGINT << 32) | held.objid::BIGINT) = %s
        AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class LockLost(StorageUnreadable):
    """The connection that holds a lock has ended; nothing was changed."""


class MayOnlyRead(PermanentFailure):
    """The user of the catalog's database may not take the lock of the lake's writers; nothing was changed."""


class LakeLock:
    """A lock that one process at a time holds, on whatever host.

    Args:
        address: the lake.
        name: what is locked: the lake itself, or a run.
        patience: seconds to wait for others that hold it; they get it in the order in which they came.

    Attributes:
        connection: the connection that holds it.

    Raises:
        StorageBusy: when another one still holds it.
        MayOnlyRead: when PostgreSQL does not let this user have it.
        CatalogUnavailable: when the database cannot be reached.
    """

    def __init__(self, address: LakeAddress, name: str = "writers", patience: float = 0.0) -> None:
        self._address, self._name, self._key = address, name, lock_key(address, name)
        self.connection = connected(address)
        try:
            if not (self._try() or self._wait(patience)):
                raise StorageBusy(self._in_use)
        except psycopg.errors.InsufficientPrivilege as error:
            self.release()
            raise MayOnlyRead(
                f"{address}: {address.catalog.username} may read the lake, and not write it. Name the user that writes "
                f"it in the address of the warehouse. PostgreSQL says: {str(error).strip()}"
            ) from error
        except psycopg.Error as error:
            self.release()
            raise CatalogUnavailable(unavailable(address, error)) from error
        except BaseException:
            self.release()
            raise

    def _try(self) -> bool:
        ((is_held,),) = _ask(self.connection, "SELECT pg_try_advisory_lock(%s)", self._key)
        return bool(is_held)

    def _wait(self, seconds: float) -> bool:
        """Wait in PostgreSQL's queue: of many that try now and then, one could be without luck for any time."""
        if seconds <= 0:
            return False
        logger.info("waiting for the warehouse for up to %.0f s: %s", seconds, self._in_use)
        _ask(self.connection, "SELECT set_config('lock_timeout', %s, false)", f"{max(1, round(seconds * 1000))}ms")
        try:
            _ask(self.connection, "SELECT pg_advisory_lock(%s)", self._key)
        except psycopg.errors.LockNotAvailable:
            return False
        return True

    @property
    def _in_use(self) -> str:
        holders = [str(holder) for (holder,) in _ask(self.connection, _HOLDER, self._key)]
        return f"{', '.join(holders) or 'a process that is ending'} has the lock `{self._name}` of {self._address}"

    def verify(self) -> None:
        """Whether it is held.

        Raises:
            LockLost: when that is not certain.
        """
        try:
            _ask(self.connection, "SELECT 1")
        except psycopg.Error as error:
            raise LockLost(
                f"{self._address}: the connection that holds the lock `{self._name}` has ended, so another process may "
                f"have taken it; nothing was committed. Run it again. PostgreSQL says: {error}"
            ) from error

    def release(self) -> None:
        """Let another one have it."""
        with suppress(psycopg.Error):
            self.connection.close()


def is_locked(address: LakeAddress, name: str) -> bool:
    """Whether somebody holds a lock.

    Args:
        address: the lake.
        name: what is locked.

    Raises:
        CatalogUnavailable: when the database cannot be reached.
    """
    return bool(ask_once(address, _HOLDER, lock_key(address, name)))


def lock_key(address: LakeAddress, name: str) -> int:
    """The number that PostgreSQL knows a lock by: a signed one of 64 bits."""
    digest = hashlib.sha256(f"virus-warehouse {address.schema} {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _ask(connection: Connection, sql: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    return connection.execute(sql, values).fetchall()
