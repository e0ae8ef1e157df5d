"""The console in a browser: enter a query, run it, see errors, cancel it, download the result."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, expect

from tests.support.browser import accessibility_faults
from tests.support.stage import Stage
from tests.support.warehouses import query

pytestmark = pytest.mark.browser

WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
SQL = "SQL, one query on the published snapshot"
FITS = "document.documentElement.scrollWidth <= innerWidth"


def test_query_is_corrected_run_and_downloaded_inside_airflow(stage: Stage) -> None:
    with stage.logged_in("/plugin/virus-warehouse", viewport=WIDE) as page:
        ours = page.frame_locator("iframe")
        ours.get_by_role("link", name="Console").click()
        editor = ours.get_by_label(SQL)
        editor.fill("SELECT virus_name,\n  count(*) AS genomes\nFROM virus_genom\nGROUP BY ALL ORDER BY ALL")
        editor.press("Control+Enter")
        alert = ours.get_by_role("alert")
        expect(alert).to_contain_text("line 3, column 6")
        expect(alert).to_contain_text("virus_genome")
        assert chosen_text(ours) == "virus_genom"

        page.keyboard.type("virus_genome")
        ours.get_by_role("button", name="Run").click()
        rows = ours.get_by_role("region", name="Rows")
        expect(rows.get_by_role("columnheader").first).to_contain_text("virus_name")
        shown = [row.split("\t") for row in rows.locator("tbody tr").all_inner_texts()]
        held = query(stage.data.snapshot, "SELECT virus_name, count(*) FROM virus_genome GROUP BY ALL ORDER BY ALL")
        assert [(name, int(genomes)) for name, genomes in shown] == held

        with page.expect_download() as download:
            ours.get_by_role("button", name="Download CSV").click()
        assert download.value.suggested_filename.endswith(".csv")
        with Path(download.value.path()).open(encoding="utf-8", newline="") as file:
            assert list(csv.reader(file)) == [["virus_name", "genomes"], *shown]


def test_slow_query_can_be_cancelled(stage: Stage) -> None:
    with stage.logged_in("/virus-warehouse/console", viewport=WIDE) as page:
        page.get_by_label(SQL).fill("SELECT sleep_ms(1000000)")
        cancel = page.get_by_role("button", name="Cancel")
        expect(cancel).to_be_hidden()
        page.get_by_role("button", name="Run").click()
        expect(page.get_by_role("status").filter(has_text="Running")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_text("Cancelled.")).to_be_visible()
        expect(cancel).to_be_hidden()
        # Its slot is free: the next query of the same user is not rejected.
        page.get_by_label(SQL).fill("SELECT 'next' || '!' AS word")
        page.get_by_role("button", name="Run").click()
        expect(page.get_by_role("cell", name="next!")).to_be_visible()
        page.reload()
        expect(page.get_by_label(SQL)).to_have_value("SELECT 'next' || '!' AS word")
        expect(page.get_by_role("cell", name="next!")).to_be_hidden()


@pytest.mark.parametrize(
    ("scheme", "viewport"),
    [
        pytest.param("light", WIDE, id="light and wide", marks=pytest.mark.long),
        pytest.param("dark", NARROW, id="dark and narrow"),
        pytest.param("light", NARROW, id="light and narrow", marks=pytest.mark.long),
        pytest.param("dark", WIDE, id="dark and wide", marks=pytest.mark.long),
    ],
)
def test_console_is_accessible(stage: Stage, scheme: str, viewport: dict[str, int]) -> None:
    path = "/virus-warehouse/console?recipe=under_a_taxon"
    with stage.logged_in(path, viewport=viewport, color_scheme=scheme) as page:
        for summary in ("What changed", "virus_genome"):
            page.get_by_role("complementary").get_by_text(summary, exact=True).first.click()
        editor = page.get_by_label(SQL)
        editor.fill("FROM virus_genome LIMIT 5")
        editor.press("Control+Enter")
        expect(page.get_by_role("region", name="Rows")).to_be_visible()
        assert accessibility_faults(page) == []
        assert page.evaluate(FITS), "the page must not scroll horizontally"

        editor.fill("SELECT lenght FROM virus_genome")
        editor.press("Control+Enter")
        expect(page.get_by_role("alert")).to_be_visible()
        assert accessibility_faults(page, within=".asking") == [], "the help beside it is as before"
        assert page.evaluate(FITS), "the page must not scroll horizontally"


def chosen_text(frame: FrameLocator) -> str:
    text = "area => area.value.slice(area.selectionStart, area.selectionEnd)"
    return str(frame.get_by_label(SQL).evaluate(text))
