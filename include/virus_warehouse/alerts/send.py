"""Informing people: what has begun, what is over, and how answers to saved questions have changed."""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.alarm import AlarmKind
from virus_warehouse.alert_settings import AlertSettings, Channel
from virus_warehouse.alerts.answers import due_answers
from virus_warehouse.alerts.journal import Journal, one_sender_at_a_time, read_journal, write_journal
from virus_warehouse.alerts.message import Message, message_of, section_of
from virus_warehouse.alerts.present import Key, present_alarms
from virus_warehouse.data_folder import DataFolder, NoSnapshot
from virus_warehouse.failure import Failure
from virus_warehouse.pages.overview.overview import overview
from virus_warehouse.pages.snapshot import reading
from virus_warehouse.private_files import private_files
from virus_warehouse.questions.changes import Asked, asked_questions
from virus_warehouse.sources import SourcesFile

logger = logging.getLogger(__name__)

Deliver = Callable[[Channel, Message], None]
"""Sends a message through a channel; raises when that fails."""


class AlertNotSent(Failure):
    """A channel could not be reached; the next time it is informed what it has missed."""


@private_files()
def send_alerts(
    data: DataFolder,
    followed: SourcesFile,
    deliver: Deliver,
    *,
    link: str = "",
    now: datetime | None = None,
) -> list[Message]:
    """Compare the alarms with the alerts that are open, and send each channel, in one message, what it does not know.

    A channel is marked as informed right after its message was sent. If the process is killed in between, the message
    is sent once more: people should rather be informed twice than never.

    Args:
        data: the data folder.
        followed: the sources file, which says who is informed of what.
        deliver: sends a message.
        link: address of the overview.
        now: the present; None for the current time.

    Returns:
        The messages that were sent; none where the file has no alerts.

    Raises:
        SourceError: when its alerts are invalid.
        AlertNotSent: when channels could not be reached; the others have been informed.
        JournalDamaged: when the journal cannot be read.
    """
    if followed.alerts_error:
        raise followed.alerts_error
    if followed.alerts is None:
        return []
    now, settings = now or datetime.now(UTC), followed.alerts
    with one_sender_at_a_time(data):
        journal = read_journal(data)
        try:
            content = overview(data, followed, now)
        except duckdb.Error as error:  # then nothing is known to be over, either
            journal.begin((None, AlarmKind.BROKEN), f"The snapshot cannot be read: {error}", settings, now)
        else:
            journal.follow(present_alarms(content, settings.failed_after, now), settings, now)
        write_journal(data, journal)
        return _send(data, journal, settings, deliver, link, now)


@private_files()
def begin_alert(data: DataFolder, settings: AlertSettings, key: Key, text: str) -> None:
    """Begin an alert whose alarm the overview does not know, unless it is open already. `send_alerts` sends it.

    Args:
        data: the data folder.
        settings: who is informed of what.
        key: its source and kind.
        text: of its alarm.

    Raises:
        JournalDamaged: when the journal cannot be read.
    """
    with one_sender_at_a_time(data):
        journal = read_journal(data)
        journal.begin(key, text, settings, datetime.now(UTC))
        write_journal(data, journal)


def _send(
    data: DataFolder, journal: Journal, settings: AlertSettings, deliver: Deliver, link: str, now: datetime
) -> list[Message]:
    sent, problems = [], []
    with ExitStack() as stack:
        asked, connection = _asked(data, stack)
        problems += _unknown_channels(asked, settings)
        for name, channel in settings.channels.items():
            alerts = [alert for alert in journal.alerts if alert.is_due(name)]
            begun_first = [section_of(alert) for alert in sorted(alerts, key=lambda alert: alert.ended_at is not None)]
            changed, answers = due_answers(connection, asked, journal, name, now) if connection else ([], {})
            message = message_of(begun_first, changed, link)
            if message:
                try:
                    deliver(channel, message)
                except Exception as error:
                    logger.exception("the channel %s was not informed: %s", name, message.subject)
                    problems.append(f"{name}: {type(error).__name__}: {error}")
                    continue
                logger.info("informed %s: %s", name, message.subject)
                sent.append(message)
            for alert in alerts:
                alert.mark_sent(name)
            if journal.mark_answers(name, answers) or alerts:
                write_journal(data, journal)
    if problems:
        raise AlertNotSent(
            f"not informed: {'; '.join(problems)}. The next run of ncbi_virus_alerts tries again. Check the channel in "
            f"the sources file, and its connection in Airflow."
        )
    return sent


def _asked(data: DataFolder, stack: ExitStack) -> tuple[list[Asked], DuckDBPyConnection | None]:
    """The saved questions of the snapshot, and a connection to it; none without one that can be read."""
    try:
        connection = stack.enter_context(reading(data))
        return asked_questions(connection), connection
    except (NoSnapshot, duckdb.Error):  # of a snapshot that cannot be read, an alert is sent
        return [], None


def _unknown_channels(asked: list[Asked], settings: AlertSettings) -> list[str]:
    return [
        f"the saved question {question.name} informs {name!r}, which is no channel"
        for question in asked
        for name in question.inform
        if name not in settings.channels
    ]
