"""Weeks are ISO weeks, dates without an exact week are shown as spans, and no record is dropped."""

from datetime import date
from typing import Any

from tests.support.snapshots import marts_of
from tests.support.warehouses import Store, line, query

HUMAN = {"taxId": 9606, "organismName": "Homo sapiens"}
COUNTRIES = "Brazil", "Ghana", "Kenya", "Peru", "USA"


def weeks_of(store: Store, *collected: str | None) -> list[tuple[Any, ...]]:
    """The rows of records with these collection dates, which are of different countries."""
    store.load(
        *(
            line(
                f"PX{number}.1",
                isolate={"collectionDate": given} if given else None,
                location={"geographicLocation": country},
            )
            for number, (country, given) in enumerate(zip(COUNTRIES, collected, strict=True))
        )
    )
    return query(
        marts_of(store),
        "SELECT week_start, iso_week, week_certainty, collection_date_precision, span_start, span_end, records "
        "FROM mart.weekly_count ORDER BY country",
    )


def test_date_within_a_week_counts_in_it(store: Store) -> None:
    weeks = {
        "2025-03-03": (date(2025, 3, 3), "2025-W10"),
        "2025-03-09": (date(2025, 3, 3), "2025-W10"),
        "2024-12-30": (date(2024, 12, 30), "2025-W01"),  # ISO weeks belong to the year of their Thursday
        "2021-01-03": (date(2020, 12, 28), "2020-W53"),
        "2025-03-04/2025-03-06": (date(2025, 3, 3), "2025-W10"),
    }
    assert weeks_of(store, *weeks) == [
        (monday, iso_week, "week", None, monday, date.fromordinal(monday.toordinal() + 6), 1)
        for monday, iso_week in weeks.values()
    ]


def test_date_without_an_exact_week_is_shown_as_a_span(store: Store) -> None:
    spans: dict[str | None, tuple[str | None, date | None, date | None]] = {
        "2025-03": ("month", date(2025, 3, 1), date(2025, 3, 31)),
        "2025": ("year", date(2025, 1, 1), date(2025, 12, 31)),
        "2025-03-09/2025-03-10": ("range", date(2025, 3, 9), date(2025, 3, 10)),  # a Sunday and a Monday
        "missing": (None, None, None),
        None: (None, None, None),
    }
    assert weeks_of(store, *spans) == [(None, None, "unsure", *span, 1) for span in spans.values()]


def test_records_are_counted_by_country_virus_and_host_and_those_without_are_not_dropped(
    store: Store,
) -> None:
    day = {"isolate": {"collectionDate": "2025-03-05"}}
    store.load(
        line("PX1.1", host=HUMAN, location={"geographicLocation": "Ghana: Accra"}, **day),
        line("PX2.1", host=HUMAN, location={"geographicLocation": "Ghana"}, **day),
        line("PX3.1", location={"geographicLocation": "Ghana"}, **day),
        line("PX4.1", host=HUMAN, location={"geographicLocation": "missing: lab stock"}, **day),
        line("PX5.1", host=HUMAN, **day),
        line("PX6.1", virus=None, **day),
    )
    rows = query(
        marts_of(store),
        "SELECT country, virus_tax_id, virus_name, host_tax_id, host_name, records FROM mart.weekly_count "
        "ORDER BY country, virus_tax_id, host_tax_id",
    )
    mpox = (10244, "Monkeypox virus")
    assert rows == [
        ("Ghana", *mpox, 9606, "Homo sapiens", 2),
        ("Ghana", *mpox, None, None, 1),
        (None, *mpox, 9606, "Homo sapiens", 2),
        (None, None, None, None, None, 1),
    ]
