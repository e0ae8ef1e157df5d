"""The rule by which requests take turns, as a state that all who share a limit read and write.

NCBI counts the requests that arrive within a second. When one arrives is known to nobody but NCBI: it is after it was
sent, and before its response. So there are as many slots as requests are allowed in a second; a request occupies one
from before it is sent until a second after its response. The request that takes a slot next thus arrives a second later
at least, although a process or the network may be slow, by up to `UNHEARD_SECONDS`.
"""

from typing import NamedTuple, Self

from pydantic import BaseModel, FiniteFloat

SECOND = 1.0
"""What NCBI counts in, in seconds."""

UNHEARD_SECONDS = 3.0
"""How long a request may be on its way. After this it counts as arrived, though NCBI may take minutes to respond: the
process may have been killed, and others need its slot."""

ABSENT_SECONDS = 3.0
"""How long a waiting process may be silent before it loses its place in the queue: it may have been killed."""

LONGEST_PAUSE = 3600.0
"""How long one `Retry-After` stops everybody, in seconds; then one request finds out whether it still holds."""

_SHORTEST_SLEEP, _LONGEST_SLEEP = 0.01, 0.4
_SLEEP_OF_NEXT = 0.1
"""How long those who are next may sleep, in seconds: a response frees a slot earlier than was to be expected."""


class Slot(BaseModel):
    """One of the requests that are allowed in a second.

    Attributes:
        free_at: from when on it may be taken.
        ticket: of the request that has it until its response; "" after that.
    """

    free_at: FiniteFloat
    ticket: str = ""


class Waiting(BaseModel):
    """A request that waits for a slot.

    Attributes:
        ticket: of the request.
        seen_at: when it last asked.
    """

    ticket: str
    seen_at: FiniteFloat


class Wait(NamedTuple):
    """How long a request has to wait before it asks again.

    Attributes:
        seconds: 0 when it may be sent now.
        is_pause: whether NCBI has asked for it.
    """

    seconds: float
    is_pause: bool = False


class Turns(BaseModel):
    """The state of one limit. All times are seconds of one clock, which all who share the state read.

    Attributes:
        slots: as many as requests are allowed in a second.
        waiting: the queue, first come, first served.
        paused_until: when a request may be sent again after a `Retry-After`.
        pause_seconds: how long that was at its beginning.
    """

    slots: list[Slot] = []
    waiting: list[Waiting] = []
    paused_until: FiniteFloat = 0.0
    pause_seconds: FiniteFloat = 0.0

    @classmethod
    def read(cls, text: str | bytes, now: float, limit: int) -> Self:
        """The state in a text of `model_dump_json`; "" for a new one.

        Where the text is damaged, the last second may have had as many requests as it could.

        Args:
            text: the text.
            now: the time of the clock.
            limit: requests that are allowed in a second.
        """
        turns = cls()
        if text:
            try:
                turns = cls.model_validate_json(text)
            except ValueError:
                turns.slots = [Slot(free_at=now + SECOND) for _ in range(limit)]
        turns.correct(now, limit)
        return turns

    def ask(self, ticket: str, now: float) -> Wait:
        """Take a slot for a request, or a place in the queue; no wait when it may be sent now."""
        if now < self.paused_until:
            return Wait(self.paused_until - now, is_pause=True)
        ahead = self._place(ticket, now)
        slots = sorted(self.slots, key=lambda slot: slot.free_at)
        if ahead < len(slots) and slots[ahead].free_at <= now:
            taken = slots[0]
            taken.free_at, taken.ticket = now + UNHEARD_SECONDS + SECOND, ticket
            self.waiting = [other for other in self.waiting if other.ticket != ticket]
            return Wait(0.0)
        rounds, place = divmod(ahead, len(slots))
        expected = slots[place].free_at + rounds * SECOND - now
        return Wait(max(_SHORTEST_SLEEP, min(expected, _LONGEST_SLEEP if rounds else _SLEEP_OF_NEXT)))

    def heard(self, ticket: str, now: float) -> None:
        """Note that a request has been responded to, or has failed."""
        for slot in self.slots:
            if slot.ticket == ticket:
                slot.free_at, slot.ticket = now + SECOND, ""

    def pause(self, seconds: float, now: float) -> None:
        """Let nobody send a request for some seconds, at most `LONGEST_PAUSE`."""
        seconds = min(seconds, LONGEST_PAUSE)
        if now + seconds > self.paused_until:
            self.paused_until, self.pause_seconds = now + seconds, seconds

    def _place(self, ticket: str, now: float) -> int:
        """How many wait before this one."""
        # One that was seen in the future was seen before the clock was set back.
        self.waiting = [other for other in self.waiting if 0 <= now - other.seen_at < ABSENT_SECONDS]
        for place, other in enumerate(self.waiting):
            if other.ticket == ticket:
                other.seen_at = now
                return place
        self.waiting.append(Waiting(ticket=ticket, seen_at=now))
        return len(self.waiting) - 1

    def correct(self, now: float, limit: int) -> None:
        """Believe no time that this clock could not have given: it may have been set back, or begun again."""
        self.slots = [*self.slots, *(Slot(free_at=now) for _ in range(limit - len(self.slots)))][:limit]
        for slot in self.slots:
            slot.free_at = min(slot.free_at, now + UNHEARD_SECONDS + SECOND)
        self.paused_until = min(self.paused_until, now + min(self.pause_seconds, LONGEST_PAUSE))
