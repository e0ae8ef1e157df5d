"""Charts show their numbers, have the requested size, and escape text from the data."""

import re
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from virus_warehouse.pages.explore.charts import legend, svg
from virus_warehouse.pages.explore.headlines import headline
from virus_warehouse.pages.explore.plots import PLOTS, Answer, Plot, plot_named

pytestmark = pytest.mark.usefixtures("slow_drawer")

MONDAY = date(2025, 3, 3)
HOSTILE = """</title><script>alert('1')</script>"&amp;<b>é\\'"""
WEEKS = ("week_start", "virus", "records")
SHARES = ("month_start", "lineage", "records", "records_of_month", "percent")
LAGS = (
    "release_month",
    "records",
    "quarter_within_days",
    "half_within_days",
    "three_quarters_within_days",
)
HOSTS = ("host", "records", "percent", "viruses", "all_records")
ANSWERS = {
    "weekly_by_virus": Answer(WEEKS, [(MONDAY, "mpox", 1200), (MONDAY, "dengue", 34), (MONDAY, "all others", 2000)]),
    "weekly_by_country": Answer(("week_start", "country", "records"), [(MONDAY, "Togo", 1)]),
    "lineage_shares": Answer(
        SHARES, [(date(2025, 3, 1), "XFG", 3, 4, 75.0), (date(2025, 3, 1), "all others", 1, 4, 25.0)]
    ),
    "submission_lag": Answer(LAGS, [(date(2025, 3, 1), 5, 10, 20, 30), (date(2025, 4, 1), 6, 11, 21, 31)]),
    "top_hosts": Answer(HOSTS, [("Homo sapiens", 10500, 91.3, 3, 11500), ("not stated", 1000, 8.7, 1, 11500)]),
    "places": Answer(("country", *HOSTS[1:]), [("Togo", 1, 100.0, 1, 1)]),
}


def plot(name: str) -> Plot:
    found = plot_named(name)
    assert found
    return found


def tooltips(drawn: str) -> list[str]:
    return [str(title.text) for title in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}title")]


@pytest.mark.parametrize("width", [280, 360, 640, 1100])
@pytest.mark.parametrize("one", PLOTS, ids=lambda one: one.name)
def test_chart_has_the_requested_width(one: Plot, width: int) -> None:
    drawn = ElementTree.fromstring(svg(one, ANSWERS[one.name], width))
    assert float(drawn.attrib["width"]) == pytest.approx(width, abs=2)


@pytest.mark.parametrize("one", PLOTS, ids=lambda one: one.name)
def test_colours_match_the_page(one: Plot) -> None:
    drawn = svg(one, ANSWERS[one.name], 640)
    colours = set(re.findall(r'(?:fill|stroke)="([^"]*)"', drawn)) - {"none", "transparent"}
    assert {colour for colour in colours if "var(--" not in colour} == set()
    assert "var(--series-1)" in drawn


def test_every_mark_has_a_tooltip_with_its_numbers() -> None:
    shown = {name: tooltips(svg(plot(name), answer, 640)) for name, answer in ANSWERS.items()}
    assert sorted(shown["weekly_by_virus"]) == [
        "all others, week of 3 Mar 2025: 2\u202f000",
        "dengue, week of 3 Mar 2025: 34",
        "mpox, week of 3 Mar 2025: 1\u202f200",
    ]
    assert shown["lineage_shares"] == ["XFG, March 2025: 75%, 3 of 4", "all others, March 2025: 25%, 1 of 4"]
    assert shown["submission_lag"][1] == ("April 2025: median 21 days, middle 50% from 11 to 31 days (6 records)")
    assert shown["top_hosts"] == ["Homo sapiens: 10\u202f500 (91.3%)", "not stated: 1\u202f000 (8.7%)"]


def test_data_are_escaped_as_text() -> None:
    rows = {
        "weekly_by_virus": Answer(WEEKS, [(MONDAY, HOSTILE, 3)]),
        "lineage_shares": Answer(SHARES, [(date(2025, 3, 1), HOSTILE, 3, 3, 100.0)]),
        "top_hosts": Answer(HOSTS, [(HOSTILE, 3, 100.0, 1, 3)]),
    }
    for name, answer in rows.items():
        drawn = svg(plot(name), answer, 1100)
        assert "<script" not in drawn
        assert "<b>" not in drawn
        assert HOSTILE in tooltips(drawn)[0], "the text is unchanged"


def test_largest_group_is_at_the_bottom_and_the_rest_on_top() -> None:
    answer = ANSWERS["weekly_by_virus"]
    assert [series.name for series in legend(plot("weekly_by_virus"), answer)] == ["mpox", "dengue", "all others"]
    bars = re.findall(r'<path d="M[\d.]+,([\d.]+)h[^>]*><title>(\w+)', svg(plot("weekly_by_virus"), answer, 640))
    heights = {name: float(top) for top, name in bars}
    assert heights["all"] < heights["dengue"] < heights["mpox"], "SVG counts from the top"


@pytest.mark.parametrize(
    ("weeks", "width", "unit"), [(52, 640, "week"), (52, 280, "week"), (260, 640, "4 weeks"), (3000, 640, "52 weeks")]
)
def test_many_weeks_are_combined_into_bars_without_loss(weeks: int, width: int, unit: str) -> None:
    answer = Answer(WEEKS, [(MONDAY - timedelta(weeks=back), "mpox", 1) for back in range(weeks)])
    drawn = svg(plot("weekly_by_virus"), answer, width)
    assert f"records per {unit}<" in drawn
    assert sum(int(tip.rsplit(" ", 1)[1]) for tip in tooltips(drawn)) == weeks
    assert len(drawn) < 100_000


def test_weeks_start_on_monday() -> None:
    answer = Answer(WEEKS, [(MONDAY, "mpox", 1), (MONDAY + timedelta(weeks=1), "mpox", 1)])
    assert tooltips(svg(plot("weekly_by_virus"), answer, 640)) == [
        "mpox, week of 3 Mar 2025: 1",
        "mpox, week of 10 Mar 2025: 1",
    ]


def test_headlines_summarize_the_main_result() -> None:
    headlines = {name: headline(plot(name), answer) for name, answer in ANSWERS.items()}
    assert headlines == {
        "weekly_by_virus": "3\u202f234 records in 1 week, mostly mpox (37%) and dengue (1.1%).",
        "weekly_by_country": "1 record in 1 week: Togo (100%).",
        "lineage_shares": "March 2025, 4 records: XFG 75%.",
        "submission_lag": "Median time from collection to release in April 2025: 21 days (6 records).",
        "top_hosts": "11\u202f500 records: Homo sapiens 91%.",
        "places": "1 record: Togo 100%.",
    }
    nothing_named = Answer(HOSTS, [("not stated", 2, 100.0, 1, 2)])
    assert headline(plot("top_hosts"), nothing_named) == "2 records: not stated."


def test_month_of_few_records_is_pale_and_not_in_the_headline() -> None:
    may, june = date(2025, 5, 1), date(2025, 6, 1)
    answer = Answer(SHARES, [(may, "XFG", 15, 20, 75.0), (may, "all others", 5, 20, 25.0), (june, "XFG", 1, 1, 100.0)])
    assert headline(plot("lineage_shares"), answer) == "May 2025, 20 records: XFG 75%."
    drawn = svg(plot("lineage_shares"), answer, 640)
    opacities = re.findall(r'<path [^>]*opacity="([^"]*)"[^>]*><title>', drawn)
    assert opacities == ["1", "1", "0.4"]
