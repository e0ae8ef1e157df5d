"""The runs: those of the published ledger, and those that only their run files tell of, working, failed or newer."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.run_file import is_running
from virus_warehouse.showing.snapshot import NoSnapshot, reading
from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse import ledger

Run = dict[str, Any]

OUTCOMES = ("inserted", "revised", "touched", "unchanged", "stale", "duplicate", "out_of_window", "quarantined")
"""What becomes of a line: these add up to `lines`."""


@dataclass(frozen=True)
class RunFilter:
    """Which runs to show; an empty text excludes none."""

    source: str = ""
    status: str = ""
    mode: str = ""
    text: str = ""


@contextmanager
def telling(data: DataFolder) -> Iterator[DuckDBPyConnection]:
    """A connection with a temporary table `told_run`, a row a run, and the snapshot's tables if there is one."""
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(reading(data))
            published = True
        except NoSnapshot:
            connection = stack.enter_context(duckdb.connect())
            connection.execute("SET TimeZone = 'UTC'")
            published = False
        run_sql(connection, "showing/sql/told_run.sql")
        files = [str(path) for path in data.runs.glob("*.json")]
        if files:
            run_sql(connection, "showing/sql/told_by_files.sql", {"run_files": files})
        if published:
            run_sql(connection, "showing/sql/told_by_ledger.sql")
        unfinished = connection.execute("SELECT run_id FROM told_run WHERE status = 'running'").fetchall()
        dead = [run_id for (run_id,) in unfinished if not is_running(data.runs, run_id)]
        run_sql(connection, "showing/sql/died.sql", {"dead_runs": dead, "died": ledger.DIED})
        yield connection


def list_runs(data: DataFolder, wanted: RunFilter, *, limit: int, offset: int = 0) -> tuple[list[Run], int]:
    """Runs, latest first, and how many there are.

    Args:
        data: where they are told of.
        wanted: which to show.
        limit: at most so many.
        offset: after so many.
    """
    variables = {
        "wanted_source": wanted.source,
        "wanted_status": wanted.status,
        "wanted_mode": wanted.mode,
        "wanted_text": wanted.text,
        "page_limit": limit,
        "page_offset": offset,
    }
    with telling(data) as connection:
        runs = rows_of(run_sql(connection, "showing/sql/list_runs.sql", variables))
    return runs, runs[0]["runs_found"] if runs else 0


def one_run(data: DataFolder, run_id: str) -> Run | None:
    """All that is told of a run, or None; `reports` has what became of the lines of each of its report files."""
    with telling(data) as connection:
        rows = rows_of(connection.execute("SELECT * FROM told_run WHERE run_id = ?", [run_id]))
        if not rows:
            return None
        run = rows[0]
        run["seconds"] = json.loads(run["seconds"] or "{}")
        run["versions"] = json.loads(run["versions"] or "{}")
        run["reports"] = _reports(connection, run_id) if data.snapshot.exists() else []
        return run


def runs_of_dag_run(data: DataFolder, dag_id: str, dag_run_id: str) -> list[str]:
    """Ids of the runs that a DAG run made, a try each, oldest first."""
    with telling(data) as connection:
        found = connection.execute(
            "SELECT run_id FROM told_run WHERE dag_id = ? AND dag_run_id = ? ORDER BY started_at", [dag_id, dag_run_id]
        )
        return [run_id for (run_id,) in found.fetchall()]


def _reports(connection: DuckDBPyConnection, run_id: str) -> list[Run]:
    return rows_of(connection.execute("SELECT * FROM ops.ingest_report WHERE run_id = ? ORDER BY report", [run_id]))


def rows_of(result: DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of a result, by the names of its columns."""
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
