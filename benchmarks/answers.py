"""Queries and their results: how long each takes, and whether two implementations agree."""

import hashlib
import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

REPEATS = 3
"""Number of times that each query runs in one process. In the first run the process's own caches are empty."""

Rows = Iterable[Sequence[object]]
Queries = Mapping[str, Callable[[], Rows]]


def run_queries(queries: Queries) -> tuple[dict[str, float], dict[str, str]]:
    """Run each query a few times.

    Args:
        queries: functions that run a query and fetch all rows, by name.

    Returns:
        The median seconds, and a digest of the result, of each query.
    """
    seconds, answers = {}, {}
    for name, query in queries.items():
        walls = []
        for _ in range(REPEATS):
            started = time.perf_counter()
            rows = query()
            walls.append(time.perf_counter() - started)
        seconds[name], answers[name] = statistics.median(walls), digest(rows)
    return seconds, answers


def digest(rows: Rows) -> str:
    """A hash of a result that does not depend on the order of rows or on the library; empty if there are no rows."""
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
