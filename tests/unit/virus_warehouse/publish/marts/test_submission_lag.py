"""Days between collection, release and first sight, by date precision, and which records do not count as new."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.support.snapshots import marts_of
from tests.support.warehouses import DENGUE, FIRST_COMMIT, MPOX, Store, line, query
from virus_warehouse.ncbi.request import ReportType, VirusGenomeRequest
from virus_warehouse.sources import Source
from virus_warehouse.warehouse import ledger

HUMAN_MPOX = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", host="human"))


def committed(number: int) -> datetime:
    return FIRST_COMMIT + timedelta(hours=number)


def lags(store: Store, columns: str) -> list[tuple[Any, ...]]:
    return query(marts_of(store), f"SELECT accession, {columns} FROM mart.submission_lag ORDER BY accession")


def seen(store: Store) -> dict[str, datetime | None]:
    return dict(lags(store, "first_seen_at"))


def test_days_to_release_follow_the_precision_of_the_date(store: Store) -> None:
    days: list[tuple[str, int | None, int | None]] = [
        ("2025-03-02", 30, 30),
        ("2025-03", 1, 31),
        ("2025", 0, 90),  # until the end of the year, but released in April
        ("2025-04", 0, 0),
        ("2025-03-20/2025-03-30", 2, 12),
        ("2025-04-11", -10, -10),  # after its release: shown unchanged
        ("missing", None, None),
    ]
    store.load(
        *(
            line(f"PX{number}.1", releaseDate="2025-04-01T00:00:00Z", isolate={"collectionDate": collected})
            for number, (collected, *_) in enumerate(days)
        )
    )
    assert lags(store, "days_collection_to_release_min, days_collection_to_release_max") == [
        (f"PX{number}", fewest, most) for number, (_, fewest, most) in enumerate(days)
    ]


def test_first_load_is_not_new_and_later_records_are(store: Store) -> None:
    store.first_load(line("PX1.1"))
    store.load(line("PX2.1", releaseDate="2025-05-30T00:00:00Z"), mode="incremental")
    assert lags(store, "held_since, first_seen_at, release_date, days_release_to_first_seen") == [
        ("PX1", committed(1), None, date(2025, 4, 1), None),
        ("PX2", committed(2), committed(2), date(2025, 5, 30), 2),
    ]


def test_days_are_utc_in_any_session_time_zone(store: Store) -> None:
    store.first_load(line("PX1.1"))
    store.load(line("PX2.1", releaseDate="2025-06-01T00:00:00Z"), mode="incremental")
    sql = "SELECT days_release_to_first_seen FROM mart.submission_lag WHERE accession = 'PX2'"
    with duckdb.connect(marts_of(store), read_only=True) as connection:
        for zone in ("UTC", "Pacific/Honolulu", "Pacific/Kiritimati"):
            connection.execute(f"SET TimeZone = '{zone}'")
            assert connection.execute(sql).fetchall() == [(0,)], zone


@pytest.mark.slow
def test_revision_and_withdrawal_do_not_make_a_record_new(store: Store) -> None:
    store.first_load(line("PX1.1"))
    store.load(line("PX2.1"), mode="incremental")
    store.load(line("PX2.2", "2025-05-02"), line("PX1.2", "2025-05-02"), mode="incremental")
    store.load(line("PX1.2", "2025-05-02"), is_census=True)
    store.load(line("PX1.2", "2025-05-02"), is_census=True)
    store.load(line("PX2.2", "2025-05-02"), mode="incremental")
    assert seen(store) == {"PX1": None, "PX2": committed(2)}


@pytest.mark.slow
def test_earliest_of_several_sources_counts(store: Store) -> None:
    store.first_load(line("PX1.1"))
    store.load(line("PX2.1"), mode="incremental")
    store.load(line("PX2.1"), line("PX3.1"), source=DENGUE)
    store.load(line("PX1.1"), line("PX4.1"), source=DENGUE, mode="incremental")
    # PX3 came with dengue's first load; PX1 had long been loaded when dengue listed it.
    assert seen(store) == {"PX1": None, "PX2": committed(2), "PX3": None, "PX4": committed(4)}


@pytest.mark.slow
def test_first_load_with_other_filters_is_not_new_either(store: Store) -> None:
    store.first_load(line("PX1.1"))
    store.load(line("PX1.1"), line("PX2.1"), source=HUMAN_MPOX, filter_changed=True)
    store.load(line("PX3.1"), source=HUMAN_MPOX, mode="incremental")
    store.load(line("PX1.1"), line("PX3.1"), line("PX4.1"), source=MPOX, filter_changed=True)
    assert seen(store) == {"PX1": None, "PX3": committed(3), "PX4": None}


@pytest.mark.slow
def test_windows_before_the_first_full_load_and_replays_are_not_new(store: Store) -> None:
    store.load(line("PX1.1"), mode="window", since=date(2025, 5, 1), until=date(2025, 5, 2))
    store.load(line("PX2.1"))
    store.load(line("PX3.1"), mode="incremental")
    store.execute("UPDATE ops.ingest_run SET mode = 'replay' WHERE run_id = 'run-3'")
    store.load(line("PX4.1", "2025-05-20"), mode="window", since=date(2025, 5, 20), until=date(2025, 5, 21))
    assert seen(store) == {"PX1": None, "PX2": None, "PX3": None, "PX4": committed(4)}
    assert query(marts_of(store), "SELECT run_id, mode FROM mart.first_load ORDER BY ended_at") == [
        ("run-1", "window"),
        ("run-2", "full"),
        ("run-3", "replay"),
    ]


def test_records_of_a_load_with_other_reports_are_new_and_those_of_other_filters_are_not(store: Store) -> None:
    is_news_with: dict[str, tuple[dict[str, Any], bool]] = {
        "annotations": ({"aux_report": (ReportType.ANNOTATION,)}, True),
        "other_answers": ({"use_psg": True}, True),
        "human": ({"host": "human"}, False),
        "human_with_annotations": ({"host": "human", "aux_report": (ReportType.ANNOTATION,)}, False),
        "another_taxon": ({"taxon": "10242"}, False),
    }
    with duckdb.connect(store.warehouse.path) as connection:
        for source, (changed, _) in is_news_with.items():
            request = MPOX.request.model_copy(update=changed)
            loads = [(MPOX.request, "full"), (MPOX.request, "incremental"), (request, "full"), (request, "incremental")]
            for number, (asked, mode) in enumerate(loads, 1):
                since = date(2026, 1, number) if number % 2 else None
                run = {
                    "run_id": f"{source}-{number}",
                    "source": source,
                    "mode": mode,
                    "fingerprint": MPOX.model_copy(update={"request": asked}).fingerprint,
                    "request_url": asked.model_copy(update={"updated_since": since}).url("https://x/v2"),
                    "status": "success",
                    "started_at": committed(number),
                    "ended_at": committed(number),
                }
                ledger.insert(connection, run)
    first_loads = query(marts_of(store), "SELECT run_id FROM mart.first_load ORDER BY ALL")
    assert sorted(run_id for (run_id,) in first_loads) == sorted(
        f"{source}-{number}"
        for source, (_, is_news) in is_news_with.items()
        for number in ((1,) if is_news else (1, 3))
    )


def test_failed_runs_do_not_count_as_first_loads(store: Store) -> None:
    store.first_load(line("PX1.1"))
    store.execute(
        "INSERT INTO ops.ingest_run BY NAME SELECT * REPLACE ('run-0' AS run_id, 'failed' AS status, "
        "ended_at - INTERVAL 1 HOUR AS ended_at) FROM ops.ingest_run"
    )
    assert query(marts_of(store), "SELECT run_id, ended_at FROM mart.first_load") == [
        ("run-1", datetime(2025, 6, 1, 7, tzinfo=UTC))
    ]
