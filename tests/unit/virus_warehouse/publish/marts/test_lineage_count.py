"""Lineages of SARS-CoV-2 only, by month where the date has an exact month, with shares and their denominator."""

from datetime import date
from typing import Any

from tests.support.snapshots import marts_of
from tests.support.warehouses import DENGUE, Store, line, lineage, query


def sars(accession: str, pango: str | None, collected: str | None, place: str | None = "USA: Iowa") -> str:
    virus: dict[str, Any] = {
        "taxId": 2697049,
        "organismName": "Severe acute respiratory syndrome coronavirus 2",
        "lineage": lineage((10239, "Viruses"), (11118, "Coronaviridae"), (2697049, "SARS-CoV-2")),
    }
    if pango:
        virus["pangolinClassification"] = pango
    return line(
        accession,
        virus=virus,
        isolate={"collectionDate": collected} if collected else None,
        location={"geographicLocation": place} if place else None,
    )


def test_shares_are_of_the_records_with_a_lineage_in_the_same_month_and_country(store: Store) -> None:
    store.load(
        sars("PX1.1", "XFG", "2025-08-01"),
        sars("PX2.1", "XFG", "2025-08"),
        sars("PX3.1", "LP.8.1", "2025-08-30/2025-08-31"),
        sars("PX4.1", None, "2025-08-02"),
        sars("PX5.1", "XFG", "2025-09-01"),
        sars("PX6.1", "XFG", "2025-08-01", "Ghana"),
        sars("PX7.1", "XFG", "2025-08-01", None),
        line("PX8.1", isolate={"collectionDate": "2025-08-01"}, location={"geographicLocation": "USA"}),
    )
    rows = query(
        marts_of(store),
        "SELECT month_start, country, pango_lineage, records, records_with_lineage, round(share_of_month, 4) "
        "FROM mart.lineage_count ORDER BY month_start, country, pango_lineage",
    )
    august = date(2025, 8, 1)
    assert rows == [
        (august, "Ghana", "XFG", 1, 1, 1.0),
        (august, "USA", "LP.8.1", 1, 3, 0.3333),
        (august, "USA", "XFG", 2, 3, 0.6667),
        (august, "USA", None, 1, None, None),
        (august, None, "XFG", 1, 1, 1.0),
        (date(2025, 9, 1), "USA", "XFG", 1, 1, 1.0),
    ]


def test_date_without_an_exact_month_is_shown_as_a_span_without_a_share(store: Store) -> None:
    store.load(sars("PX1.1", "XFG", "2025"), sars("PX2.1", "XFG", "2025-08-31/2025-09-01"), sars("PX3.1", "XFG", None))
    rows = query(
        marts_of(store),
        "SELECT month_start, month_certainty, collection_date_precision, span_start, span_end, records, "
        "records_with_lineage, share_of_month FROM mart.lineage_count ORDER BY span_start",
    )
    assert rows == [
        (None, "unsure", "year", date(2025, 1, 1), date(2025, 12, 31), 1, None, None),
        (None, "unsure", "range", date(2025, 8, 31), date(2025, 9, 1), 1, None, None),
        (None, "unsure", None, None, None, 1, None, None),
    ]


def test_month_row_states_the_days_it_covers(store: Store) -> None:
    store.load(sars("PX1.1", "XFG", "2024-02-11"))
    assert query(
        marts_of(store), "SELECT month_start, month_certainty, span_start, span_end FROM mart.lineage_count"
    ) == [(date(2024, 2, 1), "month", date(2024, 2, 1), date(2024, 2, 29))]


def test_pangolins_unassigned_is_not_a_lineage(store: Store) -> None:
    unassigned = [
        sars(f"PX{number}.1", answer, "2025-08-01")
        for number, answer in enumerate(["Unassigned", "unclassifiable", "None"])
    ]
    store.load(*unassigned, sars("PX9.1", "XFG", "2025-08-01"))
    rows = query(
        marts_of(store),
        "SELECT pango_lineage, records, share_of_month FROM mart.lineage_count ORDER BY pango_lineage",
    )
    assert rows == [("XFG", 1, 1.0), (None, 3, None)]


def test_record_of_two_sources_counts_once(store: Store) -> None:
    store.load(sars("PX1.1", "XFG", "2025-08-01"), sars("PX2.1", "LP.8.1", "2025-08-01"))
    store.load(sars("PX1.1", "XFG", "2025-08-01"), source=DENGUE)
    assert query(marts_of(store), "SELECT DISTINCT share_of_month FROM mart.lineage_count") == [(0.5,)]
