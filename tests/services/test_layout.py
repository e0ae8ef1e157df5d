"""Every page fits its window: on a desk, on a small screen and on a phone, in Airflow's frame and behind a path."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.support.stage import Stage
from virus_warehouse.pages.runs.page import AMOUNTS
from virus_warehouse.pages.wording import number
from virus_warehouse.run_file import RunFile

pytestmark = pytest.mark.browser

SIZES = [
    pytest.param("light", 1340, marks=pytest.mark.long),
    ("dark", 1000),
    pytest.param("light", 390, marks=pytest.mark.long),
]
FRAME = "iframe[title='Viruses']"
SOURCE = "influenza_a_of_birds_and_swine"

BEYOND_THE_EDGE = """main => {
    const edge = main.getBoundingClientRect().right + 0.5;
    const scrolls = element => element.closest(".scroll:not(:has(.ledger))");
    return [...main.querySelectorAll("*")]
        .filter(element => element.checkVisibility() && !element.closest("svg, .hidden") && !scrolls(element))
        .filter(element => element.getBoundingClientRect().right > edge)
        .map(element => element.outerHTML.slice(0, 120));
}"""
"""What reaches beyond the page's right edge. Tables other than the ledger may: they scroll, with a shadow there."""


@pytest.fixture
def wide_runs(stage: Stage) -> Iterator[None]:
    """Two runs that need more room than others: a window with large counts, and a failure with a long reason."""
    now = datetime.now(UTC)
    usual = {"source": SOURCE, "mode": "window", "started_at": (now - timedelta(hours=30)).isoformat()}
    counts = dict.fromkeys(AMOUNTS, 9_876_543)
    days = {"updated_since": "2026-01-01", "until": "2026-02-01"}
    runs = [RunFile(stage.data.runs, f"wide-{number}") for number in (1, 2)]
    runs[0].write(**usual, **counts, **days, status="success", ended_at=now.isoformat())
    runs[1].write(**usual, **days, status="failed", error="NCBI refused the request: " + "https://ncbi/" * 20)
    yield
    for run in runs:
        run.path.unlink()


def open_page(page: Page, name: str) -> FrameLocator:
    frame = page.frame_locator(FRAME)
    link = frame.get_by_role("link", name=name, exact=True).first
    expect(link).to_be_visible()
    # The page may be shown already: its heading would then be that of the old document.
    with page.expect_event("framenavigated", lambda shown: shown != page.main_frame):
        link.click()
    expect(frame.get_by_role("heading", level=1, name="Sources" if name == "Overview" else name)).to_be_visible()
    return frame


@pytest.mark.usefixtures("wide_runs", "failed_run")
@pytest.mark.parametrize(("scheme", "width"), SIZES)
def test_every_page_fits_its_window_and_the_ledger_is_complete(stage: Stage, scheme: str, width: int) -> None:
    size = {"width": width, "height": 850}
    with stage.logged_in("/plugin/virus-warehouse", color_scheme=scheme, viewport=size) as page:
        for name in ("Overview", "Runs", "Explore", "Console", "Questions"):
            frame = open_page(page, name)
            assert frame.locator("main").evaluate(BEYOND_THE_EDGE) == [], name
            if name == "Runs":
                assert_ledger_shows_every_count_and_the_reason_of_a_failure(frame)
        for source in (SOURCE, "viruses", "mistyped"):
            frame = open_page(page, "Runs")
            frame.get_by_role("row").filter(has_text=source).get_by_role("link").first.click()
            expect(frame.get_by_role("heading", name="Stages")).to_be_visible()
            assert frame.locator("main").evaluate(BEYOND_THE_EDGE) == [], source


def assert_ledger_shows_every_count_and_the_reason_of_a_failure(frame: FrameLocator) -> None:
    row = frame.get_by_role("row").filter(has_text=SOURCE).filter(has_text="success")
    for text in ("2026-01-01", "2026-02-01", "window"):
        expect(row.get_by_text(text).first).to_be_visible()
    expect(row.get_by_text(number(9_876_543))).to_have_count(len(AMOUNTS))
    expect(frame.get_by_text("NCBI refused the request: https://ncbi/")).to_be_visible()
    ledger = frame.get_by_role("region", name="Run ledger")
    assert ledger.evaluate("region => region.scrollWidth - region.clientWidth") == 0
