"""Runs from the published ledger and from run files, which also have running, failed and unpublished runs."""

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

from virus_warehouse.data_folder import DataFolder, NoSnapshot
from virus_warehouse.pages.snapshot import reading
from virus_warehouse.reports.data_report import DATA_REPORT
from virus_warehouse.running import is_running
from virus_warehouse.sequences.molecule import MOLECULES
from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.run_record import OUTCOMES, SEQUENCE_OUTCOMES
from virus_warehouse.warehouse.schema import ingest_run

Run = dict[str, Any]

_ONLY_IN_FILES = {
    "stage": "VARCHAR",
    "failed_in": "VARCHAR",
    "bytes": "BIGINT",
    "megabytes_per_second": "DOUBLE",
    "summary": "VARCHAR",
    "ncbi_says": "VARCHAR",
    "parts": "STRUCT(listed BIGINT, arrived BIGINT, expected BIGINT, records BIGINT, missing BIGINT)",
    "reports": "MAP(VARCHAR, JSON)",
    "sequences": "MAP(VARCHAR, JSON)",
    "written_at": "TIMESTAMP WITH TIME ZONE",
}
_AS_IN_FILES = {"seconds": "MAP(VARCHAR, DOUBLE)", "versions": "MAP(VARCHAR, VARCHAR)"}
"""Other versions may time other stages and have other components."""


@cache
def _run_columns() -> str:
    """The columns of a run file with their types, for `from_json`: the ledger's, and a few more."""
    dialect = Dialect()
    of_ledger = {column.name: column.type.compile(dialect=dialect) for column in ingest_run.columns}
    return json.dumps({**of_ledger, **_AS_IN_FILES, **_ONLY_IN_FILES})


@dataclass(frozen=True)
class RunFilter:
    """Filters for runs; empty texts match all.

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
def open_run_view(data: DataFolder, run_id: str | None = None) -> Iterator[DuckDBPyConnection]:
    """A connection with a temporary table `run_view`, a row per run, and the snapshot's tables if there is one.

    Args:
        data: the data folder.
        run_id: the run whose file is read in any case. Files of other runs that have ended according to the ledger
            are skipped: there may be thousands.
    """
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(reading(data))
            is_published = True
            rows = _rows(connection, "SELECT run_id FROM ops.ingest_run WHERE status <> 'running'")
            ended = {run for (run,) in rows}
        except NoSnapshot:
            connection = stack.enter_context(duckdb.connect())
            connection.execute("SET TimeZone = 'UTC'")
            ended, is_published = set(), False
        run_sql(connection, "pages/runs/run_view.sql", {"run_columns": _run_columns()})
        _add_run_files(connection, (path for path in data.runs.glob("*.json") if path.stem not in ended - {run_id}))
        if is_published:
            run_sql(connection, "pages/runs/runs_of_ledger.sql")
        unfinished = _rows(connection, "SELECT run_id FROM run_view WHERE status = 'running'")
        dead = [run for (run,) in unfinished if not is_running(data, run)]
        # A run that has ended since its file was read has released its lock, but has written its end before.
        _add_run_files(connection, (data.runs / f"{run}.json" for run in dead))
        run_sql(connection, "pages/runs/died.sql", {"dead_runs": dead, "died": ledger.DIED})
        yield connection


def _add_run_files(connection: DuckDBPyConnection, files: Iterable[Path]) -> None:
    states = {}
    for path in files:
        with suppress(FileNotFoundError):  # starting runs delete old files
            states[path.stem] = path.read_text(encoding="utf-8", errors="replace")
    # In Python, since DuckDB takes a hundred times as long to open so many small files.
    variables = {"run_states": list(states.values()), "file_runs": list(states), "run_columns": _run_columns()}
    run_sql(connection, "pages/runs/runs_of_files.sql", variables)


@dataclass(frozen=True)
class RunList:
    """A page of the ledger.

    Attributes:
        runs: the runs of the page, latest first.
        found: the number of matching runs on all pages.
        sources: the names of all sources with runs.
    """

    runs: list[Run]
    found: int
    sources: list[str]


def list_runs(data: DataFolder, wanted: RunFilter, *, limit: int, offset: int = 0) -> RunList:
    """The matching runs, latest first.

    Args:
        data: the data folder.
        wanted: the filters.
        limit: the largest number of runs.
        offset: how many to skip.
    """
    variables = {f"wanted_{name}": value for name, value in asdict(wanted).items()}
    with open_run_view(data) as connection:
        found = run_sql(
            connection, "pages/runs/list_runs.sql", {**variables, "page_limit": limit, "page_offset": offset}
        )
        runs = rows_of(found)
        sources = [source for (source,) in _rows(connection, "SELECT DISTINCT source FROM run_view ORDER BY source")]
    return RunList(runs, runs[0]["runs_found"] if runs else 0, sources)


def one_run(data: DataFolder, run_id: str) -> Run | None:
    """A run, or None.

    Besides the columns of the ledger: `reports`, the line outcomes by report; `sequences`, the outcomes of FASTA
    entries by molecule; `tries`, the runs of the same source in the same DAG run.
    """
    with open_run_view(data, run_id) as connection:
        rows = rows_of(connection.execute("SELECT * FROM run_view WHERE run_id = ?", [run_id]))
        if not rows:
            return None
        run = rows[0]
        for name in ("seconds", "versions", "reports", "sequences"):
            run[name] = json.loads(run[name] or "{}")
        if run["is_published"]:
            run["reports"] = {row["report"]: row for row in _published_reports(connection, run_id)}
            run["sequences"] = {row["molecule"]: row for row in _published_sequences(connection, run_id)}
        elif run["lines"] is not None:
            run["reports"] = {DATA_REPORT.name: run} | _counts(run["reports"], "lines", *OUTCOMES)
            run["sequences"] = _counts(run["sequences"], "records", *SEQUENCE_OUTCOMES, "missing")
        run["tries"] = rows_of(run_sql(connection, "pages/runs/tries.sql", {"run_id": run_id}))
        return run


def _counts(counts_of_files: Mapping[str, Any], *names: str) -> dict[str, dict[str, int]]:
    """The counts of each report or FASTA file in a run file, as far as they are valid."""
    return {
        file: {name: counts[name] if isinstance(counts.get(name), int) else 0 for name in names}
        for file, counts in counts_of_files.items()
        if isinstance(counts, dict)
    }


def _published_reports(connection: DuckDBPyConnection, run_id: str) -> list[Run]:
    # The data report first, which every run has.
    return rows_of(
        connection.execute(
            "SELECT * FROM ops.ingest_report WHERE run_id = ? ORDER BY report <> ?, report", [run_id, DATA_REPORT.name]
        )
    )


def _published_sequences(connection: DuckDBPyConnection, run_id: str) -> list[Run]:
    try:
        # The genomes first, then the coding regions and the proteins.
        return rows_of(
            connection.execute(
                "SELECT * FROM ops.ingest_sequence WHERE run_id = ? ORDER BY list_position(?::VARCHAR[], molecule)",
                [run_id, [molecule.name for molecule in MOLECULES]],
            )
        )
    except duckdb.CatalogException:  # a snapshot of an earlier version has none
        return []


def runs_of_dag_run(data: DataFolder, dag_id: str, dag_run_id: str) -> list[Run]:
    """The runs of a DAG run, one per try and source, oldest first."""
    with open_run_view(data) as connection:
        found = connection.execute(
            "SELECT run_id, source FROM run_view WHERE dag_id = ? AND dag_run_id = ? ORDER BY started_at, run_id",
            [dag_id, dag_run_id],
        )
        return rows_of(found)


def rows_of(result: DuckDBPyConnection) -> list[dict[str, Any]]:
    """The rows of a result as dictionaries."""
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def _rows(connection: DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()
