"""What raises an alarm: the overview shows it, and an alert is sent when it begins and when it ends."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Weight(StrEnum):
    """The severity of an alarm."""

    BAD = "bad"
    WARN = "warn"


class AlarmKind(StrEnum):
    """What raises an alarm."""

    BROKEN = "broken"
    FAILED = "failed"
    STOPPED = "stopped"
    LATE = "late"
    OVERDUE = "overdue"
    HELD_BACK = "held back"
    NOT_PUBLISHED = "not published"
    BLOCKED = "blocked"
    DISK = "disk"
    FINDING = "finding"
    GAP = "gap"
    QUARANTINE = "quarantine"
    MISSING = "missing"
    DRIFT = "drift"


@dataclass(frozen=True)
class Alarm:
    """An alarm.

    Attributes:
        weight: bad where data may be lacking, warn where somebody should look.
        kind: what raises it.
        text: description and advice.
        query: SQL on the snapshot that shows the rows concerned; None where there are none.
        since: when it was raised, where that is known.
    """

    weight: Weight
    kind: AlarmKind
    text: str
    query: str | None = None
    since: datetime | None = None
