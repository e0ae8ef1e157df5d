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
from virus_warehouse.warehouse.committed_runs import CommittedRuns
from virus_warehouse.windows import Window, WindowError, WindowRequest, plan_window

FILTERED = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", host="human"))
RUN = ledger.RunOrigin("ncbi_virus_ingest__mpox", "scheduled__2025-06-02", "scheduled", 1)
NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)


class LedgerFixture:
    """Past runs, and the window that follows from them."""

    def __init__(self, folder: Path) -> None:
        self.warehouse = Store(folder).warehouse
        self.count = 0

    def add_run(self, source: Source = MPOX, **changes: Any) -> None:
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
            runs = CommittedRuns(session, source.name)
            return plan_window(session, runs, source, origin or ledger.RunOrigin(), window_request or WindowRequest())


@pytest.fixture
def runs(tmp_path: Path) -> LedgerFixture:
    return LedgerFixture(tmp_path)


class TestPlan:
    def test_first_run_requests_everything(self, runs: LedgerFixture) -> None:
        assert runs.plan() == Window(FULL, None, None, None, filter_changed=False)

    def test_next_run_requests_from_before_the_watermark(self, runs: LedgerFixture) -> None:
        runs.add_run()
        assert runs.plan() == Window(INCREMENTAL, date(2025, 5, 16), None, date(2025, 5, 30), filter_changed=False)

    def test_lookback_is_set_by_the_source(self, runs: LedgerFixture) -> None:
        runs.add_run()
        source = MPOX.model_copy(update={"lookback_days": 0})
        assert runs.plan(source=source).updated_since == date(2025, 5, 30)

    def test_failed_and_running_runs_do_not_move_the_window(self, runs: LedgerFixture) -> None:
        runs.add_run(status="failed")
        runs.add_run(status="running")
        assert runs.plan().mode == FULL

    def test_without_a_watermark_everything_is_requested(self, runs: LedgerFixture) -> None:
        runs.add_run(watermark=None)
        assert runs.plan().mode == FULL

    def test_other_sources_do_not_count(self, runs: LedgerFixture) -> None:
        runs.add_run(MPOX.model_copy(update={"name": "dengue"}))
        assert runs.plan().mode == FULL

    def test_changed_filters_request_everything_until_it_is_loaded(self, runs: LedgerFixture) -> None:
        runs.add_run()
        assert runs.plan(source=FILTERED) == Window(FULL, None, None, None, filter_changed=True)
        runs.add_run(FILTERED, status="failed", watermark=None)
        assert runs.plan(source=FILTERED).mode == FULL
        runs.add_run(FILTERED)
        assert runs.plan(source=FILTERED).mode == INCREMENTAL

    def test_filters_changed_back_also_request_everything(self, runs: LedgerFixture) -> None:
        runs.add_run()
        runs.add_run(FILTERED)
        assert runs.plan() == Window(FULL, None, None, date(2025, 5, 30), filter_changed=True)

    def test_window_load_does_not_count_as_a_regular_load(self, runs: LedgerFixture) -> None:
        runs.add_run(mode="window", watermark=None)
        assert runs.plan().mode == FULL

    def test_window_with_other_filters_adds_rows_that_a_full_load_ends(self, runs: LedgerFixture) -> None:
        runs.add_run()
        runs.add_run(FILTERED, mode="window", watermark=None)
        assert runs.plan() == Window(FULL, None, None, date(2025, 5, 30), filter_changed=True)
        assert runs.plan(source=FILTERED).mode == FULL
        runs.add_run()
        assert runs.plan().mode == INCREMENTAL

    def test_requested_days_are_the_window(self, runs: LedgerFixture) -> None:
        runs.add_run()
        window_request = WindowRequest(since=date(2025, 1, 1), until=date(2025, 2, 1))
        expected = Window(WINDOW, date(2025, 1, 1), date(2025, 2, 1), date(2025, 5, 30), filter_changed=False)
        assert runs.plan(window_request) == expected

    def test_full_load_can_be_requested(self, runs: LedgerFixture) -> None:
        runs.add_run()
        assert runs.plan(WindowRequest(mode="full")) == Window(
            FULL, None, None, date(2025, 5, 30), filter_changed=False
        )

    def test_retry_gets_the_window_of_the_first_try(self, runs: LedgerFixture) -> None:
        runs.add_run()
        here = {"dag_id": RUN.dag_id, "dag_run_id": RUN.dag_run_id}
        runs.add_run(mode=INCREMENTAL, status="failed", updated_since=date(2025, 5, 16), watermark=None, **here)
        runs.add_run(mode=INCREMENTAL, watermark=date(2025, 6, 1))
        assert runs.plan(origin=RUN).updated_since == date(2025, 5, 16)
        assert runs.plan().updated_since == date(2025, 5, 18)
        other = ledger.RunOrigin(RUN.dag_id, "scheduled__2025-06-03")
        assert runs.plan(origin=other).updated_since == date(2025, 5, 18)
        same_name_elsewhere = ledger.RunOrigin("ncbi_virus_ingest__dengue", RUN.dag_run_id)
        assert runs.plan(origin=same_name_elsewhere).updated_since == date(2025, 5, 18)

    def test_retry_of_a_full_load_is_full_even_after_another_full_load(self, runs: LedgerFixture) -> None:
        runs.add_run(status="failed", watermark=None, dag_id=RUN.dag_id, dag_run_id=RUN.dag_run_id)
        runs.add_run()
        assert runs.plan(origin=RUN).mode == FULL

    def test_retry_in_another_mode_gets_its_own_window(self, runs: LedgerFixture) -> None:
        here = {"dag_id": RUN.dag_id, "dag_run_id": RUN.dag_run_id}
        runs.add_run()
        runs.add_run(mode=WINDOW, updated_since=date(2020, 1, 1), **here)
        assert runs.plan(origin=RUN).updated_since == date(2025, 5, 16)

    def test_old_increment_is_not_repeated_after_other_filters(self, runs: LedgerFixture) -> None:
        # Records ended by the other filters would be lost: the next increments would not request them.
        runs.add_run()
        here = {"dag_id": RUN.dag_id, "dag_run_id": RUN.dag_run_id}
        runs.add_run(mode=INCREMENTAL, updated_since=date(2025, 5, 16), **here)
        runs.add_run(FILTERED)
        assert runs.plan(origin=RUN) == Window(FULL, None, None, date(2025, 5, 30), filter_changed=True)


class TestWindowRequest:
    @pytest.mark.parametrize(
        ("window_request", "message"),
        [
            ({"mode": "delta"}, "mode is 'delta'; allowed are incremental, window, full"),
            ({"mode": "full", "since": date(2025, 1, 1)}, "leave out either the days or the mode 'full'"),
            ({"mode": "incremental", "until": date(2025, 1, 1)}, "leave out either the days or the mode 'incremental'"),
            (
                {"mode": "window"},
                "a window needs a first day, such as 2026-11-01: `--since` and `--until`, or Since and",
            ),
            ({"until": date(2025, 1, 1)}, "a window needs a first day"),
            ({"since": date(2025, 1, 1), "until": date(2025, 1, 1)}, "is empty: its end is exclusive"),
            ({"since": date(2025, 1, 2), "until": date(2025, 1, 1)}, "is empty"),
            ({"since": date(2025, 6, 2)}, "is in the future; today is 2025-06-01"),
        ],
    )
    def test_invalid_request_is_refused(self, window_request: dict[str, Any], message: str) -> None:
        with pytest.raises(WindowError, match=message):
            WindowRequest(**window_request).validate(today=date(2025, 6, 1))

    def test_days_select_a_window_and_no_days_the_watermark(self) -> None:
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
    def test_days_are_accepted_in_many_formats(self, given: Any, day: date | None) -> None:
        assert WindowRequest.day(given) == day

    def test_invalid_day_is_refused(self) -> None:
        with pytest.raises(WindowError, match="'yesterday' is not a day; write it like 2026-11-01"):
            WindowRequest.day("yesterday")
