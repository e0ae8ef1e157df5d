"""The runs: those of the published ledger, and those that only their run files tell of, working, failed or newer."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection
from duckdb_sqlalchemy import Dialect

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.pages.snapshot import NoSnapshot, reading
from virus_warehouse.reports.data_report import DATA_REPORT
from virus_warehouse.run_file import is_running
from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.run_record import OUTCOMES
from virus_warehouse.warehouse.schema import ingest_run

Run = dict[str, Any]

_ONLY_IN_FILES = {
    "stage": "VARCHAR",
    "failed_in": "VARCHAR",
    "bytes": "BIGINT",
    "megabytes_per_second": "DOUBLE",
    "summary": "VARCHAR",
    "ncbi_says": "VARCHAR",
    "reports": "MAP(VARCHAR, JSON)",
    "written_at": "TIMESTAMP WITH TIME ZONE",
}
_AS_IN_FILES = {"seconds": "MAP(VARCHAR, DOUBLE)", "versions": "MAP(VARCHAR, VARCHAR)"}
"""Other versions time other stages, and load with other components."""


@cache
def _run_columns() -> str:
    """What a run file says of a run, each with its type, as `from_json` takes it: the ledger's columns, and a few."""
    dialect = Dialect()
    of_ledger = {column.name: column.type.compile(dialect=dialect) for column in ingest_run.columns}
    return json.dumps({**of_ledger, **_AS_IN_FILES, **_ONLY_IN_FILES})


@dataclass(frozen=True)
class RunFilter:
    """Which runs to show; an empty text excludes none.

    Attributes:
        source: name of the source.
        status: running, success or failed.
        mode: incremental, window, full or replay.
        dag_run: id of Airflow's DAG run.
        text: what the run's id or its error contains.
    """

    source: str = ""
    status: str = ""
    mode: str = ""
    dag_run: str = ""
    text: str = ""


@contextmanager
def telling(data: DataFolder, run_id: str | None = None) -> Iterator[DuckDBPyConnection]:
    """A connection with a temporary table `run_view`, a row a run, and the snapshot's tables if there is one.

    Args:
        data: where snapshot and run files are.
        run_id: the run of which all is wanted that its file tells. Of others whose end the ledger tells, the files
            are not read: there may be thousands.
    """
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(reading(data))
            is_published = True
            rows = _rows(connection, "SELECT run_id FROM ops.ingest_run WHERE status <> 'running'")
            ended = {told for (told,) in rows}
        except NoSnapshot:
            connection = stack.enter_context(duckdb.connect())
            connection.execute("SET TimeZone = 'UTC'")
            ended, is_published = set(), False
        run_sql(connection, "pages/runs/run_view.sql", {"run_columns": _run_columns()})
        _tell_files(connection, (path for path in data.runs.glob("*.json") if path.stem not in ended - {run_id}))
        if is_published:
            run_sql(connection, "pages/runs/runs_of_ledger.sql")
        unfinished = _rows(connection, "SELECT run_id FROM run_view WHERE status = 'running'")
        dead = [told for (told,) in unfinished if not is_running(data.runs, told)]
        # One that has ended since its file was read let go of its lock as well, but not without telling its end.
        _tell_files(connection, (data.runs / f"{told}.json" for told in dead))
        run_sql(connection, "pages/runs/died.sql", {"dead_runs": dead, "died": ledger.DIED})
        yield connection


def _tell_files(connection: DuckDBPyConnection, files: Iterable[Path]) -> None:
    states = {}
    for path in files:
        with suppress(FileNotFoundError):  # a run that begins deletes old files
            states[path.stem] = path.read_text(encoding="utf-8", errors="replace")
    # By Python, since DuckDB takes a hundred times as long to open so many small files.
    told = {"run_states": list(states.values()), "file_runs": list(states), "run_columns": _run_columns()}
    run_sql(connection, "pages/runs/runs_of_files.sql", told)


@dataclass(frozen=True)
class RunList:
    """A page of the ledger.

    Attributes:
        runs: the runs of the page, latest first.
        found: how many there are on all pages.
        sources: the names of the sources that have runs, whatever is wanted.
    """

    runs: list[Run]
    found: int
    sources: list[str]


def list_runs(data: DataFolder, wanted: RunFilter, *, limit: int, offset: int = 0) -> RunList:
    """The runs that are wanted, latest first.

    Args:
        data: where they are told of.
        wanted: which to show.
        limit: at most so many.
        offset: after so many.
    """
    variables = {f"wanted_{name}": value for name, value in asdict(wanted).items()}
    with telling(data) as connection:
        found = run_sql(
            connection, "pages/runs/list_runs.sql", {**variables, "page_limit": limit, "page_offset": offset}
        )
        runs = rows_of(found)
        sources = [source for (source,) in _rows(connection, "SELECT DISTINCT source FROM run_view ORDER BY source")]
    return RunList(runs, runs[0]["runs_found"] if runs else 0, sources)


def one_run(data: DataFolder, run_id: str) -> Run | None:
    """All that is told of a run, or None.

    Besides the columns of the ledger: `reports`, what became of the lines of each report file by the file's name;
    `tries`, the runs of the same source in the same DAG run.
    """
    with telling(data, run_id) as connection:
        rows = rows_of(connection.execute("SELECT * FROM run_view WHERE run_id = ?", [run_id]))
        if not rows:
            return None
        run = rows[0]
        for name in ("seconds", "versions", "reports"):
            run[name] = json.loads(run[name] or "{}")
        if run["is_published"]:
            run["reports"] = {row["report"]: row for row in _published_reports(connection, run_id)}
        elif run["lines"] is not None:
            told = {name: counts for name, counts in run["reports"].items() if isinstance(counts, dict)}
            run["reports"] = {DATA_REPORT.name: run} | {name: _counts(counts) for name, counts in told.items()}
        run["tries"] = rows_of(run_sql(connection, "pages/runs/tries.sql", {"run_id": run_id}))
        return run


def _counts(told: Mapping[str, Any]) -> dict[str, int]:
    """The counts of a report, as far as a file tells them in numbers."""
    return {name: told[name] if isinstance(told.get(name), int) else 0 for name in ("lines", *OUTCOMES)}


def _published_reports(connection: DuckDBPyConnection, run_id: str) -> list[Run]:
    # The data report first, of which every run tells.
    return rows_of(
        connection.execute(
            "SELECT * FROM ops.ingest_report WHERE run_id = ? ORDER BY report <> ?, report", [run_id, DATA_REPORT.name]
        )
    )


def runs_of_dag_run(data: DataFolder, dag_id: str, dag_run_id: str) -> list[Run]:
    """The runs that a DAG run made, a try of a source each, oldest first."""
    with telling(data) as connection:
        found = connection.execute(
            "SELECT run_id, source FROM run_view WHERE dag_id = ? AND dag_run_id = ? ORDER BY started_at, run_id",
            [dag_id, dag_run_id],
        )
        return rows_of(found)


def rows_of(result: DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of a result, by the names of its columns."""
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _rows(connection: DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()
