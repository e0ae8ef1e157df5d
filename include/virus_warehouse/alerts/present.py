"""The alarms of the present: those of the overview, by source and kind."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from virus_warehouse.alarm import Alarm, AlarmKind
from virus_warehouse.pages.overview.overview import Overview, State

Key = tuple[str | None, AlarmKind]
"""The source, or None for what concerns no single source, and the kind: at most one alert is open for each."""


@dataclass(frozen=True)
class Present:
    """What is so now.

    Attributes:
        alarms: the texts of the alarms, in order of their weight.
        too_young: those of them that may pass by themselves: they begin no alert yet.
        running: sources that are being loaded: until that ends, nothing is known to be over.
        last_ended: when the last run of each source ended.
    """

    alarms: dict[Key, str]
    too_young: frozenset[Key]
    running: frozenset[str]
    last_ended: dict[str, datetime]


def present_alarms(content: Overview, failed_after: timedelta, now: datetime) -> Present:
    """The alarms of the overview.

    Args:
        content: of the overview.
        failed_after: how long a failure must last.
        now: the present.
    """
    texts: dict[Key, list[str]] = {}
    too_young = set()
    for source, alarm in _alarms(content):
        key = (source, alarm.kind)
        texts.setdefault(key, []).append(alarm.text)
        if alarm.kind is AlarmKind.FAILED and alarm.since is not None and now - alarm.since < failed_after:
            too_young.add(key)
    return Present(
        {key: " ".join(parts) for key, parts in texts.items()},
        frozenset(too_young),
        frozenset(card.name for card in content.cards if card.state is State.RUNNING),
        {card.name: run["ended_at"] for card in content.cards if (run := card.last_run) and run["ended_at"]},
    )


def is_over(key: Key, began_at: datetime, present: Present) -> bool:
    """Whether an alert's alarm has ended.

    Args:
        key: of the alert.
        began_at: when it began.
        present: what is so now.
    """
    source, kind = key
    if key in present.alarms or source in present.running:
        return False
    if kind is AlarmKind.LATE:  # the overview does not know it: it is over when a run has ended since
        ended_at = present.last_ended.get(source or "")
        return ended_at is not None and ended_at > began_at
    return True


def _alarms(content: Overview) -> Iterator[tuple[str | None, Alarm]]:
    yield from ((None, alarm) for alarm in content.alarms)
    for card in content.cards:
        yield from ((card.name, alarm) for alarm in card.alarms)
