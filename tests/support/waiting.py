"""Waiting for what happens in another thread or process."""

import time
from collections.abc import Callable


def until(holds: Callable[[], object], seconds: float) -> None:
    """Wait until something holds; fails when it does not within so many seconds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
