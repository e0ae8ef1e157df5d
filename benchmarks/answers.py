"""Queries and their results: how long each takes, and whether two implementations agree."""

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

REPEATS = 3
"""Times that each question is asked in one process; the first one finds nothing in the process's own caches."""

Rows = Iterable[Sequence[object]]
Questions = Mapping[str, Callable[[], Rows]]


def ask(questions: Questions) -> tuple[dict[str, float], dict[str, str]]:
    """Ask each question a few times.

    Args:
        questions: by name, what asks and fetches all rows.

    Returns:
        The median of its seconds, and a digest of its result, by question.
    """
    seconds, answers = {}, {}
    for name, question in questions.items():
        walls = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            rows = question()
            walls.append(time.perf_counter() - started)
        seconds[name], answers[name] = statistics.median(walls), digest(rows)
    return seconds, answers


def digest(rows: Rows) -> str:
    """A hash of an answer, the same whatever the order of its rows and the library that gave it; none for no rows."""
    lines = sorted(json.dumps([_plain(value) for value in row]) for row in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else ""


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, list):
        return [_plain(member) for member in value]
    return value
