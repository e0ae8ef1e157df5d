"""Records change over time: the served records depend only on the day and the seed."""

from collections import Counter
from datetime import date, timedelta
from functools import cache
from random import Random

import pytest

from ncbi_stand_in.records import Record, World
from ncbi_stand_in.reports import data_report_line
from ncbi_stand_in.timeline import Change, ChangeKind, Timeline, draw_timeline
from tests.support.stand_in import StandIn
from tests.unit.ncbi_stand_in.helpers import download

EPOCH = date(2026, 11, 20)
MPOX = frozenset({10244})


@cache
def shown(world: World, day: date) -> dict[str, tuple[Record, bytes]]:
    return {record.accession: (record, data_report_line(record)) for record in world.records(day)}


def days(*offsets: int) -> list[date]:
    return [EPOCH + timedelta(days=offset) for offset in offsets]


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=1, record_count=400, epoch=EPOCH)


def test_records_are_determined_by_the_seed(world: World) -> None:
    assert shown(World(1, 400, EPOCH), EPOCH) == shown(world, EPOCH)
    assert shown(World(2, 400, EPOCH), EPOCH).keys() != shown(world, EPOCH).keys()


def test_record_is_independent_of_record_count(world: World) -> None:
    small, large = shown(World(1, 200, EPOCH), EPOCH), shown(world, EPOCH)
    assert small.items() <= large.items()
    assert len(small) < len(large)


def test_record_is_independent_of_the_rest_of_the_request(world: World) -> None:
    alone = [data_report_line(record) for record in world.records(EPOCH, MPOX)]
    among_all = [
        data_report_line(record) for record in world.records(EPOCH) if record.isolate.taxon.lineage_tax_ids & MPOX
    ]
    assert alone == among_all


def test_dates_move_with_the_epoch() -> None:
    a_year_later = EPOCH.replace(year=2027)
    now, later = World(1, 200, EPOCH), World(1, 200, a_year_later)
    assert shown(now, EPOCH).keys() == shown(later, a_year_later).keys()


@pytest.mark.parametrize("offset", range(-14, 15))
def test_every_day_near_the_epoch_has_new_and_changed_records(world: World, offset: int) -> None:
    before, after = (shown(world, day) for day in days(offset - 1, offset))
    new = after.keys() - before.keys()
    changed = {name for name in after.keys() & before.keys() if after[name] != before[name]}
    assert 1 <= len(new) <= 40
    assert len(changed) <= 40
    assert len(after) > 10 * len(new | changed) / 3


def test_three_days_show_inserts_revisions_and_unchanged_records_of_mpox(world: World) -> None:
    first, second, third = (
        {record.accession: data_report_line(record) for record in world.records(day, MPOX)} for day in days(-2, -1, 0)
    )
    for before, after in ((first, second), (second, third)):
        assert before.items() & after.items()
    assert third.keys() - first.keys()
    assert any(third[name] != first[name] for name in third.keys() & first.keys())


def test_records_change_only_with_their_update_date(world: World) -> None:
    """Over many days, each difference between two consecutive days has an update date of the second day."""
    kinds: Counter[str] = Counter()
    for offset in range(-20, 21):
        day_before, day = days(offset - 1, offset)
        before, after = shown(world, day_before), shown(world, day)
        for name in before.keys() & after.keys():
            (old, old_line), (new, new_line) = before[name], after[name]
            if old_line == new_line:
                continue
            assert new.updated == day > old.updated
            assert new.released == old.released
            if new.version != old.version:
                kinds["re-versioned"] += 1
                assert new.version == old.version + 1
                assert new.length > old.length
                assert new.sequence_hash != old.sequence_hash
            elif new.isolate == old.isolate:
                kinds["re-dated"] += 1
            else:
                kinds["revised"] += 1
                assert new.sequence_hash == old.sequence_hash
    assert set(kinds) == {"re-versioned", "re-dated", "revised"}
    assert kinds["revised"] > kinds["re-dated"]


def test_revisions_touch_place_host_lineage_and_date() -> None:
    world = World(seed=1, record_count=1000, epoch=EPOCH)
    first, last = shown(world, EPOCH - timedelta(days=21)), shown(world, EPOCH + timedelta(days=30))
    revised = Counter(
        field
        for name in first.keys() & last.keys()
        for field in ("place", "host", "pango_lineage", "collection_date", "source")
        if getattr(first[name][0].isolate, field) != getattr(last[name][0].isolate, field)
    )
    assert set(revised) == {"place", "host", "pango_lineage", "collection_date", "source"}


def test_records_are_indexed_late_with_early_dates(world: World) -> None:
    lags = []
    seen = set(shown(world, EPOCH - timedelta(days=15)))
    for day in days(*range(-14, 15)):
        for name, (record, _) in shown(world, day).items():
            if name not in seen:
                seen.add(name)
                lags.append((day - record.updated).days)
    assert min(lags) == 0
    assert sum(lag >= 2 for lag in lags) >= 5
    assert max(lags) >= 7


@pytest.mark.slow
def test_records_disappear_and_some_return_unchanged(world: World) -> None:
    seen_so_far: dict[str, bytes] = {}
    gone: set[str] = set()
    reinstated: set[str] = set()
    for day in days(*range(-60, 46)):
        now = {name: line for name, (_, line) in shown(world, day).items()}
        gone |= seen_so_far.keys() - now.keys()
        back = gone & now.keys()
        assert all(now[name] == seen_so_far[name] for name in back - reinstated)
        reinstated |= back
        seen_so_far |= now
    assert len(gone) >= 5
    assert reinstated
    assert gone - now.keys()


def test_withdrawn_record_is_absent_only_while_withdrawn() -> None:
    first, second, third, fourth = days(0, 1, 2, 3)
    timeline = Timeline(first, first, second, withdrawn=third, reinstated=fourth)
    assert [timeline.is_shown_on(day) for day in (first, second, third, fourth)] == [False, True, False, True]
    assert not Timeline(first, first, first, withdrawn=second).is_shown_on(fourth)


def test_changes_take_effect_on_their_day() -> None:
    changes = tuple(Change(day, ChangeKind.REDATED, 0) for day in days(1, 3))
    timeline = Timeline(EPOCH, EPOCH, EPOCH, changes)
    assert [len(timeline.changes_until(day)) for day in days(0, 1, 2, 3)] == [0, 1, 1, 2]


@pytest.mark.parametrize("busy", [True, False])
def test_record_events_are_in_order_and_within_two_years(busy: bool) -> None:
    random = Random(7)
    for _ in range(2000):
        timeline = draw_timeline(random, EPOCH, busy=busy, refseq=False)
        moments = [
            timeline.released,
            timeline.first_updated,
            timeline.indexed,
            *(change.day for change in timeline.changes),
        ]
        moments += [day for day in (timeline.withdrawn, timeline.reinstated) if day]
        assert moments == sorted(moments)
        assert EPOCH - timedelta(days=700) <= timeline.released <= EPOCH + timedelta(days=30)


def test_clock_changes_the_served_records(stand_in: StandIn) -> None:
    today = download(stand_in).accessions
    stand_in.set_today(EPOCH + timedelta(days=1))
    assert download(stand_in).accessions - today
