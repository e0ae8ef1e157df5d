"""The run ledger, `ops.ingest_run`: requests, results, and the basis for the next window.

To be called within a transaction on the attached warehouse: the watermark is committed together with the rows.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

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


@dataclass(frozen=True)
class LaterLoad:
    """A committed load of a package that was requested later than another.

    Attributes:
        run_id: the run that loaded.
        package: run id of the package.
        since: first update date that it merged; None without a lower bound.
        until: update date before which it stopped; None without an upper bound.
    """

    run_id: str
    package: str
    since: date | None
    until: date | None


def sources(session: DuckDBPyConnection) -> set[str]:
    """The names of all sources with a run."""
    return {name for (name,) in session.execute(f"SELECT DISTINCT source FROM {TABLE}").fetchall()}


def insert(session: DuckDBPyConnection, row: Mapping[str, object]) -> None:
    """Open the row of a run."""
    _insert(session, TABLE, row)


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
    _insert(session, "warehouse.ops.ingest_report", row)


def insert_sequences(
    session: DuckDBPyConnection, run_id: str, source: str, molecule: str, counts: Mapping[str, int]
) -> None:
    """Add the outcomes of the entries of one FASTA file of a run."""
    row = {"run_id": run_id, "source": source, "molecule": molecule, **counts}
    _insert(session, "warehouse.ops.ingest_sequence", row)


def _insert(session: DuckDBPyConnection, table: str, row: Mapping[str, object]) -> None:
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


def may_hold_rows_of_other_filters(session: DuckDBPyConnection, source: str, *fingerprints: str) -> bool:
    """Whether runs with other fingerprints committed after the last full load with one of these, which ends their rows.

    Any run adds rows, also a window. Only a full load with the newest package ends them.
    """
    return session.execute(
        f"""
        WITH committed AS (
            SELECT
                mode, fingerprint, ended_at,
                coalesce(
                    -- An approved package is compared with all later ones.
                    archived_run_id IS NOT NULL
                    OR requested_at >= max(requested_at) FILTER (requested_at <= $now) OVER (ORDER BY ended_at),
                    true
                ) AS has_newest_package
            FROM {TABLE} WHERE source = $source AND status = 'success'
        )
        SELECT count(*) > 0 FROM committed
        WHERE NOT list_contains($fingerprints, fingerprint) AND ended_at > coalesce(
            (
                SELECT max(ended_at) FROM committed
                WHERE list_contains($fingerprints, fingerprint) AND mode = 'full' AND has_newest_package
            ),
            TIMESTAMPTZ '-infinity'
        )
        """,
        {"source": source, "fingerprints": sorted(fingerprints), "now": datetime.now(UTC)},
    ).fetchone() == (True,)


def returns_to_other_filters(session: DuckDBPyConnection, source: str, fingerprint: str) -> bool:
    """Whether the source returns to an earlier request after a different one in between."""
    return session.execute(
        f"""
        WITH committed AS (
            SELECT fingerprint = $fingerprint AS is_same, ended_at
            FROM {TABLE} WHERE source = $source AND status = 'success'
        )
        SELECT coalesce(
            (SELECT NOT is_same FROM committed ORDER BY ended_at DESC LIMIT 1) AND bool_or(is_same), false
        )
        FROM committed
        """,
        {"source": source, "fingerprint": fingerprint},
    ).fetchone() == (True,)


def watermark(session: DuckDBPyConnection, source: str, fingerprint: str) -> date | None:
    """The largest update date that NCBI has listed for this source and fingerprint; None before any."""
    row = session.execute(
        f"SELECT max(watermark) FROM {TABLE} WHERE source = ? AND fingerprint = ? AND status = 'success'",
        [source, fingerprint],
    ).fetchone()
    return None if row is None else row[0]


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


def has_committed(session: DuckDBPyConnection, source: str, origin: RunOrigin) -> bool:
    """Whether a try of the same DAG run has committed for the source: its package is then not reused."""
    return session.execute(
        f"SELECT count(*) > 0 FROM {TABLE} WHERE source = ? AND dag_id = ? AND dag_run_id = ? AND status = 'success'",
        [source, origin.dag_id, origin.dag_run_id],
    ).fetchone() == (True,)


def committed_since_full_load(session: DuckDBPyConnection, source: str) -> list[RunRecord]:
    """The committed runs of a source from its newest full load on, in commit order."""
    return _records(
        session,
        """
        source = $source AND status = 'success' AND ended_at >= (
            SELECT max(ended_at) FROM warehouse.ops.ingest_run
            WHERE source = $source AND status = 'success' AND mode = 'full'
        )
        """,
        {"source": source},
    )


def records_of(session: DuckDBPyConnection, run_ids: Collection[str]) -> dict[str, RunRecord]:
    """The records of these runs by their ids, as far as they have a row."""
    found = _records(session, "list_contains($run_ids, run_id)", {"run_ids": list(run_ids)})
    return {record.run_id: record for record in found}


def _records(session: DuckDBPyConnection, condition: str, parameters: dict[str, object]) -> list[RunRecord]:
    result = session.execute(f"FROM {TABLE} WHERE {condition} ORDER BY ended_at", parameters)
    names = [column[0] for column in result.description or ()]
    return [RunRecord(**dict(zip(names, row, strict=True))) for row in result.fetchall()]


def is_newest_package(session: DuckDBPyConnection, source: str, requested_at: datetime) -> bool:
    """Whether no committed run of the source had a package that was requested later.

    Requests in the future, by a clock that was ahead, are ignored: they would be the newest for years.
    """
    return session.execute(
        f"SELECT coalesce(max(requested_at) <= ?, true) FROM {TABLE} "
        "WHERE source = ? AND status = 'success' AND requested_at <= ?",
        [requested_at, source, datetime.now(UTC)],
    ).fetchone() == (True,)


def requested_after_now(session: DuckDBPyConnection, source: str) -> tuple[str, datetime] | None:
    """The committed run of a source with the latest request time in the future, and that time; None without one."""
    row = session.execute(
        f"SELECT run_id, requested_at FROM {TABLE} WHERE source = ? AND status = 'success' AND requested_at > ? "
        "ORDER BY requested_at DESC LIMIT 1",
        [source, datetime.now(UTC)],
    ).fetchone()
    return None if row is None else (str(row[0]), row[1])


def loaded_packages(session: DuckDBPyConnection, source: str) -> set[str]:
    """Ids of the runs whose packages runs of the source have committed."""
    rows = session.execute(
        f"SELECT DISTINCT package_path FROM {TABLE} "
        "WHERE source = ? AND status = 'success' AND package_path IS NOT NULL",
        [source],
    ).fetchall()
    return {Path(path).stem for (path,) in rows}


def packages_to_start_from(session: DuckDBPyConnection, source: str) -> set[str]:
    """Ids of the runs whose full packages can start a rebuild: they were the newest when they were committed."""
    rows = session.execute(
        f"""
        SELECT DISTINCT package_path FROM {TABLE}
        WHERE source = $source AND status = 'success' AND package_path IS NOT NULL
        QUALIFY
            mode = 'full'
            AND requested_at >= max(requested_at) FILTER (requested_at <= $now) OVER (ORDER BY ended_at)
        """,
        {"source": source, "now": datetime.now(UTC)},
    ).fetchall()
    return {Path(path).stem for (path,) in rows}


def replacement(session: DuckDBPyConnection, source: str, fingerprint: str, requested_at: datetime) -> str | None:
    """The committed run that makes a stopped full load obsolete; None if there is none.

    It has loaded everything at the same time or later, or with other filters or reports since.

    Args:
        session: with the warehouse attached.
        source: the source.
        fingerprint: of the stopped load.
        requested_at: when its package was requested.
    """
    row = session.execute(
        f"""
        SELECT arg_max(run_id, ended_at) FROM {TABLE}
        WHERE
            source = $source
            AND status = 'success'
            AND (
                (mode = 'full' AND requested_at >= $requested_at AND requested_at <= $now)
                OR (fingerprint <> $fingerprint AND ended_at > $requested_at)
            )
        """,
        {"source": source, "fingerprint": fingerprint, "requested_at": requested_at, "now": datetime.now(UTC)},
    ).fetchone()
    return None if row is None else row[0]


def later_loads(session: DuckDBPyConnection, source: str, requested_at: datetime) -> list[LaterLoad]:
    """The committed loads of packages that were requested later, and were the newest when they were committed.

    Args:
        session: with the warehouse attached.
        source: the source.
        requested_at: the time of the earlier request.
    """
    rows = session.execute(
        f"""
        SELECT run_id, package_path, if(mode = 'window', updated_since, NULL), until FROM {TABLE}
        WHERE source = $source AND status = 'success'
        QUALIFY
            package_path IS NOT NULL
            AND requested_at > $requested_at
            AND requested_at >= max(requested_at) FILTER (requested_at <= $now) OVER (ORDER BY ended_at)
        ORDER BY ended_at
        """,
        {"source": source, "requested_at": requested_at, "now": datetime.now(UTC)},
    ).fetchall()
    return [LaterLoad(run_id, Path(path).stem, since, until) for run_id, path, since, until in rows]


def next_commit_time(session: DuckDBPyConnection, source: str) -> datetime:
    """Now, or just after the source's last commit if the clock is behind: `valid_from` strictly increases."""
    row = session.execute(
        f"SELECT max(ended_at) FROM {TABLE} WHERE source = ? AND status = 'success'", [source]
    ).fetchone()
    last = None if row is None else row[0]
    now = datetime.now(UTC)
    return now if last is None else max(now, last + timedelta(microseconds=1))
