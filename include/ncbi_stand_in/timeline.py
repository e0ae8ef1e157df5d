"""A record's timeline: released, indexed late, revised, re-versioned, re-dated, withdrawn, reinstated.

It imitates what users have reported to NCBI (with issue numbers): records become visible up to a week or more after
their release and keep the early date (#488, #309), and disappear for days and return unchanged (#530).
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, auto
from random import Random

FIRST_RELEASE = -700
LAST_EVENT = 30
"""First and last day of releases and changes, relative to the epoch: two years."""

BUSY_DAYS = 21
"""The events of busy records are within this many days before and after the epoch."""


class ChangeKind(Enum):
    """What happened to a record on the day of a new update date."""

    REVISED = auto()
    REVERSIONED = auto()
    REDATED = auto()


@dataclass(frozen=True, slots=True)
class Change:
    """A change on a day. `choice` selects the field to revise."""

    day: date
    kind: ChangeKind
    choice: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The dates of a record's events. The update date is never before the release date."""

    released: date
    first_updated: date
    indexed: date
    changes: tuple[Change, ...] = ()
    withdrawn: date | None = None
    reinstated: date | None = None

    def is_shown_on(self, day: date) -> bool:
        """Whether NCBI shows the record on this day."""
        if day < self.indexed:
            return False
        if self.withdrawn is None or day < self.withdrawn:
            return True
        return self.reinstated is not None and day >= self.reinstated

    def changes_until(self, day: date) -> tuple[Change, ...]:
        """The changes up to and including this day, in order."""
        return tuple(change for change in self.changes if change.day <= day)


def draw_timeline(random: Random, epoch: date, *, busy: bool, refseq: bool) -> Timeline:
    """Draw a timeline around `epoch`.

    The events of busy records are close to the epoch, so that even a small world has changes every day. Those of other
    records are spread evenly. RefSeq records are old and are never withdrawn.
    """

    def on(day: int) -> date:
        return epoch + timedelta(days=day)

    fresh = busy and not refseq and random.random() < 0.6
    if fresh:
        release_day = random.randint(-BUSY_DAYS, BUSY_DAYS)
    else:
        release_day = random.randint(FIRST_RELEASE, -BUSY_DAYS - 1 if busy or refseq else LAST_EVENT)
    first_update_day = release_day + random.choice((0, 0, 0, 0, 1, 2))
    index_day = max(first_update_day, release_day + _draw_index_lag(random))

    change_days = _draw_change_days(random, index_day, busy=busy, fresh=fresh)
    changes = tuple(Change(on(day), _draw_change_kind(random), random.getrandbits(16)) for day in change_days)

    withdrawn_day = reinstated_day = None
    last_day = max((index_day, *change_days))
    if not refseq and last_day < LAST_EVENT and random.random() < 0.05:
        earliest = max(last_day + 1, -BUSY_DAYS if busy else FIRST_RELEASE)
        withdrawn_day = random.randint(earliest, LAST_EVENT)
        if random.random() < 0.5:
            reinstated_day = withdrawn_day + random.randint(2, 14)

    return Timeline(
        released=on(release_day),
        first_updated=on(first_update_day),
        indexed=on(index_day),
        changes=changes,
        withdrawn=None if withdrawn_day is None else on(withdrawn_day),
        reinstated=None if reinstated_day is None else on(reinstated_day),
    )


def _draw_index_lag(random: Random) -> int:
    chance = random.random()
    if chance < 0.75:
        return random.randint(0, 1)
    return random.randint(2, 6) if chance < 0.93 else random.randint(7, 12)


def _draw_change_days(random: Random, index_day: int, *, busy: bool, fresh: bool) -> list[int]:
    share = 0.25 if fresh or not busy else 0.7
    if random.random() >= share:
        return []
    first = max(index_day + 1, -BUSY_DAYS if busy else FIRST_RELEASE)
    last = BUSY_DAYS if busy else LAST_EVENT
    if first > last:
        return []
    days = {random.randint(first, last) for _ in range(random.choice((1, 1, 1, 2)))}
    return sorted(days)


def _draw_change_kind(random: Random) -> ChangeKind:
    kinds = (ChangeKind.REVISED, ChangeKind.REVERSIONED, ChangeKind.REDATED)
    return random.choices(kinds, (55, 25, 20))[0]
