"""`make bench-pages`: response times of the pages, over HTTP, with many sources, runs and records."""

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import duckdb
import requests
import uvicorn
from rich.console import Console
from rich.table import Table

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.pages.app import create_app
from virus_warehouse.pages.explore.plots import PLOTS
from virus_warehouse.publish.prepare import new_publication_id, prepare_candidate
from virus_warehouse.publish.publication import publish_candidate
from virus_warehouse.sources import SourcesFile, read_sources
from virus_warehouse.warehouse import migrate
from virus_warehouse.warehouse.connection import Warehouse

SOURCES, RECORDS = 50, 1_000_000
REQUESTS = 15
"""Number of requests for each page."""

SQL = Path(__file__).with_name("pages_warehouse.sql")
PAGES = {
    "Overview": "/",
    "Runs": "/runs",
    "Runs, filtered": "/runs?source=source_07&status=failed",
    "Story of a run": "/runs/run-7-9",
    "Explore": "/explore?since=",
    **{f"Plot: {plot.title}": f"/explore/{plot.name}?since=" for plot in PLOTS},
}
"""Results of queries are cached, so the slowest time of Explore is that of the first request."""


def main() -> None:
    """Create the snapshot, request each page, and print the times."""
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as folder:
        data, followed = new_followed(Path(folder), SOURCES)
        load(data, SOURCES, RECORDS)
        publication_id = new_publication_id()
        prepare_candidate(Warehouse(data.warehouse), data, publication_id, followed)
        publish_candidate(data, publication_id)
        size = f"{SOURCES} sources, {10 * SOURCES} runs, {RECORDS:,} records"
        table = Table("Page", "Median, ms", "Slowest, ms", title=size)
        with serving() as url:
            for name, path in PAGES.items():
                milliseconds = [request_ms(f"{url}{path}") for _ in range(REQUESTS)]
                table.add_row(name, f"{statistics.median(milliseconds):.0f}", f"{max(milliseconds):.0f}")
        Console().print(table)


def new_followed(folder: Path, sources: int, more: str = "") -> tuple[DataFolder, SourcesFile]:
    """An empty data folder and a sources file, which this process and its children use from now on.

    Args:
        folder: where to create both.
        sources: how many the file has.
        more: further text of the file.
    """
    data, file = DataFolder(folder / "data"), folder / "sources.yaml"
    listed = "".join(f"  source_{number:02}: {{taxon: {10_000 + number}}}\n" for number in range(sources))
    file.write_text(f"sources:\n{listed}{more}", encoding="utf-8")
    os.environ |= {"VIRUS_DATA": str(data.root), "VIRUS_SOURCES": str(file)}
    data.create()
    return data, read_sources(file)


def load(data: DataFolder, sources: int, records: int) -> None:
    """Create the warehouse, with this many sources and records."""
    migrate.upgrade(data.warehouse)
    with duckdb.connect(data.warehouse) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET VARIABLE sources = {sources}")
        connection.execute(f"SET VARIABLE records = {records}")
        connection.execute(SQL.read_text(encoding="utf-8"))


@contextmanager
def serving() -> Iterator[str]:
    """The pages at a URL, for a user who is logged in."""
    app = create_app(user=lambda: SimpleNamespace(get_id=lambda: "reader"), dag_states=lambda: {})  # noqa: PIE807 (FastAPI cannot inspect `dict`)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def request_ms(url: str) -> float:
    """Milliseconds from the request to the last byte of the page."""
    started = time.monotonic()
    requests.get(url, timeout=60).raise_for_status()
    return (time.monotonic() - started) * 1000


if __name__ == "__main__":
    main()
