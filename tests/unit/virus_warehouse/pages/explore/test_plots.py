"""Plots have the right counts, compared with records counted by hand. Answers are cached per snapshot."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.snapshots import marts_of, store_with_marts
from tests.support.warehouses import Store, line, lineage
from virus_warehouse.data_folder import DataFolder, NoSnapshot
from virus_warehouse.pages import snapshot
from virus_warehouse.pages.explore import plots as explore
from virus_warehouse.pages.explore.plots import (
    PLOTS,
    AskedTooMuch,
    Filters,
    ask,
    choices,
    plot_named,
    plot_sql,
    taxon_name,
)

VIRUSES = lineage((10239, "Viruses"))
FLU = {"lineage": VIRUSES + lineage((11320, "Influenza A virus"), (102793, "H5N1 subtype"))} | {
    "taxId": 102793,
    "organismName": "H5N1 subtype",
}
OTHER_FLU = {"lineage": VIRUSES + lineage((11320, "Influenza A virus"), (114727, "H1N1 subtype"))} | {
    "taxId": 114727,
    "organismName": "H1N1 subtype",
}
SARS2 = {"lineage": VIRUSES + lineage((2697049, "SARS-CoV-2"))} | {"taxId": 2697049, "organismName": "SARS-CoV-2"}
HUMAN, HEN = {"taxId": 9606, "organismName": "Homo sapiens"}, {"taxId": 9031, "organismName": "Gallus gallus"}


def record(number: int, collected: str, place: str | None = "Ghana", **fields: Any) -> str:
    where = {"location": {"geographicLocation": place}} if place else {}
    return line(f"PX{number}.1", isolate={"collectionDate": collected}, **where, **fields)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_with_marts(tmp_path)


def published(store: Store, *lines: str) -> DataFolder:
    if lines:
        store.load(*lines)
    data = DataFolder(store.folder)
    data.create()
    candidate = data.candidates / "candidate"
    candidate.write_bytes(marts_of(store).read_bytes())
    candidate.replace(data.snapshot)
    return data


def answer(data: DataFolder, name: str, **filters: Any) -> Sequence[tuple[Any, ...]]:
    plot = plot_named(name)
    assert plot
    return ask(data, plot_sql(plot, Filters(**filters))).rows


def test_weeks_are_iso_weeks_and_the_sixth_virus_is_grouped_with_others(store: Store) -> None:
    taxa = [{"taxId": number, "organismName": f"virus {number}"} for number in range(1, 8)]
    lines = [
        record(10 * number + copy, "2025-03-05", virus=virus)
        for number, virus in enumerate(taxa)
        for copy in range(8 - number)
    ]
    data = published(store, *lines, record(99, "2025-03", virus=taxa[0]), record(98, "2025-03-10", virus=taxa[6]))
    monday = date(2025, 3, 3)
    assert answer(data, "weekly_by_virus") == [
        (monday, "virus 1", 8),
        (monday, "virus 2", 7),
        (monday, "virus 3", 6),
        (monday, "all others", 5),  # 3 of virus 6 and 2 of virus 7
        (monday, "virus 4", 5),
        (monday, "virus 5", 4),
        (date(2025, 3, 10), "all others", 1),
    ]


def test_a_country_that_is_not_stated_is_counted_as_such(store: Store) -> None:
    data = published(store, record(1, "2025-03-05"), record(2, "2025-03-06", "missing"), record(3, "2025-03-07", None))
    monday = date(2025, 3, 3)
    assert answer(data, "weekly_by_country") == [(monday, "not stated", 2), (monday, "Ghana", 1)]
    assert answer(data, "places") == [("not stated", 2, 66.7, 1, 3), ("Ghana", 1, 33.3, 1, 3)]


def test_lineage_shares_are_of_monthly_records_with_a_lineage(store: Store) -> None:
    def of(number: int, lineage_name: str | None, collected: str = "2025-03-05") -> str:
        named = {"virus": SARS2 | {"pangolinClassification": lineage_name}} if lineage_name else {"virus": SARS2}
        return record(number, collected, **named)

    data = published(
        store,
        *[of(number, "XFG") for number in (1, 2)],
        of(3, "NB.1", "2025-03"),
        of(4, None),
        of(5, "Unassigned"),
        of(6, "NB.1", "2025-04-01"),
        of(7, "NB.1", "2025"),
    )
    assert answer(data, "lineage_shares") == [
        (date(2025, 3, 1), "XFG", 2, 3, 66.7),
        (date(2025, 3, 1), "NB.1", 1, 3, 33.3),
        (date(2025, 4, 1), "NB.1", 1, 1, 100.0),
    ]
    assert answer(data, "lineage_shares", virus=10244) == answer(data, "lineage_shares"), "there is only one virus"


def test_lag_is_in_days_by_month_of_release(store: Store) -> None:
    def of(number: int, collected: str, released: str) -> str:
        return record(number, collected, releaseDate=f"{released}T00:00:00Z")

    data = published(
        store,
        of(1, "2025-04-01", "2025-04-11"),
        of(2, "2025-04-01", "2025-04-21"),
        of(3, "2025-03-22", "2025-04-21"),
        of(4, "2025-03", "2025-04-21"),  # no day
        of(5, "2025-04-30", "2025-04-21"),  # after its release: impossible
        of(6, "2025-01-01", "2025-05-01"),
    )
    assert answer(data, "submission_lag") == [(date(2025, 4, 1), 3, 15, 20, 25), (date(2025, 5, 1), 1, 120, 120, 120)]
    assert answer(data, "submission_lag", since=date(2025, 5, 1)) == [(date(2025, 5, 1), 1, 120, 120, 120)]


def test_hosts_are_ranked_with_their_share(store: Store) -> None:
    data = published(
        store,
        record(1, "2025-03-05", host=HUMAN),
        record(2, "2025", host=HUMAN, virus=FLU),
        record(3, "2025-03", host=HEN, virus=FLU),
        record(4, "2025-03-05"),
    )
    assert answer(data, "top_hosts") == [
        ("Homo sapiens", 2, 50.0, 2, 4),
        ("Gallus gallus", 1, 25.0, 1, 4),
        ("not stated", 1, 25.0, 1, 4),
    ]
    whole_in_march = {"since": date(2025, 3, 1), "until": date(2025, 3, 31)}
    assert [row[0] for row in answer(data, "top_hosts", **whole_in_march)] == [
        "Gallus gallus",
        "Homo sapiens",
        "not stated",
    ]
    assert answer(data, "top_hosts", **whole_in_march)[1][1] == 1, "2025 may be any day of the year"


def test_virus_filter_includes_its_descendants(store: Store) -> None:
    data = published(
        store, record(1, "2025-03-05"), record(2, "2025-03-05", virus=FLU), record(3, "2025-03-05", virus=OTHER_FLU)
    )
    assert [row[1] for row in answer(data, "weekly_by_virus", virus=11320)] == ["H1N1 subtype", "H5N1 subtype"]
    assert [row[1] for row in answer(data, "weekly_by_virus", virus=102793)] == ["H5N1 subtype"]
    assert answer(data, "weekly_by_virus", virus=424242) == []


def test_only_weeks_entirely_within_the_period_are_shown(store: Store) -> None:
    data = published(store, *[record(day, f"2025-03-{day:02d}") for day in (5, 12, 19)])

    def weeks(**filters: date) -> list[int]:
        return [row[0].day for row in answer(data, "weekly_by_virus", **filters)]

    assert weeks() == [3, 10, 17]
    assert weeks(since=date(2025, 3, 10)) == [10, 17]
    assert weeks(since=date(2025, 3, 11)) == [17], "the bar of a partial week would look like a decrease"
    assert weeks(until=date(2025, 3, 16)) == [3, 10]
    assert weeks(until=date(2025, 3, 15)) == [3]
    assert weeks(since=date(2025, 3, 10), until=date(2025, 3, 16)) == [10]


def test_country_is_always_passed_as_text(store: Store) -> None:
    data = published(store, record(1, "2025-03-05", "Cote d'Ivoire"))
    assert [row[1] for row in answer(data, "weekly_by_country", country="Cote d'Ivoire")] == ["Cote d'Ivoire"]
    for country in ("'; DROP TABLE virus_genome; --", 'a "quoted" one'):
        assert [len(answer(data, plot.name, country=country)) for plot in PLOTS] == [0] * len(PLOTS)


def test_shown_query_gives_the_same_answer_in_any_client(store: Store) -> None:
    data = published(store, record(1, "2025-03-05", host=HUMAN), record(2, "2025-03-05", virus=SARS2))
    filters = Filters(virus=10239, country="Ghana", since=date(2025, 1, 1), until=date(2025, 12, 31))
    with duckdb.connect(data.snapshot, read_only=True) as prompt:
        for plot in PLOTS:
            sql = plot_sql(plot, filters)
            assert "/*" not in sql
            assert prompt.sql(sql).fetchall() == ask(data, sql).rows


def test_choices_are_groups_of_several_viruses_then_viruses_then_countries(store: Store) -> None:
    data = published(
        store,
        *[record(number, "2025-03-05", virus=FLU) for number in (1, 2)],
        record(3, "2025-03-05", "Togo", virus=OTHER_FLU),
        record(4, "2025-03-05", "not collected", virus=SARS2),
    )
    offered = choices(data)
    assert offered.groups == [(11320, "Influenza A virus")], "neither the root nor single viruses are groups"
    assert offered.viruses == [(102793, "H5N1 subtype"), (114727, "H1N1 subtype"), (2697049, "SARS-CoV-2")]
    assert offered.countries == ["Ghana", "Togo"]
    assert taxon_name(data, 11320) == "Influenza A virus"
    assert taxon_name(data, 42) is None


def test_next_snapshot_is_queried_again(store: Store) -> None:
    data = published(store, record(1, "2025-03-05"))
    assert answer(data, "places") == [("Ghana", 1, 100.0, 1, 1)]
    store.load(record(2, "2025-03-05"), mode="incremental")
    assert answer(data, "places") == [("Ghana", 1, 100.0, 1, 1)], "loaded records are not published yet"
    published(store)
    assert answer(data, "places") == [("Ghana", 2, 100.0, 1, 2)]


def test_same_query_is_run_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    data = published(store, record(1, "2025-03-05"))
    first = answer(data, "places")
    monkeypatch.setattr(explore, "reading", None)
    assert answer(data, "places") == first


def test_without_a_snapshot_there_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(NoSnapshot):
        choices(DataFolder(tmp_path))


def test_a_query_that_takes_too_long_is_stopped(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explore, "SECONDS", 0.3)
    with pytest.raises(AskedTooMuch, match=r"longer than 0\.3 seconds"):
        ask(
            published(store),
            "SELECT count(*) FROM range(1000000) AS a, range(1000000) AS b WHERE a.range % 7 = b.range % 5",
        )


def test_a_query_that_takes_too_much_memory_is_stopped(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "MEMORY_LIMIT", "32MB")
    with pytest.raises(AskedTooMuch, match="exceeds its memory limit"):
        ask(published(store), "SELECT list(range) FROM range(20000000)")
