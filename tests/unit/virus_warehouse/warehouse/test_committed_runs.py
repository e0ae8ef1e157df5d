from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from tests.support.ledger_rows import NOON, RUN, add, session
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.committed_runs import CommittedRuns, LaterLoad

__all__ = ["session"]

HOUR = timedelta(hours=1)


class TestWatermark:
    def test_there_is_no_watermark_before_the_first_run(self, session: DuckDBPyConnection) -> None:
        assert CommittedRuns(session, "mpox").watermark("a") is None

    def test_it_never_moves_back(self, session: DuckDBPyConnection) -> None:
        add(session, "run-1", watermark=date(2025, 5, 30))
        add(session, "run-2", watermark=date(2025, 5, 1), ended_at=NOON + timedelta(hours=1))
        assert CommittedRuns(session, "mpox").watermark("a") == date(2025, 5, 30)

    def test_it_belongs_to_a_source_and_a_fingerprint(self, session: DuckDBPyConnection) -> None:
        add(session, "run-1", watermark=date(2025, 5, 30))
        add(session, "run-2", watermark=date(2025, 5, 31), fingerprint="b")
        assert CommittedRuns(session, "mpox").watermark("a") == date(2025, 5, 30)
        assert CommittedRuns(session, "mpox").watermark("b") == date(2025, 5, 31)
        assert CommittedRuns(session, "dengue").watermark("a") is None

    @pytest.mark.parametrize("status", ["failed", "running"])
    def test_only_a_committed_run_moves_it(self, session: DuckDBPyConnection, status: str) -> None:
        add(session, "run-1", watermark=date(2025, 5, 30), status=status)
        assert CommittedRuns(session, "mpox").watermark("a") is None


class TestRowsOfOtherFilters:
    def add(self, session: DuckDBPyConnection, hour: int, fingerprint: str, mode: str, **others: Any) -> None:
        moment = NOON + timedelta(hours=hour)
        row = {"ended_at": moment, "requested_at": moment, "fingerprint": fingerprint, "mode": mode, **others}
        add(session, f"run-{hour}", **row)

    def may_be_held(self, session: DuckDBPyConnection, fingerprint: str) -> bool:
        return CommittedRuns(session, "mpox").may_hold_rows_of_other_filters(fingerprint)

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
        assert before <= CommittedRuns(session, "mpox").next_commit_time() <= datetime.now(UTC)

    def test_it_strictly_increases_even_if_the_clock_is_set_back(self, session: DuckDBPyConnection) -> None:
        ahead = datetime.now(UTC) + timedelta(days=1)
        times = [ahead]
        for number in range(3):
            add(session, f"run-{number}", ended_at=times[-1])
            times.append(CommittedRuns(session, "mpox").next_commit_time())
        assert times == [ahead + timedelta(microseconds=number) for number in range(4)]

    def test_other_sources_and_failed_runs_do_not_count(self, session: DuckDBPyConnection) -> None:
        ahead = datetime.now(UTC) + timedelta(days=1)
        add(session, "run-1", ended_at=ahead, source="dengue")
        add(session, "run-2", ended_at=ahead, status="failed")
        assert CommittedRuns(session, "mpox").next_commit_time() < ahead


class TestNewestPackage:
    def test_it_is_newest_unless_a_later_request_has_committed(self, session: DuckDBPyConnection) -> None:
        assert CommittedRuns(session, "mpox").have_nothing_newer(NOON)
        add(session, "run-1", requested_at=NOON)
        add(session, "run-2", requested_at=NOON + timedelta(hours=2), status="failed")
        add(session, "run-3", requested_at=NOON + timedelta(hours=2), source="dengue")
        assert CommittedRuns(session, "mpox").have_nothing_newer(NOON)
        assert CommittedRuns(session, "mpox").have_nothing_newer(NOON + timedelta(hours=1))
        assert not CommittedRuns(session, "mpox").have_nothing_newer(NOON - timedelta(microseconds=1))


def test_committed_try_is_distinguished_from_failed_try(session: DuckDBPyConnection) -> None:
    here = {"dag_id": RUN.dag_id, "dag_run_id": RUN.dag_run_id}
    add(session, "run-1", status="failed", **here)
    assert not CommittedRuns(session, "mpox").has_try_of(RUN)
    add(session, "run-2", **here)
    assert CommittedRuns(session, "mpox").has_try_of(RUN)
    assert not CommittedRuns(session, "dengue").has_try_of(RUN)
    assert not CommittedRuns(session, "mpox").has_try_of(ledger.RunOrigin(RUN.dag_id, "scheduled__2"))
    assert not CommittedRuns(session, "mpox").has_try_of(ledger.RunOrigin())


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
        assert CommittedRuns(session, "mpox").packages_to_start_from() == {"first"}

    def test_later_loads_are_those_of_packages_requested_later_that_were_the_newest(
        self, session: DuckDBPyConnection
    ) -> None:
        assert CommittedRuns(session, "mpox").later_loads(NOON + timedelta(hours=1)) == [
            LaterLoad("daily", "daily", None, None),
            LaterLoad("day", "day", date(2025, 5, 1), date(2025, 5, 2)),
        ]

    @pytest.mark.parametrize(
        ("fingerprint", "hour", "expected"), [("a", 0, "late"), ("a", 1, "late"), ("a", 2, None), ("b", 2, "late")]
    )
    def test_full_load_or_one_with_other_filters_replaces_a_stopped_one(
        self, session: DuckDBPyConnection, fingerprint: str, hour: int, expected: str | None
    ) -> None:
        assert CommittedRuns(session, "mpox").replacement(fingerprint, NOON + timedelta(hours=hour)) == expected


def test_a_run_that_is_being_committed_can_be_counted_among_them(session: DuckDBPyConnection) -> None:
    add(session, "run-1", package_path="packages/mpox/run-1.zip", mode="full", requested_at=NOON)
    runs = CommittedRuns(session, "mpox")
    later = replace(
        *runs.since_full_load(),
        run_id="run-2",
        package_path="packages/mpox/run-2.zip",
        requested_at=NOON + HOUR,
        ended_at=NOON + HOUR,
    )
    runs.add(later)
    assert runs.packages() == runs.packages_to_start_from() == {"run-1", "run-2"}
    assert not runs.have_nothing_newer(NOON)
    assert CommittedRuns(session, "mpox").packages() == {"run-1"}


def test_each_has_the_runs_of_its_source(session: DuckDBPyConnection) -> None:
    add(session, "run-1", watermark=date(2025, 5, 30))
    mpox, _ = CommittedRuns(session, "mpox"), CommittedRuns(session, "dengue")
    assert mpox.watermark("a") == date(2025, 5, 30)


@pytest.mark.parametrize(
    ("fingerprints", "expected"), [("", False), ("a", False), ("b", False), ("ab", True), ("aba", False), ("abb", True)]
)
def test_return_to_other_filters(session: DuckDBPyConnection, fingerprints: str, expected: bool) -> None:
    for number, fingerprint in enumerate(fingerprints):
        add(session, f"run-{number}", fingerprint=fingerprint, ended_at=NOON + number * HOUR)
    assert CommittedRuns(session, "mpox").returns_to_other_filters("a") is expected


def test_request_in_the_future_is_named(session: DuckDBPyConnection) -> None:
    ahead = datetime.now(UTC) + timedelta(days=2)
    for number, requested_at in enumerate((NOON, ahead, ahead - HOUR)):
        add(session, f"run-{number}", requested_at=requested_at)
    assert CommittedRuns(session, "mpox").requested_after_now() == ("run-1", ahead)
    assert CommittedRuns(session, "dengue").requested_after_now() is None
