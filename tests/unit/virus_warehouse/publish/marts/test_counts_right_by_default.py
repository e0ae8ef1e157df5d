"""The three counts that users get wrong: withdrawn records, overlapping sources, partial dates.

Each test shows what the obvious query counts, and what the marts do.
"""

from datetime import date
from pathlib import Path

import pytest

from tests.support.snapshots import marts_of
from tests.support.warehouses import DENGUE, Store, line, query


def counted(snapshot: Path, condition: str = "true") -> int:
    """The count of `mart.weekly_count`."""
    return int(query(snapshot, f"SELECT coalesce(sum(records), 0) FROM mart.weekly_count WHERE {condition}")[0][0])


def sampled(accession: str, collected: str | None) -> str:
    return line(accession, isolate={"collectionDate": collected} if collected else None)


@pytest.mark.slow
def test_withdrawn_records_do_not_count_and_missing_ones_still_do(store: Store) -> None:
    kept = [line(f"PX{number}.1") for number in range(1, 4)]
    store.load(*kept, line("PX8.1"), line("PX9.1"))
    store.load(*kept, line("PX8.1"), is_census=True)
    store.load(*kept, is_census=True)
    snapshot = marts_of(store)
    everything_ever_loaded = """
        SELECT count(*) FROM (
            SELECT accession FROM virus_genome UNION SELECT accession FROM virus_genome_history
        )
    """
    assert query(snapshot, everything_ever_loaded) == [(5,)], "the naive count has the withdrawn PX9"
    # PX8 was missing from only one census; it is withdrawn after a second one.
    assert query(snapshot, "SELECT accession, status FROM virus_genome WHERE accession IN ('PX8', 'PX9')") == [
        ("PX8", "missing")
    ]
    assert counted(snapshot) == 4
    assert query(
        snapshot, "SELECT records, records_missing, records_withdrawn FROM mart.source_status WHERE source = 'mpox'"
    ) == [(4, 1, 1)]


@pytest.mark.slow
def test_record_that_two_sources_follow_counts_once(store: Store) -> None:
    store.load(line("PX1.1"), line("PX2.1"))
    store.load(line("PX2.1"), line("PX3.1"), source=DENGUE)
    snapshot = marts_of(store)
    assert query(snapshot, "SELECT count(*) FROM virus_genome") == [(4,)], "the naive count has PX2 twice"
    assert counted(snapshot) == 3
    assert query(snapshot, "SELECT sum(records) FROM mart.metadata_completeness") == [(3,)]
    assert query(snapshot, "SELECT count(*) FROM mart.submission_lag") == [(3,)]


def test_partial_date_is_not_counted_in_a_single_week(store: Store) -> None:
    store.load(
        sampled("PX1.1", "2025-03-05"),  # a Wednesday
        sampled("PX2.1", "2025-03"),
        sampled("PX3.1", "2025"),
        sampled("PX4.1", None),
    )
    snapshot = marts_of(store)
    naive = (
        "SELECT date_trunc('week', collection_date_min)::DATE AS week, count(*) FROM virus_genome GROUP BY 1 ORDER BY 1"
    )
    assert query(snapshot, naive) == [
        (date(2024, 12, 30), 1),  # an unknown day of 2025, treated as 1 January
        (date(2025, 2, 24), 1),  # an unknown day of March, treated as its first
        (date(2025, 3, 3), 1),
        (None, 1),
    ]
    assert query(snapshot, "SELECT week_start, records FROM mart.weekly_count WHERE week_certainty = 'week'") == [
        (date(2025, 3, 3), 1)
    ]
    assert counted(snapshot, "week_certainty = 'unsure'") == 3
