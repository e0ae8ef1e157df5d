"""Where the state of a limit can be, and in the memory of this process."""

import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from virus_warehouse.failure import Failure
from virus_warehouse.ncbi.pace.turns import Turns

Result = TypeVar("Result")


class StoreUnusable(Failure):
    """The state of a limit can be neither read nor written."""


class Store(Protocol):
    """Where the state of one limit is. As a text it is the place, without any password."""

    def change(self, act: Callable[[Turns, float], Result]) -> Result:
        """Read the state, change it and write it, while nobody else does.

        Args:
            act: changes the state, given the time of the store's clock in seconds.

        Returns:
            What `act` returned.

        Raises:
            StoreUnusable: when the state cannot be read or written.
        """
        ...

    def close(self) -> None:
        """Close what is open."""
        ...


class InProcess:
    """The state in memory, for the threads of this process.

    Args:
        limit: requests that are allowed in a second.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._turns = Turns()

    def __str__(self) -> str:
        return "the memory of this process"

    def change(self, act: Callable[[Turns, float], Result]) -> Result:
        """As in `Store`."""
        with self._lock:
            now = time.monotonic()
            self._turns.correct(now, self._limit)
            return act(self._turns, now)

    def close(self) -> None:
        """Nothing is open."""
