"""A warehouse that ends a run at the worst moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from duckdb import DuckDBPyConnection

from virus_warehouse.warehouse.connection import Warehouse


class Crash(Exception):
    """Simulates the end of the process, with cleanup."""


class CrashingWarehouse(Warehouse):
    """Fails after the merge and before the commit of a run: in the transaction that makes it a success."""

    @contextmanager
    def transaction(self, session: DuckDBPyConnection, *, even_too_old: bool = False) -> Iterator[None]:
        with super().transaction(session, even_too_old=even_too_old):
            before = _successes(session)
            yield
            if _successes(session) != before:
                raise Crash("the disk is full")


def _successes(session: DuckDBPyConnection) -> object:
    return session.execute("SELECT count(*) FROM warehouse.ops.ingest_run WHERE status = 'success'").fetchone()
