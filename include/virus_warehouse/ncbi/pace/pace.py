"""Waiting for the turn to send a request."""

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from virus_warehouse.ncbi.pace.store import InProcess, Result, Store, StoreUnusable
from virus_warehouse.ncbi.pace.turns import Turns

logger = logging.getLogger(__name__)


class Paused(Exception):
    """NCBI has asked to wait for longer than a request may.

    Attributes:
        seconds: that are left of the wait.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"NCBI asks to wait {seconds:.0f} s")
        self.seconds = seconds


@dataclass(frozen=True)
class Turn:
    """The turn of one request.

    Attributes:
        paused: seconds waited because NCBI had asked for it.
        heard: to be called when the request has its response, or has failed. Otherwise it counts as on its way for
            some seconds longer.
    """

    paused: float
    heard: Callable[[], None]


class Pace:
    """Keeps requests to NCBI's limit, together with all that share a store. Threads may share one pace.

    Args:
        limit: requests that are allowed in a second.
        stores: where the state is shared: the first one that can be used, or else the memory of this process.
    """

    def __init__(self, limit: int, *stores: Store) -> None:
        self._stores: list[Store] = [*stores, InProcess(limit)]

    def wait(self, longest_pause: float) -> Turn:
        """Wait until a request may be sent, which has to be done then.

        Args:
            longest_pause: how many seconds to wait at most because NCBI has asked for it.

        Raises:
            Paused: when NCBI has asked to wait for that long or longer; at once.
        """
        ticket, paused = secrets.token_hex(8), 0.0
        while (wait := self._change(lambda turns, now: turns.ask(ticket, now))).seconds:
            if wait.is_pause:
                if paused + wait.seconds >= longest_pause:
                    raise Paused(wait.seconds)
                logger.warning("NCBI has asked for a pause: waiting %.1f s before the next request", wait.seconds)
                paused += wait.seconds
            time.sleep(wait.seconds)
        return Turn(paused, lambda: self._change(lambda turns, now: turns.heard(ticket, now)))

    def pause(self, seconds: float) -> None:
        """Let nobody send a request for some seconds, because NCBI asks for it."""
        self._change(lambda turns, now: turns.pause(seconds, now))

    def try_out(self) -> str:
        """Use the store that comes first, without taking a turn; returns its place.

        Raises:
            StoreUnusable: when it cannot be used, so that another one would be.
        """
        self._stores[0].change(lambda *_: None)
        return str(self._stores[0])

    def close(self) -> None:
        """Close what the stores have open."""
        for store in self._stores:
            store.close()

    def _change(self, act: Callable[[Turns, float], Result]) -> Result:
        while True:
            store = self._stores[0]
            try:
                return store.change(act)
            except StoreUnusable as error:
                logger.warning(
                    "NCBI's limit of requests cannot be shared: %s. Requests of others are not counted now; together, "
                    "all may send more than NCBI allows",
                    error,
                )
                # Another thread may have been quicker.
                if self._stores[0] is store:
                    self._stores = self._stores[1:]
                store.close()
