"""Answers to the findings that hold a source back: publish it despite them, or keep its last published state.

Answers about stopped loads are recorded here, too: `stopped_load.py`.

An answer counts for the finding that it was given to, word for word, and only until the source is published: a finding
with other figures, or one that comes again later, needs another answer.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse.connection import Warehouse

PUBLISH, LOAD, KEEP = "publish", "load", "keep"
"""The answers: to publish a source that is held back, to load a stopped package, and to leave both as they are."""

NOBODY = "nobody in time"
"""Who answered, where an answer was not given in time."""


@dataclass(frozen=True)
class Answer:
    """The answer to a finding.

    Attributes:
        answer: `publish` or `keep`.
        by: who gave it.
        at: when.
    """

    answer: str
    by: str
    at: datetime


def answers_given(candidate: DuckDBPyConnection, held_back: Collection[str] | None) -> dict[str, Answer]:
    """The answers that count for a candidate, by finding: to sources that are still held back.

    Args:
        candidate: an open candidate.
        held_back: the sources that the published snapshot holds back; None where nothing has been published.
    """
    variables = {"held_back": None if held_back is None else [*held_back]}
    rows = run_sql(candidate, "publish/sql/answers.sql", variables).fetchall()
    return {finding: Answer(answer, by, at) for finding, answer, by, at in rows}


def record_answer(warehouse: Warehouse, source: str, findings: Iterable[tuple[str, str]], answer: str, by: str) -> None:
    """Record an answer in the warehouse; the next publication applies it.

    Args:
        warehouse: the warehouse.
        source: the source.
        findings: gate and text of the findings that were shown; at least one.
        answer: `publish`, `load` or `keep`.
        by: who answers.

    Raises:
        WarehouseLocked: when the warehouse stays in use for too long.
    """
    gates, texts = map(list, zip(*findings, strict=True))
    with warehouse.session() as session, warehouse.transaction(session):
        session.execute(
            "INSERT INTO warehouse.ops.approval BY NAME "
            "SELECT ? AS source, unnest(?::VARCHAR[]) AS gate, unnest(?::VARCHAR[]) AS finding, "
            "? AS answer, ? AS answered_by, ?::TIMESTAMPTZ AS answered_at",
            [source, gates, texts, answer, by, datetime.now(UTC)],
        )
