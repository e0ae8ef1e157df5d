"""What the committed runs of a source say about its next one: the watermark, the newest package, other filters."""

import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from virus_warehouse.warehouse.ledger import TABLE, RunOrigin, insert_row, records_in
from virus_warehouse.warehouse.run_record import RunRecord

_WAS_NEWEST = "requested_at >= max(requested_at) FILTER (requested_at <= $now) OVER (ORDER BY ended_at)"
"""Whether a run's package was the newest when it was committed. Requests in the future are ignored."""


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


class CommittedRuns:
    """The committed runs of a source, as they are now; to be created and used within one transaction.

    They are copied into a temporary table, because a run asks a dozen questions about them, and each look at a table of
    a lake takes a hundredth of a second.

    Args:
        session: with the warehouse attached.
        source: the source.
    """

    def __init__(self, session: DuckDBPyConnection, source: str) -> None:
        self._session, self._table = session, f"committed_run_{secrets.token_hex(4)}"
        session.execute(
            f"CREATE TEMP TABLE {self._table} AS FROM {TABLE} WHERE source = ? AND status = 'success'", [source]
        )

    def add(self, run: RunRecord) -> None:
        """Add the run that this transaction commits."""
        insert_row(self._session, self._table, run.row)

    def may_hold_rows_of_other_filters(self, *fingerprints: str) -> bool:
        """Whether there are runs with other fingerprints after the last full load with one of these.

        Any run adds rows, also a window. Only a full load with the newest package ends them.
        """
        return self._holds(
            f"""
            WITH committed AS (
                SELECT
                    mode, fingerprint, ended_at,
                    coalesce(
                        -- An approved package is compared with all later ones.
                        archived_run_id IS NOT NULL
                        OR {_WAS_NEWEST},
                        true
                    ) AS has_newest_package
                FROM {self._table}
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
            {"fingerprints": sorted(fingerprints), "now": datetime.now(UTC)},
        )

    def returns_to_other_filters(self, fingerprint: str) -> bool:
        """Whether the source returns to an earlier request after a different one in between."""
        return self._holds(
            f"""
            SELECT coalesce(
                arg_max(fingerprint, ended_at) <> $fingerprint AND bool_or(fingerprint = $fingerprint), false
            )
            FROM {self._table}
            """,
            {"fingerprint": fingerprint},
        )

    def watermark(self, fingerprint: str) -> date | None:
        """The largest update date that NCBI has listed for the source and this fingerprint; None before any."""
        watermark: date | None = self._value(
            f"SELECT max(watermark) FROM {self._table} WHERE fingerprint = $fingerprint", {"fingerprint": fingerprint}
        )
        return watermark

    def has_try_of(self, origin: RunOrigin) -> bool:
        """Whether a try of the same DAG run has committed: its package is then not reused."""
        return self._holds(
            f"SELECT count(*) > 0 FROM {self._table} WHERE dag_id = $dag_id AND dag_run_id = $dag_run_id",
            {"dag_id": origin.dag_id, "dag_run_id": origin.dag_run_id},
        )

    def since_full_load(self) -> list[RunRecord]:
        """Those from the newest full load on, in commit order."""
        return records_in(
            self._session,
            f"{self._table} WHERE ended_at >= (SELECT max(ended_at) FROM {self._table} WHERE mode = 'full')",
        )

    def have_nothing_newer(self, requested_at: datetime) -> bool:
        """Whether none of them had a package that was requested later than this.

        Requests in the future, by a clock that was ahead, are ignored: they would be the newest for years.
        """
        return self._holds(
            f"SELECT coalesce(max(requested_at) <= $requested_at, true) FROM {self._table} WHERE requested_at <= $now",
            {"requested_at": requested_at, "now": datetime.now(UTC)},
        )

    def requested_after_now(self) -> tuple[str, datetime] | None:
        """The run with the latest request time in the future, and that time; None without one."""
        row = self._session.execute(
            f"SELECT run_id, requested_at FROM {self._table} WHERE requested_at > ? ORDER BY requested_at DESC LIMIT 1",
            [datetime.now(UTC)],
        ).fetchone()
        return None if row is None else (str(row[0]), row[1])

    def packages(self) -> set[str]:
        """Ids of the runs whose packages they have loaded."""
        rows = self._session.execute(
            f"SELECT DISTINCT package_path FROM {self._table} WHERE package_path IS NOT NULL"
        ).fetchall()
        return {Path(path).stem for (path,) in rows}

    def packages_to_start_from(self) -> set[str]:
        """Ids of the runs whose full packages can start a rebuild: they were the newest when they were committed."""
        rows = self._session.execute(
            f"""
            SELECT DISTINCT package_path FROM {self._table}
            WHERE package_path IS NOT NULL
            QUALIFY
                mode = 'full'
                AND {_WAS_NEWEST}
            """,
            {"now": datetime.now(UTC)},
        ).fetchall()
        return {Path(path).stem for (path,) in rows}

    def replacement(self, fingerprint: str, requested_at: datetime) -> str | None:
        """The run that makes a stopped full load obsolete; None if there is none.

        It has loaded everything at the same time or later, or with other filters or reports since.

        Args:
            fingerprint: of the stopped load.
            requested_at: when its package was requested.
        """
        run_id: str | None = self._value(
            f"""
            SELECT arg_max(run_id, ended_at) FROM {self._table}
            WHERE
                (mode = 'full' AND requested_at >= $requested_at AND requested_at <= $now)
                OR (fingerprint <> $fingerprint AND ended_at > $requested_at)
            """,
            {"fingerprint": fingerprint, "requested_at": requested_at, "now": datetime.now(UTC)},
        )
        return run_id

    def later_loads(self, requested_at: datetime) -> list[LaterLoad]:
        """The loads of packages that were requested later, and were the newest when they were committed.

        Args:
            requested_at: the time of the earlier request.
        """
        rows = self._session.execute(
            f"""
            SELECT run_id, package_path, if(mode = 'window', updated_since, NULL), until FROM {self._table}
            QUALIFY
                package_path IS NOT NULL
                AND requested_at > $requested_at
                AND {_WAS_NEWEST}
            ORDER BY ended_at
            """,
            {"requested_at": requested_at, "now": datetime.now(UTC)},
        ).fetchall()
        return [LaterLoad(run_id, Path(path).stem, since, until) for run_id, path, since, until in rows]

    def next_commit_time(self) -> datetime:
        """Now, or just after the last commit if the clock is behind: `valid_from` strictly increases."""
        last, now = self._value(f"SELECT max(ended_at) FROM {self._table}", {}), datetime.now(UTC)
        return now if last is None else max(now, last + timedelta(microseconds=1))

    def _value(self, query: str, parameters: dict[str, object]) -> Any:
        ((value,),) = self._session.execute(query, parameters).fetchall()
        return value

    def _holds(self, query: str, parameters: dict[str, object]) -> bool:
        return self._value(query, parameters) is True
