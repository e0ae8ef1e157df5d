"""A limit for concurrent queries, per person and in total."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Busy(Exception):
    """No slot became free in time; says why."""


class QueryLimiter:
    """A number of slots, of which each person may use some.

    Args:
        places: the number of slots.
        each: slots per person.
        patience: seconds that a query waits for a slot.
        waiting: how many queries may wait; further ones are rejected at once.
    """

    def __init__(self, places: int, *, each: int = 1, patience: float = 10, waiting: int = 20) -> None:
        self.places, self.each, self.patience, self.waiting = places, each, patience, waiting
        self._taken: Counter[str] = Counter()
        self._waiters: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def slot(self, person: str) -> AsyncIterator[None]:
        """Use a slot for the duration of the block.

        Raises:
            Busy: when none is free in time.
        """
        await self._take(person)
        try:
            yield
        finally:
            self._taken -= Counter({person: 1})
            for waiter in self._waiters:
                if not waiter.done():
                    waiter.set_result(None)

    async def _take(self, person: str) -> None:
        if not self._is_free(person):
            if len(self._waiters) >= self.waiting:
                raise Busy("too many queries are waiting: try again in a minute")
            try:
                async with asyncio.timeout(self.patience):
                    while not self._is_free(person):
                        await self._change()
            except TimeoutError as error:
                mine = self._taken[person] >= self.each
                raise Busy(
                    "another query of yours is still running: cancel it, or wait until it ends"
                    if mine
                    else "the server is busy with other users' queries: try again in a minute"
                ) from error
        self._taken[person] += 1

    def _is_free(self, person: str) -> bool:
        return self._taken.total() < self.places and self._taken[person] < self.each

    async def _change(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        finally:
            self._waiters.remove(waiter)
