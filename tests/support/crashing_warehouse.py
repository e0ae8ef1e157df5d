"""A warehouse at which a run ends at its worst moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from duckdb import DuckDBPyConnection

from virus_warehouse.warehouse.connection import Warehouse


class Crash(Exception):
    """As good as the end of the process, at which it could still clean up."""


class CrashingWarehouse(Warehouse):
    """Fails when all of a run's merge is done but its commit: in its second transaction."""

    transactions = 0

    @contextmanager
    def transaction(self, session: DuckDBPyConnection, *, even_too_old: bool = False) -> Iterator[None]:
        self.transactions += 1
        with super().transaction(session, even_too_old=even_too_old):
            yield
            if self.transactions == 2:
                raise Crash("the disk is full")
