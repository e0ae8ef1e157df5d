"""What a page in a browser is examined with."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def accessibility_faults(page: Page) -> list[str]:
    """What axe finds amiss in a page, with the element: nothing, if all can use it."""
    found = Axe().run(page).response["violations"]
    return [f"{fault['id']}: {fault['help']}: {node['html'][:300]}" for fault in found for node in fault["nodes"]]
