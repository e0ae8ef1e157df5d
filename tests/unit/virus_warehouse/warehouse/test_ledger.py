from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from tests.support.warehouses import Store, dicts
from virus_warehouse.run_file import is_running, run_lock
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.connection import Warehouse

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
RUN = ledger.RunOrigin("ncbi_virus_ingest__mpox", "scheduled__1", "scheduled", 1)


@pytest.fixture
def session(tmp_path: Path) -> Iterator[DuckDBPyConnection]:
    """Within a transaction on an attached warehouse."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        with Store(tmp_path).warehouse.transaction(connection):
            yield connection


def add(session: DuckDBPyConnection, run_id: str, **changes: Any) -> None:
    row = {
        "run_id": run_id,
        "source": "mpox",
        "mode": "incremental",
        "fingerprint": "a",
        "status": "success",
        "started_at": NOON,
        "ended_at": NOON,
    }
    ledger.insert(session, {**row, **changes})


def test_row_is_opened_and_changed(tmp_path: Path) -> None:
    path = Store(tmp_path).warehouse.path
    with duckdb.connect() as session, Warehouse(path).transaction(session):
        for run_id in ("run-1", "run-2"):
            add(session, run_id, status="running", ended_at=None, versions={"duckdb": "1.5"})
        ledger.update(session, "run-1", {"status": "success", "seconds": {"merge": 1.5}, "until": date(2025, 6, 1)})
    first, second = dicts(path, "FROM ops.ingest_run ORDER BY run_id")
    assert (first["status"], first["seconds"]["merge"], first["until"]) == ("success", 1.5, date(2025, 6, 1))
    assert first["versions"]["duckdb"] == "1.5"
    assert (second["status"], second["seconds"], second["until"]) == ("running", None, None)


@pytest.mark.parametrize("status", ["success", "failed", None])
def test_change_of_a_row_that_is_not_running_is_a_failure(session: DuckDBPyConnection, status: str | None) -> None:
    if status is not None:
        add(session, "run-1", status=status)
    with pytest.raises(ledger.RunNotOpen, match="run run-1 is no longer open in the ledger"):
        ledger.update(session, "run-1", {"status": "success"})


class TestWatermark:
    def test_there_is_no_watermark_before_the_first_run(self, session: DuckDBPyConnection) -> None:
        assert ledger.watermark(session, "mpox", "a") is None

    def test_it_never_moves_back(self, session: DuckDBPyConnection) -> None:
        add(session, "run-1", watermark=date(2025, 5, 30))
        add(session, "run-2", watermark=date(2025, 5, 1), ended_at=NOON + timedelta(hours=1))
        assert ledger.watermark(session, "mpox", "a") == date(2025, 5, 30)

    def test_it_belongs_to_a_source_and_a_fingerprint(self, session: DuckDBPyConnection) -> None:
        add(session, "run-1", watermark=date(2025, 5, 30))
        add(session, "run-2", watermark=date(2025, 5, 31), fingerprint="b")
        assert ledger.watermark(session, "mpox", "a") == date(2025, 5, 30)
        assert ledger.watermark(session, "mpox", "b") == date(2025, 5, 31)
        assert ledger.watermark(session, "dengue", "a") is None

    @pytest.mark.parametrize("status", ["failed", "running"])
    def test_only_a_committed_run_moves_it(self, session: DuckDBPyConnection, status: str) -> None:
        add(session, "run-1", watermark=date(2025, 5, 30), status=status)
        assert ledger.watermark(session, "mpox", "a") is None


class TestRowsOfOtherFilters:
    def add(self, session: DuckDBPyConnection, hour: int, fingerprint: str, mode: str, **others: Any) -> None:
        moment = NOON + timedelta(hours=hour)
        row = {"ended_at": moment, "requested_at": moment, "fingerprint": fingerprint, "mode": mode, **others}
        add(session, f"run-{hour}", **row)

    def may_be_held(self, session: DuckDBPyConnection, fingerprint: str) -> bool:
        return ledger.may_hold_rows_of_other_filters(session, "mpox", fingerprint)

    def test_there_are_no_rows_of_other_filters_at_first(self, session: DuckDBPyConnection) -> None:
        assert not self.may_be_held(session, "a")
        self.add(session, 1, "a", "full")
        self.add(session, 2, "b", "full", status="failed")
        self.add(session, 3, "b", "full", source="dengue")
        assert not self.may_be_held(session, "a")
        assert self.may_be_held(session, "b")

    @pytest.mark.parametrize("mode", ["full", "incremental", "window"])
    def test_run_of_any_mode_adds_them(self, session: DuckDBPyConnection, mode: str) -> None:
        self.add(session, 1, "a", "full")
        self.add(session, 2, "b", mode)
        self.add(session, 3, "a", "incremental")
        assert self.may_be_held(session, "a")
        assert self.may_be_held(session, "b")

    def test_a_full_load_ends_them(self, session: DuckDBPyConnection) -> None:
        self.add(session, 1, "b", "window")
        self.add(session, 2, "a", "full")
        assert not self.may_be_held(session, "a")

    def test_a_full_load_with_an_older_package_does_not(self, session: DuckDBPyConnection) -> None:
        self.add(session, 2, "b", "full")
        self.add(session, 3, "a", "full", requested_at=NOON + timedelta(hours=1))
        assert self.may_be_held(session, "a")


class TestNextCommitTime:
    def test_it_is_the_current_time(self, session: DuckDBPyConnection) -> None:
        add(session, "run-1")
        before = datetime.now(UTC)
        assert before <= ledger.next_commit_time(session, "mpox") <= datetime.now(UTC)

    def test_it_strictly_increases_even_if_the_clock_is_set_back(self, session: DuckDBPyConnection) -> None:
        ahead = datetime.now(UTC) + timedelta(days=1)
        times = [ahead]
        for number in range(3):
            add(session, f"run-{number}", ended_at=times[-1])
            times.append(ledger.next_commit_time(session, "mpox"))
        assert times == [ahead + timedelta(microseconds=number) for number in range(4)]

    def test_other_sources_and_failed_runs_do_not_count(self, session: DuckDBPyConnection) -> None:
        ahead = datetime.now(UTC) + timedelta(days=1)
        add(session, "run-1", ended_at=ahead, source="dengue")
        add(session, "run-2", ended_at=ahead, status="failed")
        assert ledger.next_commit_time(session, "mpox") < ahead


class TestDeadRuns:
    def test_run_whose_lock_is_free_is_closed_and_others_are_not(self, tmp_path: Path) -> None:
        path = Store(tmp_path).warehouse.path
        with duckdb.connect() as session, Warehouse(path).transaction(session), run_lock(tmp_path, "alive"):
            add(session, "dead", status="running", ended_at=None)
            add(session, "alive", status="running", ended_at=None)
            add(session, "done")
            add(session, "failed before", status="failed", error="as it was")
            closed = ledger.close_dead_runs(session, lambda run_id: is_running(tmp_path, run_id))
        assert closed == ["dead"]
        rows = {row["run_id"]: row for row in dicts(path, "FROM ops.ingest_run")}
        assert {run_id: row["status"] for run_id, row in rows.items()} == {
            "dead": "failed",
            "alive": "running",
            "done": "success",
            "failed before": "failed",
        }
        assert rows["dead"]["error"].startswith("the process ended before the run did")
        assert rows["dead"]["ended_at"] > NOON
        assert rows["failed before"]["error"] == "as it was"


class TestEarlierTries:
    def test_window_is_that_of_the_first_try(self, session: DuckDBPyConnection) -> None:
        here = {"dag_id": RUN.dag_id, "dag_run_id": RUN.dag_run_id}
        add(session, "run-2", updated_since=date(2025, 5, 2), started_at=NOON + timedelta(hours=1), **here)
        add(session, "run-1", updated_since=date(2025, 5, 1), started_at=NOON, status="failed", **here)
        expected = ("incremental", date(2025, 5, 1), None)
        assert ledger.earlier_window(session, "mpox", "a", RUN, ("incremental", "full")) == expected

    @pytest.mark.parametrize(
        "changes",
        [
            {"dag_run_id": "scheduled__2"},
            {"dag_id": "ncbi_virus_ingest__dengue"},
            {"source": "dengue"},
            {"fingerprint": "b"},
            {"mode": "window"},
        ],
    )
    def test_window_of_other_runs_is_not_reused(self, session: DuckDBPyConnection, changes: dict[str, Any]) -> None:
        add(session, "run-1", **{"dag_id": RUN.dag_id, "dag_run_id": RUN.dag_run_id, **changes})
        assert ledger.earlier_window(session, "mpox", "a", RUN, ("incremental", "full")) is None

    def test_run_outside_airflow_has_no_earlier_try(self, session: DuckDBPyConnection) -> None:
        add(session, "run-1")
        assert ledger.earlier_window(session, "mpox", "a", ledger.RunOrigin(), ("incremental",)) is None
        assert not ledger.has_committed(session, "mpox", ledger.RunOrigin())

    def test_committed_try_is_distinguished_from_failed_try(self, session: DuckDBPyConnection) -> None:
        here = {"dag_id": RUN.dag_id, "dag_run_id": RUN.dag_run_id}
        add(session, "run-1", status="failed", **here)
        assert not ledger.has_committed(session, "mpox", RUN)
        add(session, "run-2", **here)
        assert ledger.has_committed(session, "mpox", RUN)
        assert not ledger.has_committed(session, "dengue", RUN)
        assert not ledger.has_committed(session, "mpox", ledger.RunOrigin(RUN.dag_id, "scheduled__2"))


class TestNewestPackage:
    def test_it_is_newest_unless_a_later_request_has_committed(self, session: DuckDBPyConnection) -> None:
        assert ledger.is_newest_package(session, "mpox", NOON)
        add(session, "run-1", requested_at=NOON)
        add(session, "run-2", requested_at=NOON + timedelta(hours=2), status="failed")
        add(session, "run-3", requested_at=NOON + timedelta(hours=2), source="dengue")
        assert ledger.is_newest_package(session, "mpox", NOON)
        assert ledger.is_newest_package(session, "mpox", NOON + timedelta(hours=1))
        assert not ledger.is_newest_package(session, "mpox", NOON - timedelta(microseconds=1))


class TestLatePackage:
    """A full package that was requested before others, and committed after them."""

    @pytest.fixture(autouse=True)
    def runs(self, session: DuckDBPyConnection) -> None:
        hours = [NOON + timedelta(hours=number) for number in range(5)]
        for name, mode, requested, ended, others in (
            ("first", "full", 0, 0, {}),
            ("daily", "incremental", 2, 2, {}),
            ("older", "window", 1, 3, {"updated_since": date(2025, 5, 1)}),
            ("day", "window", 3, 3, {"updated_since": date(2025, 5, 1), "until": date(2025, 5, 2)}),
            ("late", "full", 1, 4, {}),
        ):
            times = {"requested_at": hours[requested], "ended_at": hours[ended]}
            add(session, name, mode=mode, package_path=f"packages/mpox/{name}.zip", **times, **others)

    def test_no_rebuild_can_start_with_it(self, session: DuckDBPyConnection) -> None:
        """Otherwise the packages before it were deleted as too old, and nothing could be rebuilt."""
        assert ledger.packages_to_start_from(session, "mpox") == {"first"}

    def test_later_loads_are_those_of_packages_requested_later_that_were_the_newest(
        self, session: DuckDBPyConnection
    ) -> None:
        assert ledger.later_loads(session, "mpox", NOON + timedelta(hours=1)) == [
            ledger.LaterLoad("daily", "daily", None, None),
            ledger.LaterLoad("day", "day", date(2025, 5, 1), date(2025, 5, 2)),
        ]

    @pytest.mark.parametrize(
        ("fingerprint", "hour", "expected"), [("a", 0, "late"), ("a", 1, "late"), ("a", 2, None), ("b", 2, "late")]
    )
    def test_full_load_or_one_with_other_filters_replaces_a_stopped_one(
        self, session: DuckDBPyConnection, fingerprint: str, hour: int, expected: str | None
    ) -> None:
        assert ledger.replacement(session, "mpox", fingerprint, NOON + timedelta(hours=hour)) == expected
