"""Plots of the snapshot, filtered by virus, place and period; the filters are in the URL."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from virus_warehouse.data_folder import DataFolder, NoSnapshot
from virus_warehouse.pages.current_data import current_data
from virus_warehouse.pages.explore import charts
from virus_warehouse.pages.explore.drawing import NotDrawn
from virus_warehouse.pages.explore.headlines import headline
from virus_warehouse.pages.explore.plots import (
    PLOTS,
    Answer,
    AskedTooMuch,
    Filters,
    Plot,
    ask,
    choices,
    plot_named,
    plot_sql,
    taxon_name,
    usual_filters,
)
from virus_warehouse.pages.rendering import render

USUAL_WIDTH = 900
"""Width of a chart, in CSS pixels, unless a script has measured it."""

ROWS_SHOWN = 300
YEARS_OFFERED = (1, 2, 5)

router = APIRouter()


@dataclass(frozen=True)
class Asked:
    """The filters in the URL, as text; `since` is None where the URL does not have it."""

    virus: str = ""
    country: str = ""
    since: str | None = None
    until: str = ""


@dataclass(frozen=True)
class Shown:
    """A plot on the page.

    Attributes:
        plot: the plot.
        sql: its query.
        answer: the query's result; None if it was not run, or took too long.
        headline: the main result as a sentence.
        legend: what its colours mean.
        chart: an `<svg>` element.
        trouble: why there is no chart.
    """

    plot: Plot
    sql: str
    answer: Answer | None = None
    headline: str = ""
    legend: Sequence[charts.Series] = ()
    chart: str = ""
    trouble: str = ""


class Unclear(ValueError):
    """An invalid filter in the URL; says which, and the expected format."""


@router.get("/explore")
def show_plots(request: Request, asked: Annotated[Asked, Depends()]) -> HTMLResponse:
    """All plots, without charts: the browser requests each of them separately."""
    return _page(request, asked, PLOTS, width=None)


@router.get("/explore/{name}")
def show_plot(
    request: Request, name: str, asked: Annotated[Asked, Depends()], width: int = USUAL_WIDTH
) -> HTMLResponse:
    """One plot with its chart in the requested width, and its numbers."""
    plot = plot_named(name)
    if plot is None:
        return _trouble(request, f"There is no plot {name}.", 404)
    return _page(request, asked, (plot,), width=width)


def _page(request: Request, asked: Asked, plots: Sequence[Plot], *, width: int | None) -> HTMLResponse:
    data = current_data()
    today = datetime.now(UTC).date()
    try:
        filters = _filters(asked, today)
        offered = choices(data)
        virus = None if filters.virus is None else taxon_name(data, filters.virus) or f"taxon {filters.virus}"
    except Unclear as error:
        return _trouble(request, str(error), 400)
    except AskedTooMuch as error:
        return _trouble(request, str(error), 503)
    except NoSnapshot:
        return render(request, "explore/explore.html", here="explore", plots=[], trouble="")
    shown = [_shown(data, plot, filters, width) for plot in plots]
    return render(
        request,
        "explore/explore.html",
        here="explore",
        trouble="",
        plots=shown,
        filters=filters,
        virus=virus,
        choices=offered,
        query=_query(filters),
        periods=list(_periods(filters, today)),
        width=width,
        rows_shown=ROWS_SHOWN,
        status_code=503 if any(one.trouble for one in shown) else 200,
    )


def _trouble(request: Request, trouble: str, status_code: int) -> HTMLResponse:
    return render(request, "explore/explore.html", here="explore", plots=[], trouble=trouble, status_code=status_code)


def _shown(data: DataFolder, plot: Plot, filters: Filters, width: int | None) -> Shown:
    sql = plot_sql(plot, filters)
    if width is None:
        return Shown(plot, sql)
    try:
        answer = ask(data, sql)
        if not answer.rows:
            return Shown(plot, sql, answer)
        chart = charts.svg(plot, answer, width)
        return Shown(plot, sql, answer, headline(plot, answer), charts.legend(plot, answer), chart)
    except (NotDrawn, AskedTooMuch) as error:
        return Shown(plot, sql, trouble=str(error))


def _filters(asked: Asked, today: date) -> Filters:
    filters = Filters(
        virus=_number("virus", asked.virus),
        country=asked.country.strip() or None,
        since=usual_filters(today).since if asked.since is None else _day("since", asked.since),
        until=_day("until", asked.until),
    )
    if filters.since and filters.until and filters.since > filters.until:
        raise Unclear(f"The period ends on {filters.until}, before it begins on {filters.since}.")
    return filters


def _number(name: str, text: str) -> int | None:
    if text and not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Unclear(f"{name} must be an NCBI Taxonomy ID such as 10244, not {text!r}.")
    return int(text) if text else None


def _day(name: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Unclear(f"{name} must be a day such as 2026-01-31, not {text!r}.") from None


def _query(filters: Filters) -> str:
    """The filters as a URL query: an empty `since` means no bound, a missing one the default."""
    chosen = {"virus": filters.virus, "country": filters.country, "until": filters.until}
    return urlencode({name: value for name, value in chosen.items() if value} | {"since": filters.since or ""})


def _periods(filters: Filters, today: date) -> Iterator[tuple[str, str, bool]]:
    """Preset periods: name, URL query, and whether it is the current one."""
    for years in YEARS_OFFERED:
        since = today - timedelta(days=365 * years)
        period = replace(filters, since=since, until=None)
        yield f"{years} year{'s' * (years > 1)}", _query(period), period == filters
    everything = replace(filters, since=None, until=None)
    yield "all time", _query(everything), everything == filters
