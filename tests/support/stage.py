"""A complete Airflow, its data folder and the stand-in, shared by all of `tests/services`; and a browser.

The world's day is today's, because Airflow creates no run for a future day.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import time_machine
from playwright.sync_api import Browser, Page, StorageState

from scripts import chromium
from scripts.pictures import log_in
from tests.support.airflow_services import AirflowServices
from tests.support.metrics_receivers import OtlpReceiver
from tests.support.stand_in import StandIn
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ingest import ingest
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.publish.publication import publish
from virus_warehouse.sources import SourcesFile, read_sources
from virus_warehouse.warehouse.connection import Warehouse

NOW = datetime.now(UTC)
TODAY = NOW.date()
HOUR = 1 if NOW.hour in (2, 3) else 3
"""Of the daily schedule, in UTC. In New York, whose midnight is later than that, it belongs to the day before. And no
new scheduled run falls due while the tests run."""
LAST_DAY = TODAY - timedelta(days=1 if NOW.hour >= HOUR else 2)
"""The day of the last data interval that is over."""
OWN_SOURCES = 20
"""For tests that need an unused source. A test that is retried takes another one."""
SOURCES = f"""\
defaults: {{schedule: "0 {HOUR} * * *"}}
sources:
  dengue: {{taxon: 12637}}  # never run
  viruses: {{taxon: 10239, aux_reports: [ANNOTATION, BIOSAMPLE_REPORT]}}  # last loaded eight days ago
  mistyped: {{taxon: Monkeypocks}}  # refused by NCBI
"""
for number in range(1, OWN_SOURCES + 1):
    SOURCES += f"  own_{number}: {{taxon: 10244, released_since: 1990-01-{number:02d}}}\n"
DENGUE, MISTYPED = (f"ncbi_virus_ingest__{source}" for source in ("dengue", "mistyped"))
PUBLISH = "ncbi_virus_publish"
SLOW = 120_000
"""Milliseconds that a page may take on a busy machine."""


@dataclass
class Stage:
    """Airflow, the stand-in, the data folder, what receives Airflow's metrics, and a browser.

    `pages` is the URL of our pages without Airflow's frame.
    """

    airflow: AirflowServices
    stand_in: StandIn
    data: DataFolder
    metrics: OtlpReceiver
    resources: ExitStack
    _own_sources: Iterator[int] = field(default_factory=lambda: iter(range(1, OWN_SOURCES + 1)))

    def own_source(self) -> str:
        """A source that no run has loaded, of monkeypox; the world's day is today."""
        self.stand_in.set_today(TODAY)
        return f"own_{next(self._own_sources)}"

    def rows(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        """Query the warehouse itself; waits, as every run does, while another process holds it."""
        with Warehouse(self.data.warehouse).exclusive() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            result = connection.execute(sql, list(parameters))
            names = [column[0] for column in result.description or ()]
            return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    @property
    def followed(self) -> SourcesFile:
        """The sources file, read."""
        return read_sources(self.data.root.parent / "sources.yaml")

    @property
    def pages(self) -> str:
        return f"{self.airflow.url}/virus-warehouse"

    @cached_property
    def browser(self) -> Browser:
        """Started for the first test that needs it; the test is skipped if no browser is installed."""
        if reason := chromium.unavailable():
            pytest.skip(reason)
        return self.resources.enter_context(chromium.chromium())

    @cached_property
    def _login(self) -> StorageState:
        """The cookies of a person who has logged in on the login page."""
        with self.browser.new_context(locale="en-US") as opened:
            opened.set_default_timeout(SLOW)
            log_in(opened.new_page(), self.airflow.url, self.airflow.login, self.airflow.password)
            return StorageState(cookies=opened.storage_state()["cookies"])

    @contextmanager
    def logged_in(self, path: str, **context: Any) -> Iterator[Page]:
        """A page of Airflow's, in a new browser of a person who has logged in.

        All tests share one login: it ends on Airflow's first page, whose scripts take seconds of processor time.

        Args:
            path: of the page, as in `/dags/ncbi_virus_census` or `/virus-warehouse/runs`.
            context: browser settings: `timezone_id`, `color_scheme`, `viewport` and so on.
        """
        settings = {"timezone_id": "UTC", "locale": "en-US", "storage_state": self._login, **context}
        with self.browser.new_context(**settings) as opened:
            opened.set_default_timeout(SLOW)
            page = opened.new_page()
            page.goto(f"{self.airflow.url}{path}")
            yield page

    @contextmanager
    def publications_paused(self) -> Iterator[None]:
        """Without the publications of loads that end in the block: each is six tasks, with a process for each.

        Loads that end after the block are published, and with them these.
        """
        self.airflow.pause(PUBLISH)
        try:
            yield
        finally:
            self.airflow.unpause(PUBLISH)


@contextmanager
def stage_in(folder: Path) -> Iterator[Stage]:
    """A running Airflow: `viruses` was loaded last week, `mistyped` is being refused, and the others have not run."""
    sources, data = folder / "sources.yaml", DataFolder(folder / "data")
    sources.write_text(SOURCES, encoding="utf-8")
    with StandIn(today=TODAY, epoch=TODAY, records=1200) as stand_in, OtlpReceiver() as metrics:
        publish_last_week(stand_in, sources, data)
        environment = {
            "VIRUS_DATA": str(data.root),
            "VIRUS_SOURCES": str(sources),
            "NCBI_DATASETS_URL": stand_in.url,
            "AIRFLOW__METRICS__OTEL_ON": "True",
            "OTEL_EXPORTER_OTLP_ENDPOINT": metrics.url,
        }
        with AirflowServices(environment) as airflow:
            airflow.seen(DENGUE)
            airflow.unpause(MISTYPED)
            with ExitStack() as resources:
                yield Stage(airflow, stand_in, data, metrics, resources)
        airflow.wait_until_gone()


def publish_last_week(stand_in: StandIn, sources: Path, data: DataFolder) -> None:
    """Load `viruses` nine and eight days ago, and publish it."""
    data.create()
    followed, warehouse = read_sources(sources), Warehouse(data.warehouse)
    for days in (9, 8):
        then = NOW - timedelta(days=days)
        stand_in.set_today(then.date())
        with time_machine.travel(then), DatasetsClient(stand_in.url) as client:
            ingest(followed.source("viruses"), client=client, warehouse=warehouse, data=data)
    publish(warehouse, data, followed)
    stand_in.set_today(TODAY)
