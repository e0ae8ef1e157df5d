"""The page of the saved questions."""

import pytest

from tests.support.snapshots import FOLLOWED
from tests.support.warehouses import Store
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.publish.saved_questions import ask_questions
from virus_warehouse.questions.question import Question, save_question, saved_questions

FORM = {
    "title": "Which  hosts?",
    "sql": "-- a comment\nSELECT host_name, count(*) AS records\r\nFROM virus_genome GROUP BY ALL;",
    "key": "host_name",
    "inform": "team, chat",
    "when": "0 7 * * 1",
}


@pytest.fixture
def publish(data):
    store = Store(data.root)

    def publish() -> None:
        candidate = prepare_candidate(store.warehouse, data, "candidate", FOLLOWED)
        ask_questions(candidate, data, saved_questions(data))
        candidate.replace(data.snapshot)

    return publish


def test_there_is_none_at_first(client):
    page = client.get("/questions")
    assert page.status_code == 200
    assert "No question is saved yet" in page.text
    assert client.get("/questions/nothing").status_code == 404


@pytest.mark.slow
def test_a_question_is_saved_shown_and_removed(client, data, publish):
    publish()
    form = client.get("/questions/new", params={"sql": "SELECT <1>"})
    assert "SELECT &lt;1&gt;" in form.text
    saved = client.post("/questions", data=FORM)
    assert (saved.status_code, saved.headers["location"]) == (303, "/virus-warehouse/questions/which_hosts")
    [question] = saved_questions(data).valid.values()
    assert question == Question(
        "which_hosts",
        "Which hosts?",
        "SELECT host_name, count(*) AS records\nFROM virus_genome GROUP BY ALL",
        ("host_name",),
        ("team", "chat"),
        "0 7 * * 1",
        "reader",
    )
    assert "It is asked at the next publication" in client.get("/questions/which_hosts").text
    publish()
    page = client.get("/questions/which_hosts").text
    assert "Compared since" in page
    assert "No rows." in page
    assert "Saved by</dt><dd>reader" in page
    assert "none since" in client.get("/questions").text
    removed = client.post("/questions/which_hosts/remove")
    assert (removed.status_code, removed.headers["location"]) == (303, "/virus-warehouse/questions")
    assert saved_questions(data).valid == {}
    assert client.post("/questions/which_hosts/remove").status_code == 404


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"title": ""}, 400, "is not a name"),
        ({"key": "host"}, 400, "the answer has no column &#39;host&#39;; it has host_name, records"),
        ({"sql": "SELECT * FROM nowhere"}, 400, "nowhere does not exist"),
        ({"sql": "DROP TABLE virus_genome"}, 400, "Refused: the console runs one query"),
        ({"when": "often"}, 400, "when is &#39;often&#39;; allowed is a cron expression"),
        ({"name": "../../dags/mine"}, 400, "is not a name"),
        ({"sql": "x" * 200_000}, 413, "The query is too long."),
    ],
)
def test_a_mistake_is_shown_and_nothing_is_saved(client, data, publish, changes, status, message):
    publish()
    answer = client.post("/questions", data=FORM | changes)
    assert answer.status_code == status
    assert message in answer.text
    assert list(data.questions.iterdir()) == []


def test_another_site_cannot_save_or_remove(client, data, publish):
    publish()
    save_question(data, Question("mine", "Mine?", "SELECT 1"))
    strange = {"sec-fetch-site": "cross-site"}
    assert client.post("/questions", data=FORM, headers=strange).status_code == 403
    assert client.post("/questions/mine/remove", headers=strange).status_code == 403
    assert list(saved_questions(data).valid) == ["mine"]


def test_a_broken_file_and_a_failing_query_are_shown(client, data, publish):
    (data.questions / "broken.sql").write_text("SELECT 1")
    save_question(data, Question("failing", "Failing?", "SELECT nothing FROM virus_genome"))
    publish()
    listed = client.get("/questions").text
    assert "its header has no title" in listed
    assert "not answered" in listed
    assert "Its file is invalid" in client.get("/questions/broken").text
    page = client.get("/questions/failing").text
    assert "It could not be answered" in page
    assert "nothing" in page


@pytest.mark.slow
def test_the_console_links_to_the_form(client, publish):
    publish()
    answer = client.post("/console", data={"sql": "SELECT 1 AS one", "form": "table"})
    assert '/questions/new?sql=SELECT%201%20AS%20one">Save as a question' in answer.text
