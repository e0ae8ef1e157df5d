"""Random histories of alarms: each channel learns of each beginning once, and of each end once."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.warehouses import made_data
from virus_warehouse.alarm import AlarmKind
from virus_warehouse.alert_settings import AlertSettings
from virus_warehouse.alerts.journal import Journal, JournalDamaged, read_journal, write_journal
from virus_warehouse.alerts.present import Present

START = datetime(2026, 1, 1, tzinfo=UTC)
SETTINGS = AlertSettings.model_validate(
    {
        "channels": {"all": {"slack": {}}, "few": {"slack": {}}},
        "rules": [{"to": ["all"]}, {"to": ["few"], "kinds": ["failed"], "sources": ["mpox"]}],
    }
)
KEYS = [
    ("mpox", AlarmKind.FAILED),
    ("dengue", AlarmKind.FAILED),
    ("mpox", AlarmKind.DRIFT),
    (None, AlarmKind.DISK),
]
MOMENTS = st.lists(
    st.tuples(
        st.sets(st.sampled_from(KEYS)),
        st.sets(st.sampled_from(KEYS)),
        st.sets(st.sampled_from(["mpox", "dengue"])),
        st.sets(st.sampled_from(["all", "few"])),
    ),
    max_size=30,
)


def present(alarms=(), too_young=(), running=(), last_ended=None) -> Present:
    return Present(dict.fromkeys(alarms, "text"), frozenset(too_young), frozenset(running), last_ended or {})


@pytest.mark.slow
@given(MOMENTS)
@settings(deadline=None)
def test_each_channel_is_informed_once_of_each_beginning_and_each_end(moments):
    journal, informed, truly_open, begun = Journal(), defaultdict(list), set(), defaultdict(int)
    quiet = [(truly, set(), set(), set()) for truly, *_ in moments[-1:]] * 2
    for hour, (alarms, too_young, running, unreachable) in enumerate([*moments, *quiet]):
        now = START + timedelta(hours=hour)
        journal.follow(present(alarms, too_young & alarms, running), SETTINGS, now)
        for key in alarms - too_young - truly_open:
            begun[key] += 1
        truly_open |= alarms - too_young
        truly_open -= {key for key in truly_open - alarms if key[0] not in running}
        assert set(journal.open) == truly_open
        journal = Journal.model_validate_json(journal.model_dump_json())
        for channel in {"all", "few"} - unreachable:
            for alert in journal.alerts:
                if alert.is_due(channel):
                    informed[channel].append((alert.key, alert.began_at, alert.ended_at))
                    alert.mark_sent(channel)
                    assert not alert.is_due(channel)
    for channel, events in informed.items():
        assert len(events) == len(set(events))
        beginnings = defaultdict(set)
        for key, began_at, _ in events:
            beginnings[key].add(began_at)
            assert channel in SETTINGS.channels_for(key[1], key[0])
        assert {key: len(times) for key, times in beginnings.items()} == {
            key: count for key, count in begun.items() if channel in SETTINGS.channels_for(key[1], key[0])
        }
        ends = {(key, began_at) for key, began_at, ended_at in events if ended_at}
        all_events = {(key, began_at) for key, began_at, _ in events}
        assert {key for key, _ in all_events - ends} == {
            key for key in truly_open if channel in SETTINGS.channels_for(key[1], key[0])
        }


def test_a_late_run_is_over_when_a_run_has_ended_since():
    journal, key = Journal(), ("mpox", AlarmKind.LATE)
    journal.begin(key, "it takes long", SETTINGS, START)
    before, after = {"mpox": START - timedelta(hours=1)}, {"mpox": START + timedelta(hours=1)}
    for now in (present(), present(last_ended=before), present(running=["mpox"], last_ended=after)):
        journal.follow(now, SETTINGS, START + timedelta(hours=2))
        assert list(journal.open) == [key]
    journal.follow(present(last_ended=after), SETTINGS, START + timedelta(hours=2))
    assert journal.open == {}


def test_a_channel_that_is_gone_is_not_waited_for():
    journal, key = Journal(), ("mpox", AlarmKind.FAILED)
    journal.begin(key, "it failed", SETTINGS, START)
    fewer = AlertSettings.model_validate({"channels": {"few": {"slack": {}}}})
    journal.follow(present([key]), fewer, START)
    assert [(alert.begin_unsent_to, alert.end_unsent_to) for alert in journal.alerts] == [(["few"], ["few"])]


def test_a_damaged_journal_is_named_with_the_way_out(tmp_path):
    data = made_data(tmp_path / "data")
    (data.alerts / "journal.json").write_text('{"alerts": [{"kind": "fai')
    with pytest.raises(JournalDamaged, match=r"journal\.json cannot be read: .* Delete it"):
        read_journal(data)


def test_a_journal_is_read_as_it_was_written(tmp_path):
    data, journal = made_data(tmp_path / "data"), Journal()
    journal.begin((None, AlarmKind.DISK), "full: 5 µm", SETTINGS, START)
    write_journal(data, journal)
    assert read_journal(data) == journal
