"""Waiting for events in another thread or process."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta


def until(holds: Callable[[], object], seconds: float) -> None:
    """Wait until a condition holds; fails if it does not within this many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def today_for_a_while(seconds: float = 60) -> date:
    """Today's date in UTC, valid for at least this many seconds: shortly before midnight it waits for the next day."""
    now = datetime.now(UTC)
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    if midnight - now < timedelta(seconds=seconds):
        until(lambda: datetime.now(UTC) >= midnight, seconds + 60)
    return datetime.now(UTC).date()
