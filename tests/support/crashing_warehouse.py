"""A warehouse that ends a run at the worst moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from duckdb import DuckDBPyConnection

from virus_warehouse.warehouse.connection import Warehouse


class Crash(Exception):
    """Simulates the end of the process, with cleanup."""


class CrashingWarehouse(Warehouse):
    """Fails after the merge and before the commit of a run: in its second transaction."""

    transactions = 0

    @contextmanager
    def transaction(self, session: DuckDBPyConnection, *, even_too_old: bool = False) -> Iterator[None]:
        self.transactions += 1
        with super().transaction(session, even_too_old=even_too_old):
            yield
            if self.transactions == 2:
                raise Crash("the disk is full")
