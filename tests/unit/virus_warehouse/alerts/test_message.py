"""What a message looks like."""

from datetime import UTC, datetime

from virus_warehouse.alarm import AlarmKind
from virus_warehouse.alerts.journal import Alert
from virus_warehouse.alerts.message import MOST_ALERTS, Message, Section, message_of, section_of
from virus_warehouse.questions.changes import Rows

BEGAN = datetime(2026, 11, 20, 6, 1, tzinfo=UTC)
ENDED = datetime(2026, 11, 21, 6, 2, tzinfo=UTC)


def alert(source: str | None = "mpox", ended_at: datetime | None = None, text: str = "NCBI was down.") -> Alert:
    return Alert(source=source, kind=AlarmKind.FAILED, text=text, began_at=BEGAN, ended_at=ended_at)


def subject_of(alerts: list[Section]) -> str:
    message = message_of(alerts, [])
    assert message is not None
    return message.subject


def test_it_names_source_and_kind_and_says_what_is_over():
    begun, over = section_of(alert()), section_of(alert("dengue", ENDED))
    assert (begun.heading, begun.text) == ("mpox: failed", "NCBI was down.")
    assert over.heading == "Over: dengue: failed"
    assert over.text == "From 2026-11-20 06:01 to 2026-11-21 06:02 UTC. It was: NCBI was down."
    assert subject_of([begun, over]) == "Virus warehouse: mpox: failed, and 1 more"
    assert subject_of([over]) == "Virus warehouse: Over: dengue: failed"


def test_names_from_reports_are_no_markup():
    message = Message("s", (Section("<b>", "<script>&{{ 1 }}", (("new", Rows(["<i>"], [["<u>", None]])),)),))
    assert "<script>" not in message.html
    assert "&lt;script&gt;&amp;{{ 1 }}" in message.html
    assert "<td>&lt;u&gt;</td><td></td>" in message.html
    assert "<script>&{{ 1 }}" in message.text


def test_many_alerts_and_long_texts_are_cut_and_counted():
    alerts = [section_of(alert(f"source_{number}", text="x" * 5000)) for number in range(500)]
    message = message_of(alerts, [], "https://airflow.example.org/virus-warehouse/")
    assert message is not None
    assert message.subject == "Virus warehouse: source_0: failed, and 499 more"
    for text in (message.text, message.html):
        assert f"And {500 - MOST_ALERTS} more alerts." in text
    assert len(message.text) < 30_000
    assert message.text.endswith("\nhttps://airflow.example.org/virus-warehouse/\n")
    assert "source_29: failed" in message.text
    assert "source_30: failed" not in message.text


def test_no_changed_answer_is_left_out_of_a_long_message():
    alerts = [section_of(alert(f"source_{number}")) for number in range(MOST_ALERTS + 1)]
    message = message_of(alerts, [Section(f"question_{number}", "1 new.") for number in range(40)])
    assert message is not None
    for number in range(40):
        assert f"question_{number}\n1 new." in message.text
    assert "And 1 more alert." in message.text
    assert "And" not in Message("s", message.sections).text


def test_nothing_to_say_is_no_message():
    assert message_of([], []) is None


def test_a_table_says_how_many_rows_it_leaves_out():
    message = Message("s", (Section("h", "t", (("New", Rows(["a", "b"], [["1", None]], 7)),)),))
    assert "New\na\tb\n1\t\nand 7 more" in message.text
