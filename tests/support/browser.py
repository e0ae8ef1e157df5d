"""Debian's Chromium, driven by Playwright, for tests that click as a person does.

with chromium() as browser:
    page = browser.new_context(timezone_id="America/New_York").new_page()
"""

import contextlib
import shutil
from collections.abc import Iterator

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

PROGRAM = shutil.which("chromium")
# Tests run as root in containers, where its sandbox refuses to. And it shall call nobody but the page under test.
SWITCHES = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def unavailable() -> str | None:
    """Why no browser can be started here; None when one can."""
    return None if PROGRAM else "Chromium is not installed; on Debian, as root, scripts/install_services does it"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window, closed at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=SWITCHES)
        try:
            yield browser
        finally:
            browser.close()


def accessibility_faults(page: Page) -> list[str]:
    """What axe finds amiss in a page, with the element: nothing, if all can use it."""
    found = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {fault['help']}: {node['html'][:300]}" for fault in found for node in fault["nodes"]]
