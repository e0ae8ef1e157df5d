"""Random histories of saved questions: what a channel is sent adds up to the answer, whatever fails or dies between."""

import json
import random
import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from virus_warehouse.alerts.answers import due_answers
from virus_warehouse.alerts.journal import Journal
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.saved_questions import ask_questions, create_tables
from virus_warehouse.questions.changes import asked_questions
from virus_warehouse.questions.question import Question, save_question, saved_questions
from virus_warehouse.sandbox.runner import QueryFailed
from virus_warehouse.sql_file import sql_text

QUESTION = Question("q", "What?", "SELECT 1", ("k",), ("first", "second"))


class History:
    """Publications of a changing answer, some of which fail or are killed; and what two channels know of it."""

    def __init__(self, folder: Path, template: Path, seed: int) -> None:
        self.template = template
        self.random = random.Random(seed)
        self.data = DataFolder(folder)
        self.data.create()
        save_question(self.data, QUESTION)
        self.truth: dict[int, int] = {}
        self.published: dict[int, int] | None = None
        self.known: dict[str, dict[int, int] | None] = {"first": None, "second": None}
        self.journal = Journal()

    def change(self) -> None:
        for key in self.random.sample(range(6), self.random.randint(0, 4)):
            if self.random.random() < 0.4:
                self.truth.pop(key, None)
            else:
                self.truth[key] = self.random.randint(0, 3)

    def publish(self) -> None:
        candidate = self.data.candidates / "candidate.duckdb"
        shutil.copyfile(self.template, candidate)
        fails = self.random.random() < 0.15
        for _ in range(self.random.choice([1, 1, 1, 2])):  # a retry asks again
            ask_questions(candidate, self.data, saved_questions(self.data), self._fail if fails else self._answer)
        if self.random.random() < 0.2:
            return  # it was killed before the rename, or another one came first
        candidate.replace(self.data.snapshot)
        if not fails:
            if self.published is None:
                self.known = {channel: dict(self.truth) for channel in self.known}
            self.published = dict(self.truth)

    def _answer(self, _question: Question, to: Path) -> None:
        rows = ", ".join(f"({key}, {value})" for key, value in self.truth.items())
        values = f"(VALUES {rows}) AS t (k, v)" if rows else "(SELECT 1 AS k, 1 AS v LIMIT 0)"
        duckdb.sql(f"COPY (FROM {values}) TO {sql_text(to)} (FORMAT parquet)")

    def _fail(self, _question: Question, _to: Path) -> None:
        raise QueryFailed("Stopped", "stopped after 60 seconds")

    def inform(self, channel: str, *, reachable: bool = True) -> None:
        if not self.data.snapshot.exists():
            return
        with duckdb.connect(self.data.snapshot, read_only=True) as connection:
            asked = asked_questions(connection)
            sections, sent = due_answers(connection, asked, self.journal, channel, datetime.now(UTC))
        if sections and not reachable:
            return
        for section in sections:
            known = self.known[channel]
            assert known is not None
            for heading, table in section.tables:
                assert table.columns == ["k", "v"]
                for key, value in table.rows:
                    apply(known, heading, int(key or ""), str(value))
        self.journal.mark_answers(channel, sent)
        self.journal = Journal.model_validate_json(self.journal.model_dump_json())
        if self.published is not None:
            assert self.known[channel] == self.published


def apply(known: dict[int, int], heading: str, key: int, value: str) -> None:
    """Apply a change that was sent; it must fit what is known, so none is missing and none is sent twice."""
    if heading == "New":
        assert key not in known
        known[key] = int(value)
    elif heading == "Gone":
        assert known.pop(key) == int(value)
    else:
        before, after = value.split(" → ")
        assert known[key] == int(before) != int(after)
        known[key] = int(after)


def play(folder: Path, template: Path, seed: int) -> None:
    history = History(folder, template, seed)
    for _ in range(5):
        history.change()
        history.publish()
        for channel in history.known:
            match history.random.randint(0, 2):
                case 0:
                    history.inform(channel)
                case 1:
                    history.inform(channel, reachable=False)
    for channel in history.known:
        history.inform(channel)
        history.inform(channel)


def test_what_is_sent_adds_up_to_the_answer(tmp_path: Path) -> None:
    play_all(tmp_path, 3)


@pytest.mark.long
@pytest.mark.timeout(0)
def test_what_is_sent_adds_up_to_the_answer_in_a_thousand_histories(tmp_path: Path) -> None:
    play_all(tmp_path, 1000)


def play_all(folder: Path, number: int) -> None:
    template = folder / "template.duckdb"
    with duckdb.connect(template) as connection:
        create_tables(connection)
    for seed in range(number):
        try:
            play(folder / "world", template, seed)
        except AssertionError as error:
            raise AssertionError(f"history {seed}: {json.dumps(str(error))}") from error
        shutil.rmtree(folder / "world")
