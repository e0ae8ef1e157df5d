"""Plots in a browser: drawn to the width of the page, chosen by keyboard, opened as SQL, accessible."""

import re

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.support.browser import accessibility_faults
from tests.support.stage import Stage
from virus_warehouse.pages.explore.plots import PLOTS

pytestmark = pytest.mark.browser

EVERYTHING = "/virus-warehouse/explore?since="
WIDE, NARROW = ViewportSize(width=1400, height=900), ViewportSize(width=390, height=844)
LIGHT_AND_WIDE = {"color_scheme": "light", "viewport": WIDE}
DARK_AND_NARROW = {"color_scheme": "dark", "viewport": NARROW}


def charts_are_drawn(page: Page) -> None:
    expect(page.locator(".chart svg")).to_have_count(len(PLOTS))


def width_of(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box
    return box["width"]


@pytest.mark.parametrize(
    ("at_first", "then"),
    [
        pytest.param(LIGHT_AND_WIDE, NARROW, id="light and wide", marks=pytest.mark.long),
        pytest.param(DARK_AND_NARROW, WIDE, id="dark and narrow"),
    ],
)
def test_every_chart_fits_is_accessible_and_is_redrawn_for_another_width(
    stage: Stage, at_first: dict[str, object], then: ViewportSize
) -> None:
    with stage.logged_in(EVERYTHING, **at_first) as page:
        charts_are_drawn(page)
        assert_every_chart_fits(page)
        first = page.locator(".chart").first
        expect(first).to_have_attribute("aria-label", re.compile(r"Records per week, by virus\. \d+ records in"))
        assert page.evaluate("getComputedStyle(document.querySelector('.chart path[fill*=series-1]')).fill") != "none"
        for summary in page.locator("#answer-places summary").all():
            summary.click()
        assert accessibility_faults(page) == []

        drawn = round(width_of(page, "#answer-places svg"))
        page.set_viewport_size(then)
        expect(page.locator("#answer-places")).not_to_have_attribute("data-width", str(drawn))
        expect(page.locator(f'#answer-places svg[width="{round(width_of(page, "#answer-places"))}"]')).to_be_visible()
        expect(page.locator("#numbers-places")).to_have_attribute("open", "")


def assert_every_chart_fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for plot in PLOTS:
        place = f"#answer-{plot.name}"
        assert width_of(page, f"{place} svg") == pytest.approx(width_of(page, place), abs=3)


def test_a_filter_is_chosen_by_keyboard_kept_in_the_url_shown_as_sql_and_opened_in_the_console(stage: Stage) -> None:
    with stage.logged_in(EVERYTHING, **LIGHT_AND_WIDE) as page:
        page.locator("select[name=country]").focus()
        page.keyboard.type("USA")
        page.keyboard.press("Tab")
        page.keyboard.type("01022024")
        page.get_by_role("button", name="Show").press("Enter")
        page.wait_for_url("**/explore?country=USA&since=2024-01-02")
        charts_are_drawn(page)
        expect(page.locator("select[name=country]")).to_have_value("USA")
        expect(page.locator("#answer-weekly_by_country .legend")).to_have_text("USA")

        page.get_by_role("link", name="Records per week, by country", exact=True).click()
        page.wait_for_url("**/explore/weekly_by_country?country=USA&since=2024-01-02")
        expect(page.locator("#numbers-weekly_by_country table")).to_contain_text("USA")
        page.locator("#sql-weekly_by_country summary").press("Enter")
        sql = page.locator("#sql-weekly_by_country pre").inner_text()
        assert "AND country = 'USA'" in sql
        assert "span_start >= DATE '2024-01-02'" in sql

        page.get_by_role("link", name="Open in the Console").click()
        page.wait_for_url("**/console?sql=*")
        expect(page.locator("textarea")).to_have_value(sql)


def test_url_keeps_the_choice_of_no_bound(stage: Stage) -> None:
    with stage.logged_in("/virus-warehouse/explore", **LIGHT_AND_WIDE) as page:
        page.locator("input[name=since]").fill("")
        page.get_by_role("button", name="Show").click()
        page.wait_for_url("**/explore?since=")
        expect(page.locator(".periods [aria-current]")).to_have_text("all time")


def test_failed_plot_shows_an_error_and_the_others_are_drawn(stage: Stage) -> None:
    with stage.logged_in("/virus-warehouse/runs", **LIGHT_AND_WIDE) as page:
        page.route("**/explore/places?*", lambda route: route.abort())
        page.goto(f"{stage.airflow.url}{EVERYTHING}")
        expect(page.locator("#answer-places")).to_contain_text("No chart: the server did not answer")
        expect(page.locator(".chart svg")).to_have_count(len(PLOTS) - 1)
