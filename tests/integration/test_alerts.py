"""Alerts of real runs: what begins, and what is over, is informed once."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.fake_ncbi import UNAVAILABLE, BadLine
from tests.support.followed import DENGUE, MPOX, Followed
from tests.support.snapshots import publish
from tests.support.warehouses import line
from virus_warehouse.alarm import AlarmKind
from virus_warehouse.alert_settings import AlertSettings, Channel
from virus_warehouse.alerts.journal import read_journal
from virus_warehouse.alerts.message import Message
from virus_warehouse.alerts.send import AlertNotSent, begin_alert, send_alerts
from virus_warehouse.ncbi.errors import DatasetsError
from virus_warehouse.pages.overview.overview import State, overview
from virus_warehouse.publish.approval import KEEP
from virus_warehouse.run_file import run_lock
from virus_warehouse.sources import SourcesFile
from virus_warehouse.stopped_load import answer_stopped_load, waiting_load
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.load_gates import GateError

pytestmark = pytest.mark.usefixtures("small_loads")

SETTINGS = AlertSettings.model_validate(
    {"channels": {"team": {"mail": {"to": ["team@example.org"]}}, "chat": {"slack": {}}}, "disk_free": "1MB"}
)
SOURCES = SourcesFile(
    Path("sources.yaml"),
    {source.name: source.model_copy(update={"stale_after_days": None}) for source in (MPOX, DENGUE)},
    alerts=SETTINGS,
)


class People:
    """Who gets the messages, and what they were informed."""

    def __init__(self) -> None:
        self.informed: dict[str, list[str]] = {"mail": [], "slack": []}
        self.messages: list[Message] = []
        self.unreachable: set[str] = set()

    def deliver(self, channel: Channel, message: Message) -> None:
        [way] = channel.model_fields_set
        if way in self.unreachable:
            raise ConnectionRefusedError(111, "Connection refused")
        self.messages.append(message)
        self.informed[way] += [section.heading for section in message.sections]


@pytest.fixture
def people() -> People:
    return People()


def inform(followed: Followed, people: People, after: timedelta = timedelta(), **arguments) -> None:
    followed_sources = arguments.pop("sources", SOURCES)
    send_alerts(followed.data, followed_sources, people.deliver, now=datetime.now(UTC) + after, **arguments)


def fail(followed: Followed) -> None:
    followed.ncbi.breaks = [UNAVAILABLE]
    with pytest.raises(DatasetsError):
        followed.run()


HOUR = timedelta(hours=1)


def test_a_failure_is_informed_after_half_an_hour_and_its_end_after_the_next_run(followed, people):
    followed.show("PX1", 0)
    inform(followed, people)
    fail(followed)
    inform(followed, people)
    assert people.informed == {"mail": [], "slack": []}, "a retry may mend it"
    inform(followed, people, HOUR)
    inform(followed, people, 2 * HOUR)
    assert people.informed == {"mail": ["mpox: failed"], "slack": ["mpox: failed"]}
    assert "503" in people.messages[0].text
    fail(followed)
    inform(followed, people)
    assert people.informed["mail"] == ["mpox: failed"], "it goes on"
    followed.run()
    publish(followed.data, SOURCES)
    inform(followed, people)
    inform(followed, people)
    assert people.informed["mail"] == ["mpox: failed", "Over: mpox: failed"]
    assert people.informed["slack"] == people.informed["mail"]
    assert read_journal(followed.data).alerts == []


def test_nothing_is_over_while_a_source_is_being_loaded(followed, people):
    followed.show("PX1", 0)
    fail(followed)
    inform(followed, people, HOUR)
    [failed] = followed.data.runs.glob("*.json")
    running = failed.with_name(f"99{failed.name[2:]}")
    shutil.copy(failed, running)
    state = failed.read_text().replace('"status": "failed"', '"status": "running"')
    running.write_text(state.replace(failed.stem, running.stem).replace('"started_at": "20', '"started_at": "99'))
    with run_lock(followed.data.runs, running.stem):
        inform(followed, people, HOUR)
    assert people.informed["mail"] == ["mpox: failed"]


def test_a_stopped_census_is_an_alert_until_it_is_answered_whatever_is_loaded_meanwhile(followed, people):
    for number in range(40):
        followed.show(f"PX{number:02d}", 1)
    followed.run()
    for number in range(10):
        del followed.ncbi.world.records[f"PX{number:02d}"]
    with pytest.raises(GateError):
        followed.run(mode="census")
    inform(followed, people)
    [card] = [card for card in overview(followed.data, SOURCES).cards if card.name == "mpox"]
    assert (card.state, [alarm.kind for alarm in card.alarms]) == (State.FAILED, [AlarmKind.STOPPED])
    assert "lacks 10 of the 40 held records" in people.messages[0].text
    followed.run()
    publish(followed.data, SOURCES)
    inform(followed, people)
    assert people.informed["mail"] == ["mpox: stopped"]
    stopped = waiting_load(followed.data, MPOX)
    answer_stopped_load(Warehouse(followed.data.warehouse), followed.data, MPOX, stopped.run_id, KEEP, "ada")
    inform(followed, people)
    assert people.informed["mail"] == ["mpox: stopped", "Over: mpox: stopped"]


def test_findings_of_a_publication_are_informed_with_their_source(followed, people):
    for number in range(40):
        followed.show(f"PX{number}", number % 3)
    followed.ncbi.world.strays = [(0, BadLine("{")), (0, BadLine(line("PZ1.1", novelty=1)))]
    followed.run()
    publish(followed.data, SOURCES)
    inform(followed, people)
    assert sorted(people.informed["mail"]) == ["mpox: drift", "mpox: quarantine"]
    assert len(people.messages) == 2, "one message for each channel"
    assert people.messages[0].subject.endswith(", and 1 more")


def test_a_full_disk_and_a_late_run_are_informed(followed, people):
    followed.show("PX1", 0)
    full = replace(SOURCES, alerts=SETTINGS.model_copy(update={"disk_free": 10**18}))
    begin_alert(followed.data, SETTINGS, ("mpox", AlarmKind.LATE), "it takes long")
    inform(followed, people, sources=full)
    assert people.informed["mail"] == ["mpox: late", "disk"]
    followed.run()
    publish(followed.data, SOURCES)
    inform(followed, people)
    assert people.informed["mail"] == ["mpox: late", "disk", "Over: mpox: late", "Over: disk"]


def test_a_snapshot_that_cannot_be_read_is_sent_and_nothing_is_over(followed, people):
    followed.show("PX1", 0)
    fail(followed)
    inform(followed, people, HOUR)
    followed.data.snapshot.write_bytes(b"not a database" * 1000)
    inform(followed, people, HOUR)
    inform(followed, people, HOUR)
    assert people.informed["mail"] == ["mpox: failed", "broken"]
    assert "The snapshot cannot be read: " in people.messages[-1].text
    followed.data.snapshot.unlink()
    inform(followed, people, HOUR)
    assert people.informed["mail"] == ["mpox: failed", "broken", "Over: broken"]


def test_a_channel_that_cannot_be_reached_is_informed_later_and_holds_up_no_other(followed, people):
    people.unreachable = {"mail"}
    followed.show("PX1", 0)
    fail(followed)
    for _ in range(2):
        with pytest.raises(AlertNotSent, match=r"not informed: team: ConnectionRefusedError: .*tries again"):
            inform(followed, people, HOUR)
    assert people.informed == {"mail": [], "slack": ["mpox: failed"]}
    followed.run()
    publish(followed.data, SOURCES)
    people.unreachable = set()
    inform(followed, people)
    assert people.informed == {"mail": ["Over: mpox: failed"], "slack": ["mpox: failed", "Over: mpox: failed"]}
    assert "It was: " in people.messages[-2].text or "It was: " in people.messages[-1].text
