"""Who may go on at once, and who has to wait: so that no one person, and not all together, take a server's all."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Busy(Exception):
    """A turn did not come in time; says whose doing that is."""


class QueryLimiter:
    """A number of places, of which each person may have some.

    Args:
        places: that there are.
        each: that one person may have.
        patience: seconds that somebody waits for one.
        waiting: how many may wait; the next is turned away at once.
    """

    def __init__(self, places: int, *, each: int = 1, patience: float = 10, waiting: int = 20) -> None:
        self.places, self.each, self.patience, self.waiting = places, each, patience, waiting
        self._taken: Counter[str] = Counter()
        self._waiters: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def turn(self, person: str) -> AsyncIterator[None]:
        """Have a place while the block lasts.

        Raises:
            Busy: when there is none in time.
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
                raise Busy("many others wait already: try again in a minute")
            try:
                async with asyncio.timeout(self.patience):
                    while not self._is_free(person):
                        await self._change()
            except TimeoutError as error:
                mine = self._taken[person] >= self.each
                raise Busy(
                    "another query of yours is still running: cancel it, or wait for its end"
                    if mine
                    else "all places are taken by others' queries: try again in a minute"
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
