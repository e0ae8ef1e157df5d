"""The freshness of a source, the requested update dates, refused lines and unread fields."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.support.snapshots import marts_of
from tests.support.warehouses import Store, dicts, line

BEGINNING = None


def status(store: Store, source: str = "mpox") -> dict[str, Any]:
    rows = dicts(marts_of(store), "FROM mart.source_status ORDER BY source")
    assert [row["source"] for row in rows] == ["dengue", "mpox"]
    [row] = [row for row in rows if row["source"] == source]
    return row


def add_run(
    store: Store,
    mode: str,
    requested: str,
    *,
    since: str | None = None,
    until: str | None = None,
    fingerprint: str = "f1",
    outcome: str = "success",
    watermark: str | None = None,
) -> None:
    """Add a run to the ledger that sent its request at 06:00 UTC of a day and ended at once."""
    at = f"{requested} 06:00:00+00"
    run = {
        "run_id": f"{requested} {mode} {since}",
        "source": "mpox",
        "mode": mode,
        "fingerprint": fingerprint,
        "status": outcome,
        "started_at": at,
        "ended_at": at,
        "requested_at": at,
        "updated_since": since,
        "until": until,
        "watermark": watermark,
    }
    values = ", ".join("NULL" if value is None else f"'{value}'" for value in run.values())
    store.execute(f"INSERT INTO ops.ingest_run ({', '.join(run)}) VALUES ({values})")


def span(since: date | None, until: date) -> dict[str, date | None]:
    return {"since": since, "until": until}


def test_full_load_covers_all_before_its_day(store: Store) -> None:
    add_run(store, "full", "2025-06-01")
    row = status(store)
    assert (row["covered"], row["gaps"]) == ([span(BEGINNING, date(2025, 6, 1))], [])


def test_daily_runs_extend_the_covered_days(store: Store) -> None:
    add_run(store, "full", "2025-06-01")
    add_run(store, "incremental", "2025-06-02", since="2025-05-18")
    add_run(store, "incremental", "2025-06-05", since="2025-05-20")
    row = status(store)
    assert (row["covered"], row["gaps"]) == ([span(BEGINNING, date(2025, 6, 5))], [])


def test_windows_alone_leave_gaps(store: Store) -> None:
    add_run(store, "window", "2025-06-01", since="2025-01-01", until="2025-01-10")
    add_run(store, "window", "2025-06-01", since="2025-01-20", until="2025-01-25")
    add_run(store, "window", "2025-06-02", since="2025-01-05", until="2025-01-12")
    add_run(store, "window", "2025-06-02", since="2025-01-25", until="2025-01-26")
    row = status(store)
    assert row["covered"] == [span(date(2025, 1, 1), date(2025, 1, 12)), span(date(2025, 1, 20), date(2025, 1, 26))]
    assert row["gaps"] == [span(BEGINNING, date(2025, 1, 1)), span(date(2025, 1, 12), date(2025, 1, 20))]


def test_full_load_fills_earlier_gaps_but_later_days_can_be_missing(store: Store) -> None:
    add_run(store, "window", "2025-06-01", since="2025-01-01", until="2025-01-10")
    add_run(store, "full", "2025-06-01")
    add_run(store, "window", "2025-06-20", since="2025-06-10", until="2025-06-12")
    row = status(store)
    assert row["covered"] == [span(BEGINNING, date(2025, 6, 1)), span(date(2025, 6, 10), date(2025, 6, 12))]
    assert row["gaps"] == [span(date(2025, 6, 1), date(2025, 6, 10))]


def test_request_day_and_failed_runs_are_not_covered(store: Store) -> None:
    add_run(store, "window", "2025-06-01", since="2025-05-30", until="2025-06-10")
    add_run(store, "window", "2025-06-03", since="2025-06-03", until="2025-06-04")
    add_run(store, "full", "2025-06-09", outcome="failed")
    assert status(store)["covered"] == [span(date(2025, 5, 30), date(2025, 6, 1))]


def test_requests_with_other_filters_do_not_count(store: Store) -> None:
    add_run(store, "full", "2025-06-01", fingerprint="f1")
    add_run(store, "window", "2025-06-02", since="2025-01-01", until="2025-01-02", fingerprint="f2")
    assert status(store)["covered"] == [span(date(2025, 1, 1), date(2025, 1, 2))]
    # Back to the first filters; the records that they had loaded were ended in between.
    add_run(store, "incremental", "2025-06-03", since="2025-06-01", fingerprint="f1")
    assert status(store)["covered"] == [span(date(2025, 6, 1), date(2025, 6, 3))]


def test_source_that_never_loaded_has_no_covered_days_and_no_gaps(store: Store) -> None:
    add_run(store, "full", "2025-06-01", outcome="failed")
    row = status(store)
    assert (row["status"], row["covered"], row["gaps"]) == ("never loaded", None, None)
    assert (row["last_run_status"], row["last_run_mode"]) == ("failed", "full")


def test_watermark_age_and_load_age_are_distinguished(store: Store) -> None:
    today = datetime.now(UTC).date()
    asked = today - timedelta(days=3)
    add_run(store, "full", str(asked), watermark=str(asked - timedelta(days=20)))
    row = status(store)
    assert row["days_watermark_behind"] == 20, "NCBI had no updates"
    assert row["days_since_last_success"] in (3, 4), "the last load"
    assert row["last_run_started_at"].date() == asked


def test_quarantine_and_drift_are_reported(store: Store) -> None:
    store.load(line("PX1.1", novelty=1), "{", "[")
    store.execute("UPDATE ops.quarantine SET replayed_at = now() WHERE raw = '['")
    row = status(store)
    assert (row["quarantine_open"], row["quarantine_replayed"], row["drift"]) == (1, 1, ["data_report $.novelty"])
    assert (row["records"], row["records_missing"], row["records_withdrawn"]) == (1, 0, 0)
    other = status(store, "dengue")
    assert (other["quarantine_open"], other["quarantine_replayed"], other["drift"]) == (0, 0, [])


@pytest.mark.slow
def test_withdrawn_record_that_came_back_is_not_withdrawn(store: Store) -> None:
    store.load(line("PX1.1"), line("PX2.1"))
    store.load(line("PX1.1"), is_census=True)
    store.load(line("PX1.1"), is_census=True)
    row = status(store)
    assert (row["records"], row["records_withdrawn"]) == (1, 1)
    store.load(line("PX2.1"), mode="incremental")
    row = status(store)
    assert (row["records"], row["records_withdrawn"]) == (2, 0)
