"""A whole Airflow whose sources are in every state that pages tell of, and somebody's browser before it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine
from playwright.sync_api import Browser, Page

from scripts import chromium
from scripts.pictures import log_in
from tests.support import postgres
from tests.support.airflow_services import AirflowServices
from tests.support.stand_in import StandIn
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.publish.check import check_candidate
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.publish.snapshot import publish_candidate
from virus_warehouse.sources import read_sources
from virus_warehouse.warehouse.connection import Warehouse

NOW = datetime.now(UTC)
HOUR = 1 if NOW.hour in (2, 3) else 3
"""Of the daily schedule, in UTC. In New York, whose midnight is later than that, it belongs to the day before. And no
new scheduled run falls due while the tests run."""
SOURCES = f"""\
defaults: {{schedule: "0 {HOUR} * * *"}}
sources:
  mpox: {{taxon: 10244}}
  dengue: {{taxon: 12637}}  # never run
  viruses: {{taxon: 10239, aux_reports: [ANNOTATION, BIOSAMPLE_REPORT]}}  # last loaded eight days ago
  mistyped: {{taxon: Monkeypocks}}  # refused by NCBI
"""
MPOX, DENGUE, MISTYPED = (f"ncbi_virus_ingest__{source}" for source in ("mpox", "dengue", "mistyped"))
SLOW = 60_000
"""Milliseconds that a page may take on a busy machine."""


@dataclass
class Stage:
    """Airflow, its data folder, and somebody's browser.

    `pages` is where our pages are, without Airflow's frame around them.
    """

    airflow: AirflowServices
    data: DataFolder
    browser: Browser

    @property
    def pages(self) -> str:
        return f"{self.airflow.url}/virus-warehouse"

    @contextmanager
    def logged_in(self, path: str, **context: Any) -> Iterator[Page]:
        """A page of Airflow's, in a new browser, reached through the login page.

        Args:
            path: of the page, as in `/dags/mpox` or `/virus-warehouse/runs`.
            context: what the browser is like: `timezone_id`, `color_scheme`, `viewport` and so on.
        """
        with self.browser.new_context(**{"timezone_id": "UTC", "locale": "en-US", **context}) as opened:
            opened.set_default_timeout(SLOW)
            page = opened.new_page()
            log_in(page, self.airflow.url, self.airflow.login, self.airflow.password)
            if path != "/":
                page.goto(f"{self.airflow.url}{path}")
            yield page


def unavailable() -> str | None:
    """Why there can be no stage here; None when there can."""
    return postgres.unavailable() or chromium.unavailable()


@contextmanager
def stage_in(folder: Path) -> Iterator[Stage]:
    """Airflow at work: `viruses` was loaded last week, `mistyped` is being refused, and the others have not run."""
    sources, data = folder / "sources.yaml", DataFolder(folder / "data")
    sources.write_text(SOURCES, encoding="utf-8")
    with StandIn(today=NOW.date(), epoch=NOW.date(), records=400) as stand_in:
        publish_last_week(stand_in, sources, data)
        environment = {
            "VIRUS_DATA": str(data.root),
            "VIRUS_SOURCES": str(sources),
            "NCBI_DATASETS_URL": stand_in.url,
        }
        with AirflowServices(environment) as airflow, chromium.chromium() as somebody:
            for dag_id in (MPOX, DENGUE):
                airflow.seen(dag_id)
            airflow.unpause(MISTYPED)
            yield Stage(airflow, data, somebody)


def publish_last_week(stand_in: StandIn, sources: Path, data: DataFolder) -> None:
    """Load `viruses` nine and eight days ago, and publish it."""
    data.create()
    followed, warehouse = read_sources(sources), Warehouse(data.warehouse)
    for days in (9, 8):
        then = NOW - timedelta(days=days)
        stand_in.set_today(then.date())
        with time_machine.travel(then), DatasetsClient(stand_in.url) as client:
            result = ingest(followed.source("viruses"), client=client, warehouse=warehouse, data=data)
    check_candidate(prepare_candidate(warehouse, data, result.run_id, followed), followed, data.snapshot)
    publish_candidate(data, result.run_id)
    stand_in.set_today(NOW.date())
