"""Charts as SVG, drawn on the server by Vega-Lite: the browser needs no script, and the colours are the page's own.

The colours are names of CSS variables, which an SVG inside a page obeys: the same chart fits light and dark.
"""

import json
from datetime import date
from typing import Any

import vl_convert

from virus_warehouse.showing.explore import Answer, Plot

VEGA_LITE = "6.1"
WIDTH, HEIGHT, ROW_HEIGHT = 720, 300, 22
"""Of the area inside the axes, in CSS pixels; a ranked chart has a row for each bar."""

REST = "all others"
_COLOURS = [f"var(--series-{place})" for place in range(1, 6)]
_REST_COLOUR = "var(--series-6)"
_CONFIG = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": "var(--quiet)",
        "titleColor": "var(--quiet)",
        "gridColor": "var(--line)",
        "domainColor": "var(--control-line)",
        "tickColor": "var(--control-line)",
        "labelFontSize": 13,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
    },
    "legend": {"labelColor": "var(--text)", "labelFontSize": 13, "labelLimit": 220, "symbolType": "square"},
}


def svg(plot: Plot, answer: Answer) -> str:
    """The chart of a plot.

    Args:
        plot: what is asked, and how it is drawn.
        answer: the rows of its query, at least one.

    Returns:
        An `<svg>` element that can stand in a page.
    """
    values = [{name: _plain(value) for name, value in row.items()} for row in answer.records()]
    drawing = {"stacked": _stacked, "shares": _shares, "band": _band, "ranked": _ranked}[plot.chart]
    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": values},
        "width": WIDTH,
        "height": HEIGHT,
        "config": _CONFIG,
        **drawing(plot, answer),
    }
    # No address may be asked for anything: the data are in the chart.
    return str(vl_convert.vegalite_to_svg(json.dumps(spec), vl_version=VEGA_LITE, allowed_base_urls=[]))


def _stacked(plot: Plot, answer: Answer) -> dict[str, Any]:
    return {"mark": {"type": "bar"}, "encoding": _over_time(plot, answer, "yearweek")}


def _shares(plot: Plot, answer: Answer) -> dict[str, Any]:
    return {"mark": {"type": "bar"}, "encoding": _over_time(plot, answer, "yearmonth")}


def _over_time(plot: Plot, answer: Answer, unit: str) -> dict[str, Any]:
    names = _series(plot, answer)
    colours = [_REST_COLOUR if name == REST else colour for name, colour in zip(names, [*_COLOURS, ""], strict=False)]
    top = {"domainMax": 100} if plot.chart == "shares" else {}
    return {
        "x": {
            "field": plot.over,
            "type": "temporal",
            "timeUnit": {"unit": unit, "utc": True},
            "scale": {"type": "utc"},
            "title": None,
            "axis": {"grid": False, "format": "%b %Y", "tickCount": 10, "labelOverlap": True},
        },
        "y": {"field": plot.amount, "type": "quantitative", "title": plot.amount_title, "stack": "zero", "scale": top},
        "color": {
            "field": plot.series,
            "type": "nominal",
            "title": None,
            "scale": {"domain": names, "range": colours},
            "legend": {"orient": "top", "columns": 3},
        },
        "order": {"field": "place", "type": "quantitative"},
    }


def _series(plot: Plot, answer: Answer) -> list[str]:
    """The names of the series, the largest first and the rest last."""
    sums: dict[str, float] = {}
    for row in answer.records():
        sums[row[str(plot.series)]] = sums.get(row[str(plot.series)], 0) + row[plot.amount]
    return sorted(sums, key=lambda name: (name == REST, -sums[name], name))


def _band(plot: Plot, answer: Answer) -> dict[str, Any]:
    del answer
    time = {
        "field": plot.over,
        "type": "temporal",
        "timeUnit": {"unit": "yearmonth", "utc": True},
        "scale": {"type": "utc"},
        "title": None,
        "axis": {"grid": False, "format": "%b %Y", "tickCount": 10, "labelOverlap": True},
    }
    low = {"field": "quarter_within_days", "type": "quantitative", "title": plot.amount_title}
    return {
        "encoding": {"x": time},
        "layer": [
            {
                "mark": {"type": "area", "color": "var(--series-1)", "opacity": 0.25},
                "encoding": {"y": low, "y2": {"field": "three_quarters_within_days"}},
            },
            {
                "mark": {"type": "line", "color": "var(--series-1)", "strokeWidth": 2.5, "point": {"size": 40}},
                "encoding": {"y": {"field": plot.amount, "type": "quantitative"}},
            },
        ],
    }


def _ranked(plot: Plot, answer: Answer) -> dict[str, Any]:
    return {
        "height": ROW_HEIGHT * len(answer.rows),
        "encoding": {
            "y": {
                "field": plot.over,
                "type": "nominal",
                "sort": None,
                "title": None,
                "axis": {"labelLimit": 240, "ticks": False, "domain": False},
            },
            "x": {
                "field": plot.amount,
                "type": "quantitative",
                "title": plot.amount_title,
                "axis": {"tickCount": 6, "format": "~s"},
            },
        },
        "layer": [
            {"mark": {"type": "bar", "color": "var(--series-1)", "height": {"band": 0.7}}},
            {
                "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 13, "color": "var(--text)"},
                "encoding": {"text": {"field": plot.amount, "type": "quantitative", "format": ","}},
            },
        ],
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
