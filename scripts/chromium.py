"""Debian's Chromium, driven by Playwright: for screenshots and browser tests.

with chromium() as browser:
    page = browser.new_context(timezone_id="America/New_York").new_page()
"""

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

# The first has no window at all, and needs half the processor time of the second in headless mode.
PROGRAM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
# It runs as root in containers, where its sandbox does not work. And it must not connect to other hosts.
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
    """Why no browser can be started; None when one can."""
    return None if PROGRAM else "Chromium is not installed; on Debian, as root, scripts/install_services does it"


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser, closed at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=SWITCHES)
        try:
            yield browser
        finally:
            browser.close()
