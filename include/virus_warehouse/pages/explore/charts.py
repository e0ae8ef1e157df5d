"""Vega-Lite charts of the plots. Their colours are CSS variables of the page, for light and dark mode.

Legends are in the page, not in the chart, so that long names wrap and screen readers find them.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from virus_warehouse.pages.explore.drawing import Drawer
from virus_warehouse.pages.explore.headlines import NOT_STATED, REST
from virus_warehouse.pages.explore.plots import FEW_RECORDS, Answer, Plot

NARROWEST, WIDEST = 280, 1600
"""Width of a chart, in CSS pixels."""

_HEIGHT = 300
_ROW_HEIGHT = 26
_BAR_PIXELS = 4
_LETTER_PIXELS, _VEGA_PIXELS = 7.6, 6.6
_BARS_OF_WEEKS = (1, 4, 13, 52)
_A_WEEK = 7 * 86_400_000
_A_MONDAY = 4 * 86_400_000  # in milliseconds since 1970, as Vega counts time
_PIXELS_PER_NUMBER = 34
_MIN_WIDTH_FOR_SHARES = 440
_PALE = 0.4
_BAND_COLOUR = "color-mix(in srgb, var(--series-1) 28%, transparent)"
_COLOURS = [f"var(--series-{place})" for place in range(1, 6)]
_REST_COLOUR = "var(--series-6)"
_FONT = "Inter, system-ui, sans-serif"
_CONFIG = {
    "background": None,
    "font": _FONT,
    "view": {"stroke": None},
    "axis": {
        "aria": False,
        "labelColor": "var(--quiet)",
        "gridColor": "var(--line)",
        "domainColor": "var(--control-line)",
        "tickColor": "var(--control-line)",
        "labelFontSize": 13,
        "labelPadding": 6,
        "title": None,
    },
    "title": {
        "color": "var(--quiet)",
        "fontSize": 13,
        "fontWeight": "normal",
        "anchor": "start",
        "frame": "bounds",
        "offset": 14,
    },
}

_DESCRIBED = re.compile(r"""<path((?: [\w-]+="[^"]*")* aria-label="[^"]*"(?: [\w-]+="[^"]*")*)/>""")
_DRAWER = Drawer()


@dataclass(frozen=True)
class Series:
    """An entry of a chart's legend: name and CSS colour."""

    name: str
    colour: str


def svg(plot: Plot, answer: Answer, width: int) -> str:
    """The chart of a plot.

    Args:
        plot: the plot.
        answer: the rows of its query, at least one.
        width: of the whole chart, in CSS pixels.

    Returns:
        An `<svg>` element for the page. Descriptions of marks become tooltips.

    Raises:
        NotDrawn: when it takes too long.
    """
    width = min(max(width, NARROWEST), WIDEST)
    values = [{name: _plain(value) for name, value in row.items()} for row in answer.records]
    drawing = {"stacked": _stacked, "shares": _shares, "band": _band, "ranked": _ranked}[plot.chart]
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": values, "format": {"parse": {plot.over: "date"} if plot.chart != "ranked" else {}}},
        "width": width,
        "height": _HEIGHT,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 2, "right": 8, "top": 2, "bottom": 2},
        "config": _CONFIG,
        **drawing(plot, answer, width),
    }
    return _with_tooltips(_DRAWER.svg(spec))


def legend(plot: Plot, answer: Answer) -> list[Series]:
    """The legend of a plot's chart, in stacking order; empty for a single colour."""
    if plot.chart == "band":
        return [
            Series("median", "var(--series-1)"),
            Series("middle 50%", _BAND_COLOUR),
        ]
    if plot.series is None:
        return []
    names = _series(plot, answer)
    colours = [_REST_COLOUR if name == REST else colour for name, colour in zip(names, [*_COLOURS, ""], strict=False)]
    return [Series(name, colour) for name, colour in zip(names, colours, strict=True)]


def _stacked(plot: Plot, answer: Answer, width: int) -> dict[str, Any]:
    first, last = _first_and_last(plot, answer)
    weeks = _weeks_of_a_bar((last - first).days // 7 + 1, width)
    bar = weeks * _A_WEEK
    week = _utc("datum.start", "%-d %b %Y")
    period = f"'week of ' + {week}" if weeks == 1 else f"'{weeks} weeks from ' + {week}"
    return {
        "title": plot.amount_title + (" per week" if weeks == 1 else f" per {weeks} weeks"),
        "transform": [
            {"calculate": f"floor((+datum.{plot.over} - {_A_MONDAY}) / {bar}) * {bar} + {_A_MONDAY}", "as": "start"},
            {"aggregate": [{"op": "sum", "field": plot.amount, "as": "amount"}], "groupby": [plot.series, "start"]},
            {"calculate": f"datum.start + {bar}", "as": "end"},
            _place(plot, answer),
            {"calculate": f"datum.{plot.series} + ', ' + {period} + ': ' + format(datum.amount, ',')", "as": "label"},
        ],
        "mark": {"type": "bar", "orient": "vertical", "stroke": "var(--raised)", "strokeWidth": 0.75},
        "encoding": {
            "x": {
                "field": "start",
                "type": "temporal",
                "scale": {"type": "utc"},
                "axis": _time_axis(first, last + timedelta(weeks=weeks), width),
            },
            "x2": {"field": "end"},
            "y": {"field": "amount", "type": "quantitative", "stack": "zero", "axis": _amount_axis()},
            **_coloured(plot, answer),
        },
    }


def _shares(plot: Plot, answer: Answer, width: int) -> dict[str, Any]:
    first, last = _first_and_last(plot, answer)
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    numbers = months * _PIXELS_PER_NUMBER <= width - 60
    bars = {
        "mark": {"type": "bar", "stroke": "var(--raised)", "strokeWidth": 0.75},
        "encoding": {
            "y": {
                "field": plot.amount,
                "type": "quantitative",
                "stack": "zero",
                "scale": {"domain": [0, 100]},
                "axis": {**_amount_axis(), "values": [0, 25, 50, 75, 100]},
            },
            "opacity": {"condition": {"test": f"datum.records_of_month < {FEW_RECORDS}", "value": _PALE}, "value": 1},
            **_coloured(plot, answer),
        },
    }
    above = {
        "transform": [{"aggregate": [{"op": "max", "field": "records_of_month"}], "groupby": [plot.over]}],
        "mark": {"type": "text", "dy": -9, "fontSize": 12, "color": "var(--quiet)", "aria": False},
        "encoding": {
            "y": {"datum": 100},
            "text": {"field": "max_records_of_month", "type": "quantitative", "format": ","},
        },
    }
    return {
        "title": plot.amount_title + (" (their number above)" if numbers else ""),
        "transform": [
            _place(plot, answer),
            {
                "calculate": f"datum.{plot.series} + ', ' + {_utc(f'datum.{plot.over}', '%B %Y')} + ': '"
                f" + datum.{plot.amount} + '%, ' + format(datum.records, ',') + ' of '"
                " + format(datum.records_of_month, ',')",
                "as": "label",
            },
        ],
        "encoding": {"x": _months(plot, first, last, width)},
        "layer": [bars, above] if numbers else [bars],
    }


def _band(plot: Plot, answer: Answer, width: int) -> dict[str, Any]:
    first, last = _first_and_last(plot, answer)
    label = (
        f"{_utc(f'datum.{plot.over}', '%B %Y')} + ': median ' + datum.{plot.amount} + ' days, middle 50% from '"
        " + datum.quarter_within_days + ' to ' + datum.three_quarters_within_days + ' days ('"
        " + format(datum.records, ',') + ' records)'"
    )
    half = {"field": plot.amount, "type": "quantitative"}
    return {
        "title": plot.amount_title,
        "transform": [{"calculate": label, "as": "label"}],
        "encoding": {"x": _months(plot, first, last, width)},
        "layer": [
            {
                "mark": {"type": "area", "color": _BAND_COLOUR, "aria": False},
                "encoding": {
                    "y": {"field": "quarter_within_days", "type": "quantitative", "axis": _amount_axis()},
                    "y2": {"field": "three_quarters_within_days"},
                },
            },
            {
                "mark": {"type": "line", "color": "var(--series-1)", "strokeWidth": 2.5, "aria": False},
                "encoding": {"y": half},
            },
            {
                "mark": {"type": "circle", "color": "var(--series-1)", "size": 60, "opacity": 1},
                "encoding": {"y": half, "description": {"field": "label"}},
            },
        ],
    }


def _ranked(plot: Plot, answer: Answer, width: int) -> dict[str, Any]:
    records = answer.records
    # Vega only knows the width of its own letters; the browser's may be wider.
    longest, room = max(len(row[plot.over]) for row in records) * _LETTER_PIXELS, width * 0.42
    names, limit = (longest, longest) if longest <= room else (room, room * _VEGA_PIXELS / _LETTER_PIXELS)
    most = max(row[plot.amount] for row in records)
    has_shares = width >= _MIN_WIDTH_FOR_SHARES
    number = f"format(datum.{plot.amount}, ',')" + (" + ' (' + datum.percent + '%)'" if has_shares else "")
    number_pixels = (len(f"{most:,}") + 9 * has_shares) * _LETTER_PIXELS + 8
    bars_pixels = width - names - 20
    amount = {
        "field": plot.amount,
        "type": "quantitative",
        # Leave room for the numbers behind the bars, also behind the longest one.
        "scale": {"domain": [0, most * bars_pixels / (bars_pixels - number_pixels)]},
        "axis": None,
    }
    colour = {
        "condition": {"test": f"datum.{plot.over} == '{NOT_STATED}'", "value": _REST_COLOUR},
        "value": "var(--series-1)",
    }
    return {
        "title": None,
        "height": _ROW_HEIGHT * len(answer.rows) + 4,
        "transform": [
            {"calculate": number, "as": "number"},
            {"calculate": f"datum.{plot.over} + ': ' + datum.number", "as": "label"},
        ],
        "encoding": {
            "y": {
                "field": plot.over,
                "type": "nominal",
                "sort": None,
                "axis": {
                    "labelLimit": round(limit),
                    "minExtent": round(names),
                    "labelColor": "var(--text)",
                    "ticks": False,
                    "domain": False,
                },
            },
        },
        "layer": [
            {
                "mark": {"type": "bar", "height": {"band": 0.68}},
                "encoding": {"x": amount, "color": colour, "description": {"field": "label"}},
            },
            {
                "mark": {
                    "type": "text",
                    "align": "left",
                    "dx": 6,
                    "fontSize": 13,
                    "color": "var(--quiet)",
                    "aria": False,
                },
                "encoding": {"x": amount, "text": {"field": "number"}},
            },
        ],
    }


def _months(plot: Plot, first: date, last: date, width: int) -> dict[str, Any]:
    return {
        "field": plot.over,
        "type": "temporal",
        "timeUnit": {"unit": "yearmonth", "utc": True},
        "scale": {"type": "utc"},
        "bandPosition": 0.5 if plot.chart == "band" else None,
        "axis": _time_axis(first, last + timedelta(days=31), width),
    }


def _time_axis(first: date, last: date, width: int) -> dict[str, Any]:
    """Ticks where months or years begin; the year once, below its first tick."""
    days = (last - first).days
    room = max(width // 56, 2)
    if days <= 70:
        step, unit, label = 7, "day", _utc("datum.value", "%-d %b")
    elif days / 30 <= 12 * room:
        step, unit = _step(days / 30, room, (1, 2, 3, 6, 12)), "month"
        year = _utc("datum.value", "%Y")
        begins = f"utcmonth(datum.value) < {step} || datum.index == 0"
        label = f"[{_utc('datum.value', '%b')}, {begins} ? {year} : '']"
    else:
        step, unit, label = _step(days / 365, room, (1, 2, 5, 10, 20, 50)), "year", _utc("datum.value", "%Y")
    return {
        "grid": False,
        "tickCount": {"interval": unit, "step": step},
        "labelExpr": label,
        "labelAlign": "center",
        "labelOverlap": "greedy",
    }


def _step(many: float, room: int, steps: tuple[int, ...]) -> int:
    return next((step for step in steps if many / step <= room), steps[-1])


def _amount_axis() -> dict[str, Any]:
    return {"tickCount": 5, "tickMinStep": 1, "format": ",d", "domain": False, "ticks": False}


def _coloured(plot: Plot, answer: Answer) -> dict[str, Any]:
    entries = legend(plot, answer)
    scale = {"domain": [entry.name for entry in entries], "range": [entry.colour for entry in entries]}
    return {
        "color": {"field": plot.series, "type": "nominal", "scale": scale, "legend": None},
        "order": {"field": "place", "type": "quantitative"},
        "description": {"field": "label"},
    }


def _place(plot: Plot, answer: Answer) -> dict[str, str]:
    """The position of a row's series in the stack, the largest at the bottom."""
    return {"calculate": f"indexof({json.dumps(_series(plot, answer))}, datum.{plot.series})", "as": "place"}


def _series(plot: Plot, answer: Answer) -> list[str]:
    """The names of the series, the largest first and the rest last."""
    sums: dict[str, float] = {}
    for row in answer.records:
        sums[row[str(plot.series)]] = sums.get(row[str(plot.series)], 0) + row["records"]
    return sorted(sums, key=lambda name: (name == REST, -sums[name], name))


def _weeks_of_a_bar(weeks: int, width: int) -> int:
    return next((bar for bar in _BARS_OF_WEEKS if weeks / bar * _BAR_PIXELS <= width), _BARS_OF_WEEKS[-1])


def _first_and_last(plot: Plot, answer: Answer) -> tuple[date, date]:
    days: Iterable[date] = [row[plot.over] for row in answer.records]
    return min(days), max(days)


def _utc(value: str, form: str) -> str:
    return f"utcFormat({value}, '{form}')"


def _with_tooltips(text: str) -> str:
    """Move descriptions of marks into tooltips: browsers show titles without scripts."""
    return _DESCRIBED.sub(_titled, text)


def _titled(mark: re.Match[str]) -> str:
    description = re.search(r' aria-label="([^"]*)"', mark[0])
    attributes = re.sub(r' (?:aria-label|role|aria-roledescription)="[^"]*"', "", mark[1])
    return f"<path{attributes}><title>{description[1] if description else ''}</title></path>"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
