"""Who is informed of what, and how: `alerts:` in the sources file."""

from datetime import timedelta
from typing import Self

from pydantic import BaseModel, ByteSize, ConfigDict, Field, model_validator

from virus_warehouse.alarm import AlarmKind

ENOUGH_FREE = ByteSize(2 * 10**9)
"""Free space below which people are informed, where nothing else is set."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Mail(_Settings):
    """Mail to people.

    Attributes:
        to: their addresses.
        connection: id of Airflow's SMTP connection.
    """

    to: tuple[str, ...] = Field(min_length=1)
    connection: str = "smtp_default"


class Slack(_Settings):
    """A channel of Slack.

    Attributes:
        connection: id of Airflow's connection with the channel's incoming webhook.
    """

    connection: str = "slack_default"


class Apprise(_Settings):
    """Any service that Apprise knows: Teams, Telegram, PagerDuty, a webhook and a hundred others.

    Attributes:
        connection: id of Airflow's Apprise connection, which has the services' addresses.
        tag: the services of that connection to use.
    """

    connection: str = "apprise_default"
    tag: str = "all"


class Channel(_Settings):
    """A way to reach people: one of the three."""

    mail: Mail | None = None
    slack: Slack | None = None
    apprise: Apprise | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) != 1 or None in (getattr(self, name) for name in self.model_fields_set):
            raise ValueError(
                "a channel is one of mail: {to: [someone@example.org]}, slack: {connection: ID} or "
                "apprise: {connection: ID}"
            )
        return self


class Rule(_Settings):
    """Which alarms go to which channels.

    Attributes:
        to: names of channels.
        kinds: kinds of alarms; all by default.
        sources: names of sources; by default all, and what concerns no single source.
    """

    to: tuple[str, ...] = Field(min_length=1)
    kinds: tuple[AlarmKind, ...] = ()
    sources: tuple[str, ...] = ()


class AlertSettings(_Settings):
    """The settings of the alerts.

    Attributes:
        channels: the channels, by name.
        rules: what goes to which channel; everything to every channel by default.
        failed_after_minutes: how long a failure must last before people are informed: retries often mend it.
        late_after_hours: how long a run of a source may take, from its queueing, before people are informed.
        disk_free: free space below which people are informed, such as 5GB.
    """

    channels: dict[str, Channel] = Field(min_length=1)
    rules: tuple[Rule, ...] = ()
    failed_after_minutes: float = Field(default=30, ge=0)
    late_after_hours: float = Field(default=6, gt=0)
    disk_free: ByteSize = ENOUGH_FREE

    @model_validator(mode="after")
    def _channels_exist(self) -> Self:
        for name in (name for rule in self.rules for name in rule.to):
            if name not in self.channels:
                raise ValueError(f"no channel is named {name!r}; channels has {', '.join(sorted(self.channels))}")
        return self

    @property
    def failed_after(self) -> timedelta:
        """How long a failure must last before people are informed."""
        return timedelta(minutes=self.failed_after_minutes)

    @property
    def late_after(self) -> timedelta:
        """How long a run may take before people are informed."""
        return timedelta(hours=self.late_after_hours)

    @property
    def named_sources(self) -> set[str]:
        """The sources that the rules name."""
        return {name for rule in self.rules for name in rule.sources}

    def channels_for(self, kind: AlarmKind, source: str | None) -> list[str]:
        """The channels that are informed of an alarm.

        Args:
            kind: of the alarm.
            source: name of its source; None for alarms of no single source.
        """
        if not self.rules:
            return list(self.channels)
        wanted = {
            name
            for rule in self.rules
            if (not rule.kinds or kind in rule.kinds) and (not rule.sources or source in rule.sources)
            for name in rule.to
        }
        return [name for name in self.channels if name in wanted]
