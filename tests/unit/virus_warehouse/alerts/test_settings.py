"""`alerts:` in the sources file."""

from datetime import timedelta
from pathlib import Path

import pytest

from virus_warehouse.alarm import AlarmKind
from virus_warehouse.sources import SourcesFile, read_sources

SOURCES = "sources: {mpox: {taxon: '10244'}, dengue: {taxon: '12637'}}\nalerts: "
TEAM = "channels: {team: {mail: {to: [team@example.org]}}, chat: {slack: {}}}"


@pytest.fixture
def read(tmp_path: Path):
    def read(alerts: str) -> SourcesFile:
        file = tmp_path / "sources.yaml"
        file.write_text(SOURCES + alerts)
        return read_sources(file)

    return read


def test_channels_alone_are_informed_of_everything(read):
    settings = read(f"{{{TEAM}}}").alerts
    assert settings.channels_for(AlarmKind.DISK, None) == ["team", "chat"]
    assert settings.channels["team"].mail.to == ("team@example.org",)
    assert settings.failed_after == timedelta(minutes=30)


def test_rules_choose_by_kind_and_source(read):
    settings = read(
        f"{{{TEAM}, rules: [{{to: [team], sources: [mpox]}}, {{to: [chat, team], kinds: [held back, disk]}}]}}"
    ).alerts
    informed = {
        (kind, source): settings.channels_for(kind, source)
        for kind in (AlarmKind.FAILED, AlarmKind.HELD_BACK, AlarmKind.DISK)
        for source in ("mpox", "dengue", None)
    }
    assert {key: names for key, names in informed.items() if names} == {
        (AlarmKind.FAILED, "mpox"): ["team"],
        (AlarmKind.HELD_BACK, "mpox"): ["team", "chat"],
        (AlarmKind.HELD_BACK, "dengue"): ["team", "chat"],
        (AlarmKind.HELD_BACK, None): ["team", "chat"],
        (AlarmKind.DISK, "mpox"): ["team", "chat"],
        (AlarmKind.DISK, "dengue"): ["team", "chat"],
        (AlarmKind.DISK, None): ["team", "chat"],
    }


def test_a_file_without_alerts_informs_nobody(read):
    followed = read("")
    assert (followed.alerts, followed.alerts_error) == (None, None)


@pytest.mark.parametrize(
    ("alerts", "message"),
    [
        ("3", "alerts: not a mapping of keys"),
        ("{channels: {}}", "alerts: key 'channels': "),
        ("{channels: {team: {}}}", "key 'channels.team': a channel is one of mail: "),
        ("{channels: {team: {slack: {}, mail: {to: [a@example.org]}}}}", "key 'channels.team': a channel is one of "),
        ("{channels: {team: {mail: {to: a@example.org}}}}", "key 'channels.team.mail.to': not a list"),
        ("{channels: {team: {mail: {to: []}}}}", "key 'channels.team.mail.to': "),
        (f"{{{TEAM}, rules: [{{to: [tema]}}]}}", "no channel is named 'tema'; channels has chat, team"),
        (f"{{{TEAM}, rules: [{{to: [team], kinds: [fialed]}}]}}", "key 'rules.0.kinds.0': Input should be 'broken', "),
        (f"{{{TEAM}, rules: [{{to: [team], sources: [mpxo]}}]}}", "rules: no source is named 'mpxo'; known are dengue"),
        (f"{{{TEAM}, disk_fre: 1GB}}", "key 'disk_fre': unknown key"),
        (f"{{{TEAM}, disk_free: a lot}}", "key 'disk_free': "),
        ("{channels: {team: {slack: {}}, team: {slack: {}}}}", "key 'team': given twice"),
    ],
)
def test_a_mistake_is_named_and_affects_no_source(read, alerts, message):
    followed = read(alerts)
    assert followed.alerts is None
    assert message in str(followed.alerts_error)
    assert list(followed.sources) == ["mpox", "dengue"]
    assert followed.errors == {}
