"""Asking the saved questions: on a candidate, right before it is published."""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.candidate import open_candidate
from virus_warehouse.questions.question import Question, Questions
from virus_warehouse.sandbox.runner import REFUSED, Console, QueryFailed, QueryLimits
from virus_warehouse.shortage import translate_resource_errors
from virus_warehouse.sql_file import run_sql, sql_name, sql_text
from virus_warehouse.wording import counted

logger = logging.getLogger(__name__)

MOST_ROWS = 100_000
"""Of an answer. A question with more is a table of its own, and nobody reads its changes."""

KEPT_DAYS = 400
"""How long changes are kept in the snapshot."""

LIMITS = QueryLimits(seconds=60, file_bytes=100_000_000)

Answer = Callable[[Question, Path], None]
"""Writes the answer to a question to a Parquet file; raises `QueryFailed` when there is none."""


def create_tables(candidate: DuckDBPyConnection) -> None:
    """Create the tables of the saved questions, empty.

    Args:
        candidate: from `open_candidate`.
    """
    run_sql(candidate, "publish/sql/saved_question_tables.sql")


def ask_questions(candidate: Path, data: DataFolder, questions: Questions, answer: Answer | None = None) -> None:
    """Ask the saved questions, and compare the answers with those of the published snapshot.

    What changed is part of the candidate: it is published with it, or never was. A question that cannot be answered
    keeps its last answer, and stops nobody.

    Args:
        candidate: a candidate that is otherwise complete.
        data: the data folder.
        questions: the saved questions.
        answer: how they are answered; in the Console's sandbox by default.

    Raises:
        DiskFull, MemoryTooSmall: when there is too little space or memory.
    """
    for error in questions.errors.values():
        logger.warning("a saved question is invalid, and not asked: %s", error)
    asked_before = _count(data.snapshot)
    if not questions.valid and not asked_before:
        return
    answer = answer or _in_sandbox(data, candidate)
    with tempfile.TemporaryDirectory(dir=data.temporary, prefix="questions-") as folder:
        files, errors = _answers(questions.valid, Path(folder), answer)
        candidate.chmod(0o640)  # a killed try may have made it read-only
        with translate_resource_errors(candidate.parent), open_candidate(candidate) as connection:
            _attach_published(connection, data.snapshot if asked_before is not None else None)
            connection.begin()
            _stage(connection, questions.valid, files, errors)
            run_sql(connection, "publish/sql/saved_questions.sql", {"kept_days": KEPT_DAYS})
            changes = connection.execute(
                "SELECT question, count(*) FROM mart.saved_question_change "
                "WHERE changed_at IN (SELECT asked_at FROM asked) GROUP BY question ORDER BY question"
            ).fetchall()
            connection.commit()
            connection.execute("CHECKPOINT")
    for question, reason in errors.items():
        logger.warning("the saved question %s was not answered: %s", question, reason)
    for question, count in changes:
        logger.info("the answer to %s has %s", question, counted(count, "change"))


def _in_sandbox(data: DataFolder, candidate: Path) -> Answer:
    console = Console(data, LIMITS, snapshot=candidate)

    def answer(question: Question, to: Path) -> None:
        with asyncio.run(console.file(question.sql, "parquet")) as result, to.open("wb") as file:
            shutil.copyfileobj(result, file)

    return answer


def _answers(questions: Mapping[str, Question], folder: Path, answer: Answer) -> tuple[dict[str, Path], dict[str, str]]:
    files, errors = {}, {}
    for name, question in questions.items():
        file = folder / f"{name}.parquet"
        try:
            answer(question, file)
            files[name] = file
        except QueryFailed as failed:
            errors[name] = failed.reason
    return files, errors


def _stage(
    connection: DuckDBPyConnection, questions: Mapping[str, Question], files: Mapping[str, Path], errors: dict[str, str]
) -> None:
    """Create the inputs of `saved_questions.sql`; adds to `errors` the questions whose answers cannot be compared."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE fresh_answer (question VARCHAR, key VARCHAR, answer JSON);"
        "CREATE OR REPLACE TEMP TABLE asked_question (question VARCHAR, title VARCHAR, sql VARCHAR, "
        "key_columns VARCHAR[], inform VARCHAR[], inform_when VARCHAR, fingerprint VARCHAR, error VARCHAR)"
    )
    for name, file in files.items():
        try:
            _stage_answer(connection, questions[name], file)
        except QueryFailed as failed:
            errors[name] = failed.reason
        except duckdb.Error as error:
            errors[name] = str(error)
    for name, one in questions.items():
        row = [name, one.title, one.sql, one.key, one.inform, one.when or None, one.fingerprint, errors.get(name)]
        connection.execute("INSERT INTO asked_question VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def _stage_answer(connection: DuckDBPyConnection, question: Question, file: Path) -> None:
    answered = f"read_parquet({sql_text(file)})"
    columns = [row[0] for row in connection.execute(f"DESCRIBE FROM {answered}").fetchall()]
    if strangers := [name for name in question.key if name not in columns]:
        raise QueryFailed(
            REFUSED, f"its answer has no column {strangers[0]!r}, which its key names; it has {', '.join(columns)}"
        )
    key = ", ".join(f"{sql_name(name)} := {sql_name(name)}" for name in question.key or columns)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE answered AS SELECT DISTINCT to_json(struct_pack({key}))::VARCHAR AS key, "
        f"to_json(answered) AS answer FROM {answered} AS answered LIMIT {MOST_ROWS + 1}"
    )
    rows, keys = connection.execute("SELECT count(*), count(DISTINCT key) FROM answered").fetchall()[0]
    if rows > MOST_ROWS:
        raise QueryFailed(REFUSED, f"its answer has more than {counted(MOST_ROWS, 'row')}; narrow it")
    if keys < rows:
        [(twice,)] = connection.execute(
            "SELECT key FROM answered GROUP BY key HAVING count(*) > 1 ORDER BY key LIMIT 1"
        ).fetchall()
        raise QueryFailed(REFUSED, f"its answer has several rows with the key {twice}; name more columns in its key")
    connection.execute("INSERT INTO fresh_answer SELECT ?, key, answer FROM answered", [question.name])


def _attach_published(connection: DuckDBPyConnection, snapshot: Path | None) -> None:
    """Create temporary views of the published tables, empty ones without a snapshot that has them."""
    if snapshot:
        connection.execute(f"ATTACH {sql_text(snapshot)} AS published (READ_ONLY)")
    for view, table in _PUBLISHED.items():
        source = f"published.mart.{table}" if snapshot else f"(FROM mart.{table} LIMIT 0)"
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS FROM {source}")


_PUBLISHED = {
    "published_question": "saved_question",
    "published_answer": "saved_question_answer",
    "published_change": "saved_question_change",
}


def _count(snapshot: Path) -> int | None:
    """The number of saved questions in a snapshot; None where there is none, or of an earlier version."""
    if not snapshot.exists():
        return None
    with duckdb.connect(snapshot, read_only=True) as connection, suppress(duckdb.CatalogException):
        [(count,)] = connection.execute("SELECT count(*) FROM mart.saved_question").fetchall()
        return int(count)
    return None
