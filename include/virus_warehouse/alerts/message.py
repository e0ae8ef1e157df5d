"""A message to people: one for each channel at a time, however much there is to say."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from virus_warehouse.alerts.journal import Alert
from virus_warehouse.questions.changes import Rows

MOST_ALERTS = 30
"""In a message; more are counted, and the overview has all. Answers to saved questions are never left out: what was
sent is not sent again."""

MOST_CHARACTERS = 600
"""Of an alarm's text in a message; the overview has all of it."""

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True)
class Section:
    """A part of a message.

    Attributes:
        heading: what it is about.
        text: what there is to say.
        tables: rows with their heading.
    """

    heading: str
    text: str
    tables: tuple[tuple[str, Rows], ...] = ()


@dataclass(frozen=True)
class Message:
    """A message.

    Attributes:
        subject: in a line.
        sections: its parts.
        link: address of the page to look at; empty when it is not known.
        omitted: how many alerts it leaves out.
    """

    subject: str
    sections: tuple[Section, ...]
    link: str = ""
    omitted: int = 0

    @property
    def text(self) -> str:
        """The message without its subject, as plain text."""
        return self._render("message.txt")

    @property
    def html(self) -> str:
        """The message without its subject, as HTML."""
        return self._render("message.html")

    def _render(self, template: str) -> str:
        return (
            _TEMPLATES.get_template(template)
            .render(sections=self.sections, omitted=self.omitted, link=self.link)
            .strip()
            + "\n"
        )


def section_of(alert: Alert) -> Section:
    """What a channel is informed of an alert: that it has begun, or that it is over."""
    text = alert.text if len(alert.text) <= MOST_CHARACTERS else f"{alert.text[: MOST_CHARACTERS - 1]}…"
    if alert.ended_at is None:
        return Section(_name(alert), text)
    return Section(
        f"Over: {_name(alert)}",
        f"From {alert.began_at:%Y-%m-%d %H:%M} to {alert.ended_at:%Y-%m-%d %H:%M} UTC. It was: {text}",
    )


def message_of(alerts: Sequence[Section], answers: Sequence[Section], link: str = "") -> Message | None:
    """The message with all that a channel is to be informed of; None when that is nothing.

    Args:
        alerts: the alerts that have begun or ended; the first `MOST_ALERTS` are shown.
        answers: the changed answers to saved questions.
        link: as in `Message`.
    """
    sections = (*alerts[:MOST_ALERTS], *answers)
    if not sections:
        return None
    more = len(alerts) + len(answers) - 1
    subject = f"Virus warehouse: {sections[0].heading}{f', and {more} more' if more else ''}"
    return Message(subject, sections, link, omitted=max(0, len(alerts) - MOST_ALERTS))


def _name(alert: Alert) -> str:
    return f"{alert.source}: {alert.kind}" if alert.source else str(alert.kind)
