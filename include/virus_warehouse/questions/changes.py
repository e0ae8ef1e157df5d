"""What has changed in the answers to the saved questions, from the published snapshot."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import run_sql

CHANGES = ("new", "changed", "gone")
"""The kinds of changes, in the order in which they are shown."""


@dataclass(frozen=True)
class Asked:
    """A question as it was last asked.

    Attributes:
        name: of the question.
        title: what it asks.
        inform: the channels that are informed of changes.
        when: cron expression, in UTC, of when they are; None: soon after each publication.
        asked_at: when it was asked.
        began_at: when it was first answered; None while it has not been.
        error: why it could not be answered; None if it was.
        rows: of its answer.
        changed_at: when its answer last changed; None if it never did.
    """

    name: str
    title: str
    inform: tuple[str, ...]
    when: str | None
    asked_at: datetime
    began_at: datetime | None
    error: str | None
    rows: int
    changed_at: datetime | None


@dataclass(frozen=True)
class Rows:
    """Rows of an answer, or of its changes.

    Attributes:
        columns: names of the columns.
        rows: texts of the cells; None is NULL. A cell that changed has both texts, with an arrow in between.
        more: the number of further rows.
    """

    columns: list[str]
    rows: list[list[str | None]]
    more: int = 0


def asked_questions(connection: DuckDBPyConnection) -> list[Asked]:
    """The questions of a snapshot, in the order of their names; none in those of earlier versions.

    Args:
        connection: to the snapshot.
    """
    try:
        rows = run_sql(connection, "questions/asked.sql").fetchall()
    except duckdb.CatalogException:
        return []
    return [Asked(name, title, tuple(inform), *others) for name, title, inform, *others in rows]


def net_changes(connection: DuckDBPyConnection, question: str, since: datetime, most_rows: int) -> dict[str, Rows]:
    """What has changed in an answer after a time, by the kind of change; kinds without rows are left out.

    Args:
        connection: to the snapshot.
        question: name of the question.
        since: the time.
        most_rows: of each kind; more are counted.
    """
    variables = {"question": question, "since": since, "most_rows": most_rows}
    found = run_sql(connection, "questions/net_changes.sql", variables).fetchall()
    by_kind = {kind: [row for change, *row in found if change == kind] for kind in CHANGES}
    return {
        kind: _rows([(answer, before) for _, answer, before in rows], rows[0][0])
        for kind, rows in by_kind.items()
        if rows
    }


def answer_rows(connection: DuckDBPyConnection, question: str, most_rows: int) -> Rows:
    """The answer to a question.

    Args:
        connection: to the snapshot.
        question: name of the question.
        most_rows: more are counted.
    """
    found = connection.execute(
        "SELECT answer::VARCHAR, count(*) OVER () FROM mart.saved_question_answer WHERE question = ? "
        "ORDER BY key LIMIT ?",
        [question, most_rows],
    ).fetchall()
    return _rows([(answer, None) for answer, _ in found], found[0][1] if found else 0)


def _rows(pairs: Sequence[tuple[str | None, str | None]], count: int) -> Rows:
    """The first rows of so many, from the JSON of each row and of the row before."""
    shown = [(json.loads(answer) if answer else {}, json.loads(before) if before else {}) for answer, before in pairs]
    columns = list(dict.fromkeys(name for pair in shown for row in pair for name in row))
    return Rows(columns, [[_cell(name, *pair) for name in columns] for pair in shown], count - len(shown))


def _cell(name: str, answer: Mapping[str, object], before: Mapping[str, object]) -> str | None:
    if not answer or not before or answer.get(name) == before.get(name):
        return _text((answer or before).get(name))
    return f"{_text(before.get(name)) or 'NULL'} → {_text(answer.get(name)) or 'NULL'}"


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
