"""The overview and the runs in a real browser with a real Airflow."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from ncbi_virus.pages import airflow_pages
from tests.support.browser import accessibility_faults
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.stage import MISTYPED, SLOW, Stage
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.errors import DatasetsError
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.sources import Source
from virus_warehouse.warehouse.connection import Warehouse

pytestmark = pytest.mark.browser

FRAME = "iframe[title='Viruses']"
WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 390, "height": 844}
WINDOWS = [("light", WIDE), pytest.param("dark", NARROW, marks=pytest.mark.long)]


def opened(page: Page) -> Any:
    """Our page in Airflow's frame, opened from the navigation."""
    page.get_by_role("link", name="Viruses", exact=True).click()
    return page.frame_locator(FRAME)


@pytest.mark.parametrize(("scheme", "size"), WINDOWS)
def test_navigation_from_stale_and_failed_sources_to_the_reason_and_airflow_and_back(
    stage: Stage, failed_run: str, scheme: str, size: dict[str, int]
) -> None:
    with stage.logged_in("/", color_scheme=scheme, viewport=size) as page:
        frame = opened(page)
        stale = frame.get_by_role("listitem").filter(has=frame.get_by_role("heading", name="viruses"))
        expect(stale).to_contain_text("overdue")
        expect(stale).to_contain_text("Overdue since")
        expect(stale).to_contain_text("The DAG is paused")
        ground = frame.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light")

        frame.get_by_role("link", name="Read why mistyped failed").click()
        expect(frame.get_by_role("heading", name="Full load of mistyped")).to_be_visible()
        expect(frame.locator(".notice.bad")).to_contain_text("The taxonomy name 'Monkeypocks' is not recognized")
        expect(frame.locator(".notice.bad")).to_contain_text("Fix the request")
        expect(page).to_have_url(
            re.compile("/airflow/plugin/virus-warehouse/airflow/virus-warehouse/runs/[^/]*-mistyped-")
        )

        frame.get_by_role("link", name="Log", exact=True).click()
        page.wait_for_url(f"**/dags/{MISTYPED}/runs/**/tasks/ingest**")


def test_airflow_task_links_to_its_run_page_and_its_dag_run_has_no_tab_of_ours(stage: Stage, failed_run: str) -> None:
    """Airflow would show a tab on the runs of all DAGs, also of those that are not ours."""
    dag_run = f"/dags/{MISTYPED}/runs/{failed_run}"
    with stage.logged_in(f"{dag_run}/tasks/ingest/details", viewport=WIDE) as page:
        page.get_by_role("link", name="Run details").click()
        story = page.frame_locator(FRAME)
        expect(story.get_by_role("heading", name="Full load of mistyped")).to_be_visible()
        expect(page).to_have_url(re.compile("/runs/[^/]*-mistyped-"))

        page.goto(f"{stage.airflow.url}{dag_run}")
        expect(page.get_by_role("link", name="Audit Log")).to_be_visible()
        expect(page.get_by_role("link", name="Viruses")).to_have_count(1)  # in the navigation


def test_the_ledger_is_filtered_by_keyboard_and_the_url_says_how(stage: Stage) -> None:
    with stage.logged_in("/virus-warehouse/runs", viewport=WIDE) as page:
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.get_by_label("Source").focus()
        page.keyboard.type("viruses")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Filter").focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/runs?source=viruses")
        table = page.get_by_role("table")
        expect(table.get_by_role("row")).to_have_count(3)
        expect(page.get_by_label("Source")).to_have_value("viruses")
        table.get_by_role("link").first.click()
        expect(page.get_by_text("every line is accounted for")).to_be_visible()


def test_open_page_shows_the_end_of_a_run_without_reload(stage: Stage) -> None:
    source = Source(name="by_hand", request=VirusGenomeRequest(taxon="10244"))
    with (
        ScriptedServer(Answer(503, stall_seconds=SLOW)) as ncbi,
        DatasetsClient(ncbi.url, attempts=1) as client,
        stage.logged_in("/virus-warehouse/", viewport=WIDE) as page,
        ThreadPoolExecutor() as pool,
    ):
        run = pool.submit(ingest, source, client=client, warehouse=Warehouse(stage.data.warehouse), data=stage.data)
        card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="by_hand"))
        at_work = card.get_by_text("Running: download")
        while not at_work.is_visible():
            page.reload()
        page.evaluate("window.isTheSamePage = true")
        ncbi.stopping.set()  # so that it responds
        expect(at_work).to_be_hidden()
        expect(card).to_contain_text("HTTP 503")
        assert page.evaluate("window.isTheSamePage")
        with pytest.raises(DatasetsError):
            run.result()


PAGES = ("/", "/runs", "/runs?source=nobody", "/runs/no-such-run", "/runs/{viruses}", "/runs/{mistyped}", "/nothing")


@pytest.mark.parametrize(("scheme", "size"), WINDOWS)
def test_every_page_is_accessible(stage: Stage, failed_run: str, scheme: str, size: dict[str, int]) -> None:
    with stage.logged_in("/virus-warehouse/runs", color_scheme=scheme, viewport=size) as page:
        stories = {
            source: page.locator("tr", has_text=source).get_by_role("link").first.get_attribute("href").split("/")[-1]
            for source in ("viruses", "mistyped")
        }
        for path in PAGES:
            page.goto(stage.pages + path.format(**stories))
            assert accessibility_faults(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path


def test_anonymous_requests_get_401_on_every_route(stage: Stage) -> None:
    asked = []
    for route in airflow_pages().routes:
        for item in route.effective_route_contexts() if hasattr(route, "effective_route_contexts") else [route]:
            for method in item.methods:
                path = re.sub(r"\{[^}]*\}", "pages.css", item.path)
                answer = requests.request(method, stage.pages + path, timeout=30, allow_redirects=False)
                asked.append((method, path))
                assert answer.status_code == 401, (method, path)
    assert {("GET", "/"), ("GET", "/runs"), ("GET", "/static/pages.css"), ("POST", "/pages.css")} <= set(asked)
    for path in ("/docs", "/openapi.json", "/redoc", "/no-such-page"):
        assert requests.get(stage.pages + path, timeout=30).status_code == 401
    response = requests.get(f"{stage.pages}/", headers={"Accept": "text/html"}, timeout=30)
    assert (response.status_code, "Not logged in" in response.text) == (401, True)
