"""The files of saved questions."""

import pytest

from virus_warehouse.data_folder import CHECKOUT, DataFolder
from virus_warehouse.questions import question
from virus_warehouse.questions.question import (
    BrokenQuestion,
    Question,
    parse_question,
    read_question,
    remove_question,
    save_question,
    saved_questions,
)
from virus_warehouse.settings import SettingError

CATTLE = Question(
    "cattle", "New from cattle: which?", "SELECT accession\nFROM virus_genome", ("accession",), ("team",), "0 7 * * 1"
)
TEXT = """\
-- question: New from cattle: which?
-- key: accession
-- inform: team
-- when: 0 7 * * 1
SELECT accession
FROM virus_genome;
"""


@pytest.fixture
def data(tmp_path, monkeypatch) -> DataFolder:
    (tmp_path / "shared").mkdir()
    monkeypatch.setenv("VIRUS_QUESTIONS", str(tmp_path / "shared"))
    folder = DataFolder(tmp_path)
    folder.create()
    return folder


def test_a_file_has_a_header_and_a_query():
    assert parse_question("cattle", TEXT) == CATTLE
    assert CATTLE.text == TEXT
    short = parse_question("all", "-- question: All?\n-- Explained.\n\nFROM virus_genome")
    assert (short.key, short.inform, short.when, short.sql) == ((), (), "", "FROM virus_genome")
    assert parse_question("two", "-- question: T\n-- key: a , b\nSELECT 1").key == ("a", "b")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("Cattle", TEXT, "'Cattle' is not a name; use small letters"),
        ("new", TEXT, "'new' is not a name; use small letters"),
        ("../cattle", TEXT, "'../cattle' is not a name; use small letters"),
        ("cattle", "SELECT 1", "no title; begin with a line such as `-- question: "),
        ("cattle", "-- question: T\n-- key: a\n", "no query after its header"),
        ("cattle", "-- question: T\n-- question: U\nSELECT 1", "its header has 'question' twice"),
        ("cattle", "-- question: T\n-- when: often\nSELECT 1", "when is 'often'; allowed is a cron expression"),
    ],
)
def test_a_mistake_is_named(name, text, message):
    with pytest.raises(BrokenQuestion, match=message):
        parse_question(name, text)


def test_answers_are_compared_while_query_and_key_are_the_same():
    renamed = parse_question("cattle", TEXT.replace("which?", "what?").replace("team", "chat"))
    assert renamed.fingerprint == CATTLE.fingerprint
    assert parse_question("cattle", TEXT.replace("-- key: accession\n", "")).fingerprint != CATTLE.fingerprint
    assert parse_question("cattle", TEXT.replace("virus_genome", "taxon")).fingerprint != CATTLE.fingerprint


def test_questions_are_read_from_both_folders_and_a_broken_one_stops_no_other(data, tmp_path):
    shared, own = tmp_path / "shared", tmp_path / "questions"
    assert saved_questions(data) == question.Questions()
    (shared / "cattle.sql").write_text(TEXT)
    (own / "broken.sql").write_text("SELECT 1")
    (own / "twice.sql").write_text(TEXT)
    (shared / "twice.sql").write_text(TEXT)
    (own / "odd.sql").write_bytes(b"-- question: \xff")
    read = saved_questions(data)
    assert set(read.valid) == {"cattle", "twice"}
    assert {name: str(error).split(": ")[1][:29] for name, error in read.errors.items()} == {
        "broken": "its header has no title; begi",
        "odd": "cannot be read ('utf-8' codec",
        "twice": "another file is named twice.s",
    }
    assert str(own / "broken.sql") in str(read.errors["broken"])


def test_a_question_is_saved_replaced_and_removed(data):
    path = save_question(data, CATTLE)
    assert saved_questions(data).valid == {"cattle": CATTLE}
    other = parse_question("cattle", TEXT.replace("which?", "what?"))
    assert save_question(data, other) == path
    assert saved_questions(data).valid == {"cattle": other}
    assert remove_question(data, "cattle")
    assert not remove_question(data, "cattle")
    assert not remove_question(data, "../warehouse")
    assert saved_questions(data).valid == {}


@pytest.mark.parametrize("title", ["two\nlines", "", "trailing "])
def test_what_would_not_be_read_as_it_was_given_is_not_saved(data, title):
    with pytest.raises(BrokenQuestion):
        save_question(data, Question("cattle", title, "SELECT 1"))
    assert saved_questions(data).valid == {}


def test_the_other_folders_names_and_more_than_a_hundred_are_refused(data, tmp_path, monkeypatch):
    (tmp_path / "shared" / "cattle.sql").write_text(TEXT)
    with pytest.raises(BrokenQuestion, match=r"another folder has cattle\.sql already"):
        save_question(data, CATTLE)
    monkeypatch.setattr(question, "MOST_QUESTIONS", 1)
    save_question(data, Question("one", "One?", "SELECT 1"))
    save_question(data, Question("one", "One again?", "SELECT 1"))
    with pytest.raises(BrokenQuestion, match="there are 1 saved questions already; remove one"):
        save_question(data, Question("two", "Two?", "SELECT 2"))


def test_a_folder_that_is_missing_is_named(data, monkeypatch):
    monkeypatch.setenv("VIRUS_QUESTIONS", "/nowhere")
    with pytest.raises(SettingError, match="VIRUS_QUESTIONS is /nowhere, which is no folder"):
        saved_questions(data)


def test_the_questions_of_the_repository_are_valid(data, monkeypatch):
    monkeypatch.delenv("VIRUS_QUESTIONS")
    read = saved_questions(data)
    assert read.errors == {}
    assert "new_h5n1_from_cattle_in_the_usa" in read.valid
    assert CHECKOUT
    for path in (CHECKOUT / "include" / "questions").glob("*.sql"):
        assert read_question(path) == read.valid[path.stem]
