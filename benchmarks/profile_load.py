"""Profile of a full load: `python -m benchmarks.profile_load 200000` times each of its SQL statements.

`make bench-profile` also runs it under py-spy, which samples the Python code between statements, and DuckDB's threads.
"""

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from duckdb import DuckDBPyConnection
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.measured import CaseInput, Clock
from benchmarks.packages import PackageCache, Recipe
from benchmarks.run import bench_folder
from benchmarks.warehouse import load, make_empty
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.session import SessionSettings, private_session

MIN_SHARE = 0.005
"""Statements below this share of the load's time are not listed."""

MAX_SHOWN = 60

Statements = list[tuple[float, str]]


class TimedSession:
    """A DuckDB connection that measures the time of each statement."""

    def __init__(self, session: DuckDBPyConnection, statements: Statements) -> None:
        self._session, self._statements = session, statements

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def execute(self, sql: str, parameters: object = None) -> DuckDBPyConnection:
        """Run the statements of `sql` one by one."""
        for statement in self._session.extract_statements(sql):
            started = time.perf_counter()
            self._session.execute(statement, parameters)
            self._statements.append((time.perf_counter() - started, statement.query))
        return self._session


def profile(package: Path, folder: Path) -> tuple[float, dict[str, float], Statements]:
    """Load a package in full into an empty warehouse.

    Returns:
        The wall seconds of the load, of its stages, and of each statement.
    """
    statements: Statements = []

    @contextmanager
    def timed_session(temporary: Path, further: SessionSettings) -> Iterator[TimedSession]:
        with private_session(temporary, further) as session:
            yield TimedSession(session, statements)

    make_empty(DataFolder(folder / "data"))
    inputs = CaseInput(folder, package, Clock())
    with patch("virus_warehouse.ingest.private_session", timed_session):
        outcome = load(inputs)
    return inputs.clock.wall_seconds, outcome.seconds, statements


def main() -> None:
    """Create the package if it is missing, load it, and print the times."""
    recipe = Recipe(int(sys.argv[1]))
    cache = PackageCache(bench_folder())
    cache.make({recipe}, processes=1)
    scratch = Path(tempfile.mkdtemp(dir=bench_folder()))
    try:
        wall, stages, statements = profile(cache.path(recipe), scratch)
    finally:
        shutil.rmtree(scratch)
    console = Console()
    table = Table("seconds", "share", "what", box=SIMPLE_HEAD)
    for seconds, what in [(wall, "the load"), *((seconds, f"stage: {stage}") for stage, seconds in stages.items())]:
        table.add_row(f"{seconds:.2f}", f"{seconds / wall:.0%}", what)
    table.add_section()
    for seconds, sql in sorted(statements, reverse=True):
        if seconds >= wall * MIN_SHARE:
            table.add_row(f"{seconds:.2f}", f"{seconds / wall:.0%}", _first_line(sql))
    console.print(table)


def _first_line(sql: str) -> str:
    lines = (line.strip() for line in sql.splitlines())
    first = next(line for line in lines if line and not line.startswith("--"))
    return first if len(first) <= MAX_SHOWN else f"{first[:MAX_SHOWN]} ..."


if __name__ == "__main__":
    main()
