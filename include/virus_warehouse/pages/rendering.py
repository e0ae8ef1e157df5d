"""Templates and their filters."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from virus_warehouse.pages import wording

NAVIGATION = (
    ("", "Overview"),
    ("runs", "Runs"),
    ("explore", "Explore"),
    ("console", "Console"),
    ("questions", "Questions"),
)
"""Path and name of each page in the navigation, left to right."""


def render(request: Request, template: str, *, status_code: int = 200, **context: Any) -> HTMLResponse:
    """Render a page.

    Args:
        request: the request.
        template: path of a template below `pages/`; it extends `base.html`.
        status_code: HTTP status.
        context: the template's variables.
    """
    base = str(request.scope.get("root_path", ""))
    page = {"base": base, "airflow": base.removesuffix("/virus-warehouse"), "navigation": NAVIGATION}
    return TEMPLATES.TemplateResponse(request, template, {**page, **context}, status_code=status_code)


def number(value: int | None) -> str:
    """A count with thin spaces between thousands; a dash when there is none."""
    return "–" if value is None else wording.number(value)  # noqa: RUF001


def reason(error: str) -> str:
    """An error message without the exception class before it."""
    kind, separator, message = error.partition(": ")
    return message if separator and kind.isidentifier() else error


def ticked(text: str) -> Markup:
    """Text with `code` marked as in Markdown."""
    escaped = str(escape(text))
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", escaped))  # noqa: S704  # nosec B704


def moment(value: datetime | None) -> str:
    """A time to the second, in UTC."""
    return "–" if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"  # noqa: RUF001


def age(value: datetime | None) -> str:
    """How long ago, or how far ahead, in the largest unit that fits."""
    if value is None:
        return "never"
    passed = datetime.now(UTC) - value
    length = duration(abs(passed))
    return f"in {length}" if passed < timedelta(seconds=-1) else f"{length} ago"


def duration(value: timedelta | float) -> str:
    """A duration; numbers are seconds."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    for unit, length, limit in (("s", 1, 120), ("min", 60, 7200), ("hours", 3600, 172800)):
        if seconds < limit:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"


def size(value: float | None) -> str:
    """A number of bytes, in the largest unit that fits."""
    if value is None:
        return "–"  # noqa: RUF001
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def day(value: date | None) -> str:
    """A day in ISO 8601."""
    return "–" if value is None else value.isoformat()  # noqa: RUF001


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "counted": wording.counted,
        "reason": reason,
        "ticked": ticked,
        "moment": moment,
        "age": age,
        "duration": duration,
        "size": size,
        "day": day,
        "path_part": lambda text: quote(str(text), safe=""),
    }
    return environment


TEMPLATES = Jinja2Templates(env=_environment())
