"""How each picture of the documentation is taken: what a person clicks, and what is then to be seen."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, FrameLocator, Page, expect

THEMES = ("light", "dark")
SIZE = {"width": 1340, "height": 880}
SLOW = 60_000
"""Timeout of a page in milliseconds, for busy machines."""


@dataclass(frozen=True)
class Airflow:
    """A running Airflow.

    Attributes:
        url: its URL.
        login: the user.
        password: the user's password.
        dag_id: a DAG that has run.
    """

    url: str
    login: str
    password: str
    dag_id: str


def dag_grid(page: Page, airflow: Airflow) -> None:
    """The DAG's runs and tasks."""
    page.goto(f"{airflow.url}/dags/{airflow.dag_id}")
    expect(page.get_by_text("ingest").first).to_be_visible()
    # The grid has but two columns' room at first.
    handle = page.locator("[data-resize-handle], [data-panel-resize-handle-id]").first.bounding_box()
    if handle:
        page.mouse.move(handle["x"] + handle["width"] / 2, 700)
        page.mouse.down()
        page.mouse.move(470, 700, steps=5)
        page.mouse.up()


def backfill_dialog(page: Page, airflow: Airflow) -> None:
    """The dialog for backfills."""
    page.goto(f"{airflow.url}/dags/{airflow.dag_id}")
    page.get_by_role("button", name="Trigger").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("Backfill", exact=True).click()
    today = datetime.now(UTC).date()
    for field, day in (("From", today - timedelta(days=20)), ("To", today - timedelta(days=11))):
        group = dialog.get_by_role("group").filter(has=page.get_by_text(field, exact=True))
        group.get_by_test_id("datetime-input").click()
        page.get_by_role("textbox", name=field).fill(f"{day:%Y/%m/%d}")
        page.keyboard.press("Escape")
    expect(dialog.get_by_text("10 runs will be triggered.", exact=True)).to_be_visible()


def overview(page: Page, airflow: Airflow) -> None:
    """A card for each source."""
    pages = _pages(page, airflow)
    expect(pages.get_by_role("heading", level=2).first).to_be_visible()


def runs(page: Page, airflow: Airflow) -> None:
    """The ledger."""
    pages = _pages(page, airflow)
    pages.get_by_role("link", name="Runs", exact=True).click()
    expect(pages.get_by_role("table")).to_be_visible()


def failed_run(page: Page, airflow: Airflow) -> None:
    """Why a run failed."""
    runs(page, airflow)
    pages = page.frame_locator("iframe")
    pages.get_by_role("row").filter(has_text="failed").first.get_by_role("link").first.click()
    expect(pages.get_by_text("What went wrong")).to_be_visible()


def explore(page: Page, airflow: Airflow) -> None:
    """The plots."""
    pages = _pages(page, airflow)
    pages.get_by_role("link", name="Explore", exact=True).click()
    expect(pages.locator(".chart svg")).to_have_count(6)


def console(page: Page, airflow: Airflow) -> None:
    """A plot's query, opened and run."""
    explore(page, airflow)
    pages = page.frame_locator("iframe")
    pages.get_by_role("link", name="Open in the Console with Places").click()
    pages.get_by_role("button", name="Run", exact=True).click()
    expect(pages.get_by_role("columnheader", name="country")).to_be_visible()
    pages.get_by_role("link", name="Console", exact=True).scroll_into_view_if_needed()


PICTURES: dict[str, Callable[[Page, Airflow], None]] = {
    "overview": overview,
    "explore": explore,
    "console": console,
    "runs": runs,
    "failed-run": failed_run,
    "dag-grid": dag_grid,
    "backfill-dialog": backfill_dialog,
}
"""The steps to each screenshot, by name; each is taken in every theme."""


def take(
    browser: Browser, airflow: Airflow, folder: Path, theme: str, names: Iterable[str] = PICTURES
) -> Iterator[Path]:
    """Take screenshots.

    Args:
        browser: the browser.
        airflow: the running Airflow.
        folder: the output folder.
        theme: `light` or `dark`.
        names: which; all by default.

    Yields:
        the path of each.
    """
    expect.set_options(timeout=SLOW)
    with browser.new_context(viewport=SIZE, color_scheme=theme, timezone_id="UTC", locale="en-US") as context:
        context.set_default_timeout(SLOW)
        context.add_init_script(f"localStorage.setItem('theme', '{theme}')")
        page = context.new_page()
        log_in(page, airflow.url, airflow.login, airflow.password)
        for name in names:
            PICTURES[name](page, airflow)
            path = folder / f"{name}-{theme}.png"
            page.mouse.move(0, 0)
            page.wait_for_timeout(500)  # wait for fade-in animations
            page.screenshot(path=path, animations="disabled", caret="hide")
            yield path


def log_in(page: Page, url: str, login: str, password: str) -> None:
    """Log in to the Airflow at `url`; ends on its first page."""
    page.goto(f"{url}/")
    page.get_by_label("Username").fill(login)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/")


def _pages(page: Page, airflow: Airflow) -> FrameLocator:
    """The warehouse's pages, in Airflow's frame."""
    page.goto(f"{airflow.url}/plugin/virus-warehouse")
    return page.frame_locator("iframe")
