"""Saved questions: asked at every publication, compared with the one before, and their changes sent."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.support.fake_ncbi import FakeNcbi
from tests.support.fake_ncbi import World as NcbiWorld
from tests.support.followed import MPOX, Followed
from tests.support.snapshots import publish
from virus_warehouse.alert_settings import AlertSettings, Channel
from virus_warehouse.alerts.message import Message
from virus_warehouse.alerts.send import AlertNotSent, send_alerts
from virus_warehouse.publish import saved_questions
from virus_warehouse.questions.question import Question, remove_question, save_question
from virus_warehouse.sources import SourcesFile

pytestmark = pytest.mark.usefixtures("small_loads")

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


@pytest.fixture(scope="module")
def begun_once(ncbi: FakeNcbi, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a world with a saved question, after its first publication, of PX1. It stays as it is."""
    ncbi.world = NcbiWorld()
    world = World(Followed(ncbi, tmp_path_factory.mktemp("begun") / "data"))
    save_question(world.data, RECORDS)
    world.publish(PX1=1)
    return world.data.root


@pytest.fixture
def begun(begun_once: Path, world: World) -> World:
    """A copy of it that a test can change."""
    shutil.copytree(begun_once, world.data.root, dirs_exist_ok=True)
    return world


def test_the_changes_of_each_publication_are_recorded_with_it_and_sent(world):
    save_question(world.data, RECORDS)
    world.publish(PX1=1, PX2=2, PX3=3)
    assert world.changes() == [], "there is nothing to compare with"
    assert world.inform() == []
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
    [text] = world.inform()
    assert text.splitlines()[:2] == ["Which records?", "1 new, 1 changed, 1 gone."]
    assert "New\naccession\tlength\nPX4\t4\n" in text
    assert "Changed\naccession\tlength\nPX2\t2 → 20\n" in text
    assert "Gone\naccession\tlength\nPX3\t3\n" in text
    assert [way for way, _ in world.sent] == ["mail"], "chat is not named"
    assert world.inform() == []


def test_what_came_and_went_before_anybody_was_informed_is_not_sent(begun):
    begun.publish(PX1=1, PX2=2)
    begun.publish(PX1=1, PX3=3)
    [text] = begun.inform()
    assert text.splitlines()[1] == "1 new."
    assert "PX2" not in text


@pytest.mark.long
def test_what_could_not_be_sent_is_sent_later(begun):
    begun.publish(PX1=1, PX2=2)
    begun.unreachable = True
    with pytest.raises(AlertNotSent, match="team: ConnectionRefusedError"):
        begun.inform()
    begun.unreachable = False
    begun.publish(PX1=1, PX2=2, PX3=3)
    [text] = begun.inform()
    assert "2 new." in text


def test_people_are_informed_when_the_question_says(begun):
    in_an_hour = datetime.now(UTC) + HOUR
    save_question(begun.data, replace(RECORDS, when=f"0 {in_an_hour.hour} * * *"))
    begun.publish(PX1=1, PX2=2)
    due = in_an_hour.replace(minute=0, second=0) - datetime.now(UTC) + timedelta(minutes=1)

    def informed(after: timedelta) -> int:
        # A day later, at some hours, there is an alert of an overdue run, too.
        return sum(RECORDS.title in text for text in begun.inform(after))

    if due > timedelta(minutes=2):
        assert informed(timedelta()) == 0
    assert informed(due) == 1
    begun.publish(PX1=1, PX2=2, PX3=3)
    assert informed(due) == 0
    assert informed(due + timedelta(days=1)) == 1


def test_a_query_that_fails_keeps_its_answer_and_stops_nobody(begun):
    broken = begun.data.questions / "records.sql"
    whole = broken.read_text()
    save_question(begun.data, Question("nothing", "Nothing?", "SELECT * FROM nowhere"))
    broken.write_text(whole.replace("length", "lenght"))
    begun.publish(PX1=1, PX2=2)
    errors = dict(begun.rows("SELECT question, error FROM mart.saved_question"))
    assert 'column "lenght" not found' in errors["records"]
    assert "nowhere does not exist" in errors["nothing"]
    assert begun.rows("SELECT began_at FROM mart.saved_question WHERE question = 'nothing'") == [(None,)]


def test_an_answer_is_compared_with_the_last_one_that_there_was(begun, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(saved_questions, "LIMITS", replace(saved_questions.LIMITS, seconds=0.001))
        begun.publish(PX1=1, PX2=2)
    [(error,)] = begun.rows("SELECT error FROM mart.saved_question")
    assert error.startswith("Stopped: stopped after 0.001 seconds")
    assert begun.rows("SELECT key->>'$.accession' FROM mart.saved_question_answer") == [("PX1",)]
    assert begun.changes() == []
    begun.publish(PX1=1, PX2=2)
    assert begun.changes() == [("new", "PX2")]


def test_an_answer_that_cannot_be_compared_says_why(world):
    errors = {
        "misspelt_key": "its answer has no column 'acession', which its key names; it has",
        "key_of_several_rows": 'its answer has several rows with the key {"length":7}; name more columns',
        "too_many_rows": "its answer has more than 100000 rows",
        "no_query": "Refused: the console runs one query",
        "a_file": "Permission",
    }
    for question in (
        replace(RECORDS, name="misspelt_key", key=("acession",)),
        replace(RECORDS, name="key_of_several_rows", key=("length",)),
        replace(RECORDS, name="too_many_rows", sql="SELECT range AS accession FROM range(100001)"),
        replace(RECORDS, name="no_query", sql="DELETE FROM virus_genome"),
        replace(RECORDS, name="a_file", sql="SELECT content FROM read_text('/etc/passwd')"),
    ):
        save_question(world.data, question)
    world.publish(PX1=7, PX2=7)
    found = dict(world.rows("SELECT question, error FROM mart.saved_question"))
    assert found.keys() == errors.keys()
    for name, error in errors.items():
        assert error in found[name]


@pytest.mark.long
def test_another_query_begins_again_and_a_removed_question_is_forgotten(begun):
    begun.publish(PX1=1, PX2=2)
    save_question(begun.data, replace(RECORDS, sql="SELECT accession FROM virus_genome WHERE length > 1"))
    begun.publish(PX1=1, PX2=2, PX3=3)
    assert begun.rows("SELECT count(*) FROM mart.saved_question_change") == [(0,)]
    assert begun.inform() == []
    assert remove_question(begun.data, "records")
    begun.publish(PX1=1)
    for table in ("saved_question", "saved_question_answer", "saved_question_change"):
        assert begun.rows(f"SELECT count(*) FROM mart.{table}") == [(0,)]


def test_a_channel_that_does_not_exist_is_named(begun):
    save_question(begun.data, replace(RECORDS, inform=("tema", "team")))
    begun.publish(PX1=1, PX2=2)
    with pytest.raises(AlertNotSent, match="the saved question records informs 'tema', which is no channel"):
        begun.inform()
    assert len(begun.sent) == 1


def test_nothing_is_asked_and_nothing_is_written_without_questions(world):
    world.publish(PX1=1)
    assert world.rows("SELECT count(*) FROM mart.saved_question") == [(0,)]
    assert list(world.data.temporary.iterdir()) == []
