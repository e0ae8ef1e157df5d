"""The run ledger, `ops.ingest_run`: requests and results.

To be called within a transaction on the attached warehouse: the watermark is committed together with the rows.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from duckdb import DuckDBPyConnection

from virus_warehouse.failure import Failure
from virus_warehouse.warehouse.run_record import OUTCOMES, RunRecord

TABLE = "warehouse.ops.ingest_run"

DIED = "the process ended before the run did (killed, or the machine went down); nothing was loaded"
"""Error of a run whose process died."""


class RunNotOpen(Failure):
    """The ledger has no open row of a run, so that the run must not commit: nobody would know what it loaded."""


@dataclass(frozen=True)
class RunOrigin:
    """What started a run: a task of an Airflow DAG run, or a command."""

    dag_id: str | None = None
    dag_run_id: str | None = None
    run_type: str | None = None
    try_number: int | None = None


def sources(session: DuckDBPyConnection) -> set[str]:
    """The names of all sources with a run."""
    return {name for (name,) in session.execute(f"SELECT DISTINCT source FROM {TABLE}").fetchall()}


def insert(session: DuckDBPyConnection, row: Mapping[str, object]) -> None:
    """Open the row of a run."""
    insert_row(session, TABLE, row)


def update(session: DuckDBPyConnection, run_id: str, changes: Mapping[str, object]) -> None:
    """Set columns of the row of a running run; committed rows are immutable.

    Raises:
        RunNotOpen: when the run has no row that is running.
    """
    assignments = ", ".join(f"{column} = ?" for column in changes)
    changed = session.execute(
        f"UPDATE {TABLE} SET {assignments} WHERE run_id = ? AND status = 'running'", [*changes.values(), run_id]
    ).fetchone()
    if changed == (0,):
        raise RunNotOpen(
            f"run {run_id} is no longer open in the ledger: another process has closed it as dead, or removed its row. "
            f"Nothing was written; run the source again. If this happens again, look for another host or data folder "
            f"that uses the same warehouse"
        )


def insert_report(
    session: DuckDBPyConnection, run_id: str, source: str, report: str, counts: Mapping[str, int | None]
) -> None:
    """Add the line outcomes of one report file of a run."""
    report_counts = {name: counts[name] for name in ("lines", *OUTCOMES)}
    row = {"run_id": run_id, "source": source, "report": report, **report_counts}
    insert_row(session, "warehouse.ops.ingest_report", row)


def insert_sequences(
    session: DuckDBPyConnection, run_id: str, source: str, molecule: str, counts: Mapping[str, int]
) -> None:
    """Add the outcomes of the entries of one FASTA file of a run."""
    row = {"run_id": run_id, "source": source, "molecule": molecule, **counts}
    insert_row(session, "warehouse.ops.ingest_sequence", row)


def insert_row(session: DuckDBPyConnection, table: str, row: Mapping[str, object]) -> None:
    """Add a row to a table, with values by column."""
    marks = ", ".join("?" for _ in row)
    session.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))


def insert_acceptance(session: DuckDBPyConnection, run_id: str, source: str, accepted: Iterable[str]) -> None:
    """Record what a person accepted of a load."""
    session.execute(
        "INSERT INTO warehouse.ops.acceptance SELECT ?, ?, unnest(?::VARCHAR[])", [source, run_id, list(accepted)]
    )


def open_runs(session: DuckDBPyConnection) -> list[str]:
    """The ids of the runs whose rows say that they are running; a process may have died."""
    rows = session.execute(f"SELECT run_id FROM {TABLE} WHERE status = 'running'").fetchall()
    return [run_id for (run_id,) in rows]


def close_dead_runs(session: DuckDBPyConnection, is_running: Callable[[str], bool]) -> list[str]:
    """Close as failed the rows left `running` by dead processes.

    Args:
        session: with the warehouse attached.
        is_running: whether a process is still working on the run of that id.

    Returns:
        The ids of the closed runs.
    """
    dead = [run_id for run_id in open_runs(session) if not is_running(run_id)]
    for run_id in dead:
        update(session, run_id, {"status": "failed", "error": DIED, "ended_at": datetime.now(UTC)})
    return dead


def earlier_window(
    session: DuckDBPyConnection, source: str, fingerprint: str, origin: RunOrigin, modes: tuple[str, ...]
) -> tuple[str, date | None, date | None] | None:
    """Mode, `updated_since` and `until` of an earlier try of the same DAG run in one of `modes`; None if there is none.

    Airflow clears and retries a DAG run in place: a newly planned window would start later and leave a gap.
    """
    if origin.dag_run_id is None:
        return None
    return session.execute(
        f"SELECT mode, updated_since, until FROM {TABLE} WHERE source = ? AND fingerprint = ? AND dag_id = ? "
        f"AND dag_run_id = ? AND list_contains(?, mode) ORDER BY started_at LIMIT 1",
        [source, fingerprint, origin.dag_id, origin.dag_run_id, list(modes)],
    ).fetchone()


def records_of(session: DuckDBPyConnection, run_ids: Collection[str]) -> dict[str, RunRecord]:
    """The records of these runs by their ids, as far as they have a row."""
    if not run_ids:
        return {}
    found = records_in(session, f"{TABLE} WHERE list_contains($run_ids, run_id)", {"run_ids": list(run_ids)})
    return {record.run_id: record for record in found}


def records_in(
    session: DuckDBPyConnection, rows: str, parameters: Mapping[str, object] | None = None
) -> list[RunRecord]:
    """The records of runs, in commit order.

    Args:
        session: with the warehouse attached.
        rows: which, as what follows FROM in a query.
        parameters: of the query.
    """
    result = session.execute(f"FROM {rows} ORDER BY ended_at", dict(parameters or {}))
    names = [column[0] for column in result.description or ()]
    return [RunRecord(**dict(zip(names, row, strict=True))) for row in result.fetchall()]
