"""When a source counts as stale by its own schedule, and the texts of the other alarms."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.warehouses import MPOX
from virus_warehouse.alarm import Alarm
from virus_warehouse.pages.overview.alarms import alarms_of, due_since
from virus_warehouse.publish.last_check import Blocked, LastCheck

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
RUN = {"status": "success", "error": None, "ended_at": NOW, "brought_all_at": NOW, "unpublished_since": None}
PUBLISHED = {"source": "mpox", "gaps": [], "quarantine_open": 0, "records_missing": 0, "drift": []}
CHECK = LastCheck(NOW, (Blocked("unique_keys", "unique_keys: a taxon stands twice.", "Please report it."),))
HELD_BACK = {"held_back_since": NOW - timedelta(days=2), "held_back_reason": "shrinkage of mpox: many are gone."}


@pytest.mark.parametrize(
    ("schedule", "last", "due"),
    [
        pytest.param("0 6 * * *", "2026-11-25T06:03", None, id="today's run has succeeded"),
        pytest.param("0 6 * * *", "2026-11-24T06:03", None, id="today's run may still be running or retried"),
        pytest.param("0 6 * * *", "2026-11-23T06:03", "2026-11-24T06:00", id="yesterday's run has not succeeded"),
        pytest.param(
            "0 6 * * 1", "2026-11-17T06:00", "2026-11-23T06:00", id="a weekly run has one day of grace, not a week"
        ),
        pytest.param("0 6 * * 1", "2026-11-23T06:03", None, id="no run was due since"),
        pytest.param("0 11 25 * *", "2026-10-25T12:00", None, id="a monthly run was due an hour ago"),
        pytest.param("0 * * * *", "2026-11-25T10:02", None, id="an hourly run has one hour of grace"),
        pytest.param("0 * * * *", "2026-11-25T09:02", "2026-11-25T10:00", id="an hourly run is stale after that"),
        pytest.param("*/5 * * * *", "2026-11-25T11:01", None, id="a five-minute run also has one hour of grace"),
        pytest.param("*/5 * * * *", "2026-11-25T10:51", "2026-11-25T10:55", id="a five-minute run is stale after that"),
    ],
)
def test_source_is_stale_after_missing_a_run_of_its_own_schedule(schedule: str, last: str, due: str | None) -> None:
    found = due_since(schedule, datetime.fromisoformat(last).replace(tzinfo=UTC), NOW)
    assert found == (due and datetime.fromisoformat(due).replace(tzinfo=UTC))


def test_times_are_compared_across_time_zones() -> None:
    last = datetime.fromisoformat("2026-11-24T23:03-07:00")  # 06:03 UTC the next day
    assert due_since("0 6 * * *", last, NOW) is None


def alarms(run: dict[str, Any] | None = None, published: dict[str, Any] | None = None, **of: Any) -> list[Alarm]:
    given = {"source": MPOX, "findings": (), "check": None, "now": NOW, **of}
    return list(alarms_of(published=published and PUBLISHED | published, run=run and RUN | run, **given))


def test_healthy_or_new_source_has_no_alarms() -> None:
    assert alarms(RUN, PUBLISHED) == alarms() == alarms(RUN, PUBLISHED, check=CHECK) == []


@pytest.mark.parametrize(
    ("problem", "weight", "message"),
    [
        ({"run": {"status": "failed", "error": "no disk"}}, "bad", "no disk"),
        ({"run": {"status": "failed"}}, "bad", "The last run failed without a reason; see its log."),
        ({"run": {"brought_all_at": NOW - timedelta(days=3)}}, "bad", "Overdue since 2026-11-23 06:00 UTC"),
        (
            {"run": {"unpublished_since": NOW}, "check": CHECK},
            "bad",
            "Loaded, but not published: publishing is blocked",
        ),
        ({"run": {"unpublished_since": NOW - timedelta(hours=1)}}, "warn", "Loaded at 2026-11-25 11:00 UTC, but not"),
        ({"published": HELD_BACK}, "bad", "Held back since 2026-11-23 12:00 UTC: shrinkage of mpox: many are gone."),
        ({"published": HELD_BACK, "run": {"unpublished_since": NOW - timedelta(days=1)}}, "bad", "Held back since"),
        ({"findings": ["odd_dates of mpox: some."]}, "warn", "odd_dates of mpox: some."),
        (
            {"published": {"gaps": [{"since": None, "until": NOW.date()}]}},
            "warn",
            "Updates from the beginning to 2026-11-25 were never requested. A backfill",
        ),
        ({"published": {"quarantine_open": 1}}, "warn", "1 quarantined line. Replay"),
        ({"published": {"records_missing": 1200}}, "warn", "The last census did not list 1,200 records"),
        (
            {"published": {"drift": ["data_report $.x", "data_report $.y"]}},
            "warn",
            "NCBI's reports have 2 unknown fields",
        ),
    ],
)
def test_problems_are_described(problem: dict[str, Any], weight: str, message: str) -> None:
    (alarm,) = alarms(**problem)
    assert (alarm.weight, alarm.text[: len(message)]) == (weight, message)


def test_fresh_load_may_wait_for_its_check() -> None:
    assert alarms({"unpublished_since": NOW - timedelta(minutes=5)}) == []


def test_source_that_is_not_configured_is_not_stale() -> None:
    assert alarms({"brought_all_at": NOW - timedelta(days=99)}, source=None) == []
