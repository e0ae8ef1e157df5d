from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.warehouses import MPOX, Store
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.run_mode import FULL, INCREMENTAL, WINDOW
from virus_warehouse.sources import Source
from virus_warehouse.warehouse import ledger
from virus_warehouse.windows import Window, WindowError, WindowRequest, plan_window

FILTERED = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", host="human"))
RUN = ledger.RunOrigin("ncbi_virus_ingest__mpox", "scheduled__2025-06-02", "scheduled", 1)
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


class Ledger:
    """Runs that were, and the window that follows from them."""

    def __init__(self, folder: Path) -> None:
        self.warehouse = Store(folder).warehouse
        self.count = 0

    def ran(self, source: Source = MPOX, **changes: Any) -> None:
        self.count += 1
        moment = NOON + timedelta(hours=self.count)
        row = {
            "run_id": f"run-{self.count}",
            "source": source.name,
            "mode": "full",
            "fingerprint": source.fingerprint,
            "status": "success",
            "started_at": moment,
            "ended_at": moment,
            "watermark": date(2025, 5, 30),
        }
        with duckdb.connect() as session, self.warehouse.transaction(session):
            ledger.insert(session, {**row, **changes})

    def plan(
        self,
        window_request: WindowRequest | None = None,
        origin: ledger.RunOrigin | None = None,
        source: Source = MPOX,
    ) -> Window:
        with duckdb.connect() as session, self.warehouse.transaction(session):
            return plan_window(session, source, origin or ledger.RunOrigin(), window_request or WindowRequest())


@pytest.fixture
def runs(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


class TestPlan:
    def test_first_run_asks_for_everything(self, runs: Ledger) -> None:
        assert runs.plan() == Window(FULL, None, None, None, filter_changed=False)

    def test_next_run_asks_from_before_the_watermark(self, runs: Ledger) -> None:
        runs.ran()
        assert runs.plan() == Window(INCREMENTAL, date(2025, 5, 16), None, date(2025, 5, 30), filter_changed=False)

    def test_lookback_is_the_sources_own(self, runs: Ledger) -> None:
        runs.ran()
        source = MPOX.model_copy(update={"lookback_days": 0})
        assert runs.plan(source=source).updated_since == date(2025, 5, 30)

    def test_failed_and_running_runs_move_nothing(self, runs: Ledger) -> None:
        runs.ran(status="failed")
        runs.ran(status="running")
        assert runs.plan().mode == FULL

    def test_without_a_watermark_everything_is_asked_for(self, runs: Ledger) -> None:
        runs.ran(watermark=None)
        assert runs.plan().mode == FULL

    def test_other_sources_do_not_count(self, runs: Ledger) -> None:
        runs.ran(MPOX.model_copy(update={"name": "dengue"}))
        assert runs.plan().mode == FULL

    def test_changed_filters_ask_for_everything_until_that_is_loaded(self, runs: Ledger) -> None:
        runs.ran()
        assert runs.plan(source=FILTERED) == Window(FULL, None, None, None, filter_changed=True)
        runs.ran(FILTERED, status="failed", watermark=None)
        assert runs.plan(source=FILTERED).mode == FULL
        runs.ran(FILTERED)
        assert runs.plan(source=FILTERED).mode == INCREMENTAL

    def test_filters_changed_back_ask_for_everything_too(self, runs: Ledger) -> None:
        runs.ran()
        runs.ran(FILTERED)
        assert runs.plan() == Window(FULL, None, None, date(2025, 5, 30), filter_changed=True)

    def test_window_does_not_count_as_having_followed_the_source(self, runs: Ledger) -> None:
        runs.ran(mode="window", watermark=None)
        assert runs.plan().mode == FULL

    def test_window_with_other_filters_brings_rows_that_a_full_load_ends(self, runs: Ledger) -> None:
        runs.ran()
        runs.ran(FILTERED, mode="window", watermark=None)
        assert runs.plan() == Window(FULL, None, None, date(2025, 5, 30), filter_changed=True)
        assert runs.plan(source=FILTERED).mode == FULL
        runs.ran()
        assert runs.plan().mode == INCREMENTAL

    def test_wished_days_are_the_window(self, runs: Ledger) -> None:
        runs.ran()
        window_request = WindowRequest(since=date(2025, 1, 1), until=date(2025, 2, 1))
        expected = Window(WINDOW, date(2025, 1, 1), date(2025, 2, 1), date(2025, 5, 30), filter_changed=False)
        assert runs.plan(window_request) == expected

    def test_full_load_can_be_wished(self, runs: Ledger) -> None:
        runs.ran()
        assert runs.plan(WindowRequest(mode="full")) == Window(
            FULL, None, None, date(2025, 5, 30), filter_changed=False
        )

    def test_further_try_gets_the_window_of_the_first(self, runs: Ledger) -> None:
        runs.ran()
        here = {"dag_id": RUN.dag_id, "dag_run_id": RUN.dag_run_id}
        runs.ran(mode=INCREMENTAL, status="failed", updated_since=date(2025, 5, 16), watermark=None, **here)
        runs.ran(mode=INCREMENTAL, watermark=date(2025, 6, 1))
        assert runs.plan(origin=RUN).updated_since == date(2025, 5, 16)
        assert runs.plan().updated_since == date(2025, 5, 18)
        other = ledger.RunOrigin(RUN.dag_id, "scheduled__2025-06-03")
        assert runs.plan(origin=other).updated_since == date(2025, 5, 18)
        same_name_elsewhere = ledger.RunOrigin("ncbi_virus_ingest__dengue", RUN.dag_run_id)
        assert runs.plan(origin=same_name_elsewhere).updated_since == date(2025, 5, 18)

    def test_further_try_of_a_full_load_loads_in_full_though_others_did_meanwhile(self, runs: Ledger) -> None:
        runs.ran(status="failed", watermark=None, dag_id=RUN.dag_id, dag_run_id=RUN.dag_run_id)
        runs.ran()
        assert runs.plan(origin=RUN).mode == FULL

    def test_further_try_in_another_mode_gets_a_window_of_its_own(self, runs: Ledger) -> None:
        here = {"dag_id": RUN.dag_id, "dag_run_id": RUN.dag_run_id}
        runs.ran()
        runs.ran(mode=WINDOW, updated_since=date(2020, 1, 1), **here)
        assert runs.plan(origin=RUN).updated_since == date(2025, 5, 16)

    def test_old_increment_is_no_way_back_from_other_filters(self, runs: Ledger) -> None:
        # What the other filters ended would stay gone for good: the next increments would not ask for it.
        runs.ran()
        here = {"dag_id": RUN.dag_id, "dag_run_id": RUN.dag_run_id}
        runs.ran(mode=INCREMENTAL, updated_since=date(2025, 5, 16), **here)
        runs.ran(FILTERED)
        assert runs.plan(origin=RUN) == Window(FULL, None, None, date(2025, 5, 30), filter_changed=True)


class TestWindowRequest:
    @pytest.mark.parametrize(
        ("window_request", "told"),
        [
            ({"mode": "delta"}, "mode is 'delta'; allowed are incremental, window, full"),
            ({"mode": "full", "since": date(2025, 1, 1)}, "drop mode 'full'"),
            ({"mode": "incremental", "until": date(2025, 1, 1)}, "drop mode 'incremental'"),
            ({"mode": "window"}, "a window needs a first day"),
            ({"until": date(2025, 1, 1)}, "a window needs a first day"),
            ({"since": date(2025, 1, 1), "until": date(2025, 1, 1)}, "is empty; until is exclusive"),
            ({"since": date(2025, 1, 2), "until": date(2025, 1, 1)}, "is empty"),
            ({"since": date(2025, 6, 2)}, "is in the future; today is 2025-06-01"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, window_request: dict[str, Any], told: str) -> None:
        with pytest.raises(WindowError, match=told):
            WindowRequest(**window_request).validate(today=date(2025, 6, 1))

    def test_days_mean_a_window_and_nothing_means_the_watermark(self) -> None:
        assert WindowRequest(since=date(2025, 1, 1)).effective_mode == WINDOW
        assert WindowRequest().effective_mode == INCREMENTAL
        assert WindowRequest(mode="full").effective_mode == FULL

    @pytest.mark.parametrize(
        ("given", "day"),
        [
            (None, None),
            ("", None),
            (" None ", None),
            ("2025-06-01", date(2025, 6, 1)),
            (date(2025, 6, 1), date(2025, 6, 1)),
            ("2025-06-01T00:00:00+00:00", date(2025, 6, 1)),
            ("2025-06-01T23:30:00-02:00", date(2025, 6, 2)),
            (datetime(2025, 6, 1, 1, tzinfo=timezone(timedelta(hours=2))), date(2025, 5, 31)),
        ],
    )
    def test_days_come_in_many_forms(self, given: Any, day: date | None) -> None:
        assert WindowRequest.day(given) == day

    def test_what_is_no_day_is_refused(self) -> None:
        with pytest.raises(WindowError, match="'yesterday' is not a day; write it like 2026-11-01"):
            WindowRequest.day("yesterday")
