from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from duckdb import DuckDBPyConnection

from tests.support.ledger_rows import NOON, RUN, add, session
from tests.support.warehouses import Store, dicts
from virus_warehouse.run_file import is_running, run_lock
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.connection import Warehouse

__all__ = ["session"]


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
