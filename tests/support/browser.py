"""Checks for a page in a browser."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def accessibility_faults(page: Page, within: str | None = None) -> list[str]:
    """The accessibility faults that axe finds in a page, with their elements.

    Args:
        page: the page.
        within: a CSS selector: only faults of these elements. All of the page by default.
    """
    found = Axe().run(page, within).response["violations"]
    return [f"{fault['id']}: {fault['help']}: {node['html'][:300]}" for fault in found for node in fault["nodes"]]
