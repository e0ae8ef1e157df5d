"""Saved questions: asked at every publication, compared with the one before, and their changes sent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.support.followed import MPOX, Followed
from tests.support.snapshots import publish
from virus_warehouse.alert_settings import AlertSettings, Channel
from virus_warehouse.alerts.message import Message
from virus_warehouse.alerts.send import AlertNotSent, send_alerts
from virus_warehouse.publish import saved_questions
from virus_warehouse.questions.question import Question, remove_question, save_question
from virus_warehouse.sources import SourcesFile

SETTINGS = AlertSettings.model_validate(
    {"channels": {"team": {"mail": {"to": ["team@example.org"]}}, "chat": {"slack": {}}}, "disk_free": "1MB"}
)
SOURCES = SourcesFile(
    Path("sources.yaml"), {"mpox": MPOX.model_copy(update={"stale_after_days": None})}, alerts=SETTINGS
)
RECORDS = Question(
    "records", "Which records?", "SELECT accession, length FROM virus_genome", ("accession",), inform=("team",)
)
HOUR = timedelta(hours=1)


class World(Followed):
    """A source, its publications, and what people are sent."""

    def __init__(self, followed: Followed) -> None:
        self.ncbi, self.data = followed.ncbi, followed.data
        self.sent: list[tuple[str, Message]] = []
        self.unreachable = False

    def publish(self, **lengths: int) -> None:
        """Load and publish exactly these records."""
        self.ncbi.world.records.clear()
        for number, (accession, length) in enumerate(lengths.items()):
            self.show(accession, number, length=length)
        with duckdb.connect(self.data.warehouse) as connection:
            if connection.execute(
                "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'virus_genome'"
            ).fetchone() != (0,):
                connection.execute("DELETE FROM virus_genome")
        self.run(mode="full")
        publish(self.data, SOURCES, "shrinkage", "history", "lost_fields")

    def changes(self, question: str = "records") -> list[tuple[str, str]]:
        """What changed in the last publication."""
        return self.rows(
            "SELECT change, key->>'$.accession' FROM mart.saved_question_change "
            "JOIN mart.saved_question USING (question) WHERE question = ? AND changed_at = asked_at ORDER BY ALL",
            question,
        )

    def rows(self, sql: str, *values: object) -> list[tuple]:
        with duckdb.connect(self.data.snapshot, read_only=True) as connection:
            return connection.execute(sql, values).fetchall()

    def inform(self, after: timedelta = timedelta()) -> list[str]:
        """The texts of the messages that are sent now."""
        self.sent = []
        send_alerts(self.data, SOURCES, self._deliver, now=datetime.now(UTC) + after)
        return [message.text for _, message in self.sent]

    def _deliver(self, channel: Channel, message: Message) -> None:
        if self.unreachable:
            raise ConnectionRefusedError(111, "Connection refused")
        self.sent.append((next(iter(channel.model_fields_set)), message))


@pytest.fixture
def world(followed: Followed) -> World:
    return World(followed)


def test_the_changes_of_each_publication_are_recorded_with_it(world):
    save_question(world.data, RECORDS)
    world.publish(PX1=1, PX2=2, PX3=3)
    assert world.changes() == [], "there is nothing to compare with"
    assert world.rows("SELECT question, error, began_at = asked_at FROM mart.saved_question") == [
        ("records", None, True)
    ]
    world.publish(PX1=1, PX2=20, PX4=4)
    assert world.changes() == [("changed", "PX2"), ("gone", "PX3"), ("new", "PX4")]
    assert world.rows(
        "SELECT answer->>'$.length', answer_before->>'$.length' FROM mart.saved_question_change ORDER BY key"
    ) == [("20", "2"), (None, "3"), ("4", None)]
    world.publish(PX1=1, PX2=20, PX4=4)
    assert world.changes() == []
    assert world.rows("SELECT count(*) FROM mart.saved_question_change") == [(3,)], "the earlier ones are kept"


def test_people_are_sent_what_changed_since_they_were_informed(world):
    save_question(world.data, RECORDS)
    world.publish(PX1=1, PX2=2)
    assert world.inform() == []
    world.publish(PX1=10, PX2=2, PX3=3)
    world.publish(PX1=10, PX3=3, PX4=4)
    [text] = world.inform()
    assert text.splitlines()[:2] == ["Which records?", "2 new, 1 changed, 1 gone."]
    assert "New\naccession\tlength\nPX3\t3\nPX4\t4\n" in text
    assert "Changed\naccession\tlength\nPX1\t1 → 10\n" in text
    assert "Gone\naccession\tlength\nPX2\t2\n" in text
    assert [way for way, _ in world.sent] == ["mail"], "chat is not named"
    assert world.inform() == []


def test_what_came_and_went_before_anybody_was_informed_is_not_sent(world):
    save_question(world.data, RECORDS)
    world.publish(PX1=1)
    world.publish(PX1=1, PX2=2)
    world.publish(PX1=1)
    assert world.inform() == []


@pytest.mark.long
def test_what_could_not_be_sent_is_sent_later(world):
    save_question(world.data, RECORDS)
    world.publish(PX1=1)
    world.publish(PX1=1, PX2=2)
    world.unreachable = True
    with pytest.raises(AlertNotSent, match="team: ConnectionRefusedError"):
        world.inform()
    world.unreachable = False
    world.publish(PX1=1, PX2=2, PX3=3)
    [text] = world.inform()
    assert "2 new." in text


def test_people_are_informed_when_the_question_says(world):
    in_an_hour = datetime.now(UTC) + HOUR
    save_question(world.data, replace(RECORDS, when=f"0 {in_an_hour.hour} * * *"))
    world.publish(PX1=1)
    world.publish(PX1=1, PX2=2)
    due = in_an_hour.replace(minute=0, second=0) - datetime.now(UTC) + timedelta(minutes=1)

    def informed(after: timedelta) -> int:
        # A day later, at some hours, there is an alert of an overdue run, too.
        return sum(RECORDS.title in text for text in world.inform(after))

    if due > timedelta(minutes=2):
        assert informed(timedelta()) == 0
    assert informed(due) == 1
    world.publish(PX1=1, PX2=2, PX3=3)
    assert informed(due) == 0
    assert informed(due + timedelta(days=1)) == 1


def test_a_query_that_fails_keeps_its_answer_and_stops_nobody(world):
    save_question(world.data, RECORDS)
    world.publish(PX1=1)
    broken = world.data.questions / "records.sql"
    whole = broken.read_text()
    save_question(world.data, Question("nothing", "Nothing?", "SELECT * FROM nowhere"))
    broken.write_text(whole.replace("length", "lenght"))
    world.publish(PX1=1, PX2=2)
    errors = dict(world.rows("SELECT question, error FROM mart.saved_question"))
    assert 'column "lenght" not found' in errors["records"]
    assert "nowhere does not exist" in errors["nothing"]
    assert world.rows("SELECT began_at FROM mart.saved_question WHERE question = 'nothing'") == [(None,)]


def test_an_answer_is_compared_with_the_last_one_that_there_was(world, monkeypatch):
    save_question(world.data, RECORDS)
    world.publish(PX1=1)
    with monkeypatch.context() as patched:
        patched.setattr(saved_questions, "LIMITS", replace(saved_questions.LIMITS, seconds=0.001))
        world.publish(PX1=1, PX2=2)
    [(error,)] = world.rows("SELECT error FROM mart.saved_question")
    assert error.startswith("Stopped: stopped after 0.001 seconds")
    assert world.rows("SELECT key->>'$.accession' FROM mart.saved_question_answer") == [("PX1",)]
    assert world.changes() == []
    world.publish(PX1=1, PX2=2)
    assert world.changes() == [("new", "PX2")]


@pytest.mark.parametrize(
    ("question", "error"),
    [
        (replace(RECORDS, key=("acession",)), "its answer has no column 'acession', which its key names; it has"),
        (replace(RECORDS, key=("length",)), 'its answer has several rows with the key {"length":7}; name more columns'),
        (replace(RECORDS, sql="SELECT range AS accession FROM range(100001)"), "its answer has more than 100000 rows"),
        (replace(RECORDS, sql="DELETE FROM virus_genome"), "Refused: the console runs one query"),
        (replace(RECORDS, sql="SELECT content FROM read_text('/etc/passwd')"), "Permission"),
    ],
)
def test_an_answer_that_cannot_be_compared_says_why(world, question, error):
    save_question(world.data, question)
    world.publish(PX1=7, PX2=7)
    [(found,)] = world.rows("SELECT error FROM mart.saved_question")
    assert error in found


@pytest.mark.long
def test_another_query_begins_again_and_a_removed_question_is_forgotten(world):
    save_question(world.data, RECORDS)
    world.publish(PX1=1)
    world.publish(PX1=1, PX2=2)
    save_question(world.data, replace(RECORDS, sql="SELECT accession FROM virus_genome WHERE length > 1"))
    world.publish(PX1=1, PX2=2, PX3=3)
    assert world.rows("SELECT count(*) FROM mart.saved_question_change") == [(0,)]
    assert world.inform() == []
    assert remove_question(world.data, "records")
    world.publish(PX1=1)
    for table in ("saved_question", "saved_question_answer", "saved_question_change"):
        assert world.rows(f"SELECT count(*) FROM mart.{table}") == [(0,)]


def test_a_channel_that_does_not_exist_is_named(world):
    save_question(world.data, replace(RECORDS, inform=("tema", "team")))
    world.publish(PX1=1)
    world.publish(PX1=1, PX2=2)
    with pytest.raises(AlertNotSent, match="the saved question records informs 'tema', which is no channel"):
        world.inform()
    assert len(world.sent) == 1


def test_nothing_is_asked_and_nothing_is_written_without_questions(world):
    world.publish(PX1=1)
    assert world.rows("SELECT count(*) FROM mart.saved_question") == [(0,)]
    assert list(world.data.temporary.iterdir()) == []
