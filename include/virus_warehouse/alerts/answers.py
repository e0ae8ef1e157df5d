"""Which changes in the answers to saved questions a channel has yet to be informed of."""

from datetime import UTC, datetime

from croniter import croniter
from duckdb import DuckDBPyConnection

from virus_warehouse.alerts.journal import Journal, Sent
from virus_warehouse.alerts.message import Section
from virus_warehouse.questions.changes import Asked, Rows, net_changes

MOST_ROWS = 20
"""Of a table in a message; the page has all."""


def due_answers(
    connection: DuckDBPyConnection, asked: list[Asked], journal: Journal, channel: str, now: datetime
) -> tuple[list[Section], dict[str, Sent]]:
    """What a channel is to be informed of now.

    Args:
        connection: to the snapshot.
        asked: its questions.
        journal: what has been sent.
        channel: name of the channel.
        now: the present.

    Returns:
        A section for each question whose answer has changed; and what the channel will have been informed of when they
        are sent, by question.
    """
    sections, sent = [], {}
    for question in asked:
        if channel not in question.inform or question.began_at is None:
            continue
        before = journal.answers.get(question.name, {}).get(channel)
        since = max(before.until, question.began_at) if before else question.began_at
        if not _is_due(question, before.looked_at if before else question.began_at, now):
            continue
        changes = net_changes(connection, question.name, since, MOST_ROWS)
        if changes:
            sections.append(_section(question, changes))
        until = max(since, question.changed_at or since)
        sent[question.name] = Sent(until=until, looked_at=now if question.when else until)
    return sections, sent


def _is_due(question: Asked, looked_at: datetime, now: datetime) -> bool:
    if question.when is None:
        return True
    due: datetime = croniter(question.when, looked_at.astimezone(UTC)).get_next(datetime)
    return due <= now


def _section(question: Asked, changes: dict[str, Rows]) -> Section:
    counts = ", ".join(f"{len(rows.rows) + rows.more} {kind}" for kind, rows in changes.items())
    return Section(question.title, f"{counts}.", tuple((kind.capitalize(), rows) for kind, rows in changes.items()))
