"""A message to people: one for each channel at a time, however much there is to say."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from virus_warehouse.alerts.journal import Alert
from virus_warehouse.questions.changes import Rows

MOST_SECTIONS = 30
"""Of a message; more are counted. A broken network is one message, and not one for each of five hundred sources."""

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
    """

    subject: str
    sections: tuple[Section, ...]
    link: str = ""

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
            .render(
                sections=self.sections[:MOST_SECTIONS],
                omitted=max(0, len(self.sections) - MOST_SECTIONS),
                link=self.link,
            )
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


def subject_of(sections: list[Section]) -> str:
    """The subject of a message with these sections."""
    more = len(sections) - 1
    return f"Virus warehouse: {sections[0].heading}{f', and {more} more' if more else ''}"


def _name(alert: Alert) -> str:
    return f"{alert.source}: {alert.kind}" if alert.source else str(alert.kind)
