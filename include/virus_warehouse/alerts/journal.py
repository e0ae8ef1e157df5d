"""Which alerts are open, and who has been informed: `alerts/journal.json` in the data folder.

A file, and not a table: people are also informed when the warehouse cannot be opened.
"""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ValidationError

from virus_warehouse.across_hosts import one_host_at_a_time
from virus_warehouse.alarm import AlarmKind
from virus_warehouse.alert_settings import AlertSettings
from virus_warehouse.alerts.present import Key, Present, is_over
from virus_warehouse.atomic_file import write_json
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.failure import PermanentFailure


class JournalDamaged(PermanentFailure):
    """The file cannot be read; says where, and the way out."""


class Alert(BaseModel):
    """An alert.

    Attributes:
        source: name of its source; None for what concerns no single source.
        kind: of its alarm.
        text: of its alarm, when it began.
        began_at: when it began.
        ended_at: when it ended; None while it has not.
        begin_unsent_to: channels that have yet to be informed that it has begun.
        end_unsent_to: channels that have to be informed when it has ended.
    """

    source: str | None
    kind: AlarmKind
    text: str
    began_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    begin_unsent_to: list[str] = []
    end_unsent_to: list[str] = []

    @property
    def key(self) -> Key:
        """Its source and kind."""
        return self.source, self.kind

    def is_due(self, channel: str) -> bool:
        """Whether a channel is to be informed of it now."""
        return channel in self.begin_unsent_to or (self.ended_at is not None and channel in self.end_unsent_to)

    def mark_sent(self, channel: str) -> None:
        """Record that a channel has been informed of its present state."""
        self.begin_unsent_to = [name for name in self.begin_unsent_to if name != channel]
        if self.ended_at is not None:
            self.end_unsent_to = [name for name in self.end_unsent_to if name != channel]

    def forget_channels(self, known: set[str]) -> None:
        """Forget all channels but these."""
        self.begin_unsent_to = [name for name in self.begin_unsent_to if name in known]
        self.end_unsent_to = [name for name in self.end_unsent_to if name in known]

    @property
    def is_settled(self) -> bool:
        """Whether it is over, and everybody has been informed."""
        return self.ended_at is not None and not self.begin_unsent_to and not self.end_unsent_to


class Sent(BaseModel):
    """What a channel has been informed of.

    Attributes:
        until: the time of the last change of an answer.
        looked_at: when there was last something to send, or would have been.
    """

    until: AwareDatetime
    looked_at: AwareDatetime


class Journal(BaseModel):
    """What is open, and what has been sent.

    Attributes:
        alerts: the alerts that are open, or that somebody has yet to be informed of.
        answers: the changes of answers that have been sent, by question and channel.
    """

    alerts: list[Alert] = []
    answers: dict[str, dict[str, Sent]] = {}

    @property
    def open(self) -> dict[Key, Alert]:
        """The alerts that have not ended."""
        return {alert.key: alert for alert in self.alerts if alert.ended_at is None}

    def mark_answers(self, channel: str, sent: Mapping[str, Sent]) -> bool:
        """Record which changes of answers a channel has been informed of.

        Args:
            channel: name of the channel.
            sent: by question.

        Returns:
            Whether anything is new.
        """
        news = {question: one for question, one in sent.items() if self.answers.get(question, {}).get(channel) != one}
        for question, one in news.items():
            self.answers.setdefault(question, {})[channel] = one
        return bool(news)

    def begin(self, key: Key, text: str, settings: AlertSettings, now: AwareDatetime) -> None:
        """Add an alert, unless it is open already.

        Args:
            key: its source and kind.
            text: of its alarm.
            settings: say who is informed.
            now: the present.
        """
        if key not in self.open:
            source, kind = key
            informed = settings.channels_for(kind, source)
            self.alerts.append(
                Alert(
                    source=source, kind=kind, text=text, began_at=now, begin_unsent_to=informed, end_unsent_to=informed
                )
            )

    def follow(self, present: Present, settings: AlertSettings, now: AwareDatetime) -> None:
        """Begin the alerts of new alarms, and end those whose alarms have ended.

        Args:
            present: what is so now.
            settings: say who is informed.
            now: the present.
        """
        for key, text in present.alarms.items():
            if key not in present.too_young:
                self.begin(key, text, settings, now)
        for key, alert in self.open.items():
            if is_over(key, alert.began_at, present):
                alert.ended_at = now
        for alert in self.alerts:
            alert.forget_channels(set(settings.channels))
        self.alerts = [alert for alert in self.alerts if not alert.is_settled]


def read_journal(data: DataFolder) -> Journal:
    """The journal as it is now; empty without a file.

    Raises:
        JournalDamaged: when it cannot be read.
    """
    path = _path(data)
    try:
        return Journal.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Journal()
    except ValidationError as error:
        raise JournalDamaged(
            f"{path} cannot be read: {error.errors()[0]['msg']}. Delete it: what is open is then sent once more."
        ) from error


def write_journal(data: DataFolder, journal: Journal) -> None:
    """Write the journal, whole or not at all."""
    write_json(_path(data), journal.model_dump(mode="json"))


@contextmanager
def one_sender_at_a_time(data: DataFolder) -> Iterator[None]:
    """Wait for another process that informs people, on whatever host, so that nobody is informed twice."""
    with (data.alerts / ".lock").open("w") as lock, one_host_at_a_time(data, "alerts"):
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _path(data: DataFolder) -> Path:
    return data.alerts / "journal.json"
