"""`make bench-whole`: a warehouse as large as NCBI Virus, with 15 million records in 300 sources, and its slope.

One source is loaded from a package; the others are copies of it, because there are no 15 million records here. What is
measured on that warehouse is the product itself, with default settings, each in a process of its own: a source's day of
changes, publications, pages, and with `CATALOG=postgresql://user:password@host/database` the same in a lake. The same
is measured on a tenth of it.
"""

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from benchmarks.lake import migrate_once, new_lake, run_once
from benchmarks.measured import peak_rss_mib
from benchmarks.packages import TODAY, TOMORROW, PackageCache, Recipe
from benchmarks.pages import new_followed, request_ms, serving
from benchmarks.run import bench_folder
from benchmarks.warehouse import SOURCE
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.pages.explore.plots import PLOTS
from virus_warehouse.publish.publication import publish
from virus_warehouse.sources import read_sources
from virus_warehouse.warehouse.connection import warehouse_at
from virus_warehouse.warehouse.lake_address import LakeAddress

SOURCES, RECORDS_OF_A_SOURCE = 300, 50_000
"""Of the whole. A hundredth of a source's records change in a day."""

AT_ONCE = 30
"""Sources that a statement copies."""

PAGES = ("/", "/runs", *(f"/explore/{plot.name}?since=" for plot in PLOTS))
"""The plots are of all records."""
SQL = Path(__file__).with_name("whole_of_ncbi.sql")

Place = Path | LakeAddress
Figures = dict[str, tuple[float, float | None]]
"""Seconds and peak MiB of each thing that was measured; bytes of a file are in MiB as well."""


def main() -> None:
    """Measure a tenth and the whole, and print both."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.whole_of_ncbi")
    parser.add_argument("--package", type=Path, help="take the records of this package")
    parser.add_argument("--catalog", help="measure a lake, too, with its catalog in this database")
    parser.add_argument("--sources", type=int, default=SOURCES)
    options = parser.parse_args()
    sizes = [max(options.sources // 10, 2), options.sources]
    measured = [measure(sources, options.package, options.catalog) for sources in sizes]
    titles = [f"{sources} sources, {sources * RECORDS_OF_A_SOURCE:,} records" for sources in sizes]
    table = Table("", *titles)
    for name in measured[-1]:
        table.add_row(name, *(_shown(figures[name]) for figures in measured))
    Console().print(table)


def measure(sources: int, package: Path | None, catalog: str | None, records: int = RECORDS_OF_A_SOURCE) -> Figures:
    """The figures of a warehouse.

    Args:
        sources: how many there are, with as many records each.
        package: where the records are taken from; None for made-up ones.
        catalog: the database for the catalog of a lake; None to measure none.
        records: how many each source has.
    """
    first = Recipe(records, source_package=package)
    delta = Recipe(records, records // 100, source_package=package)
    packages = PackageCache(bench_folder())
    packages.make({first, delta}, processes=2)
    with tempfile.TemporaryDirectory(prefix="bench-whole-", dir=bench_folder()) as folder:
        data, followed = new_followed(Path(folder), sources - 1, f"  {SOURCE.name}: {{taxon: 10239}}\n")
        figures: Figures = {
            "full load of a source": _in_a_process(run_once, data.root, data.warehouse, packages.path(first), TODAY)
        }
        _copy(data.warehouse, sources)
        figures["the file"] = (0.0, _mib(data.warehouse))
        figures["first publication"] = _in_a_process(_publish_once, data.root, data.warehouse, followed.path)
        figures["a day of a source"] = _in_a_process(
            run_once, data.root, data.warehouse, packages.path(delta), TOMORROW
        )
        figures["next publication"] = _in_a_process(_publish_once, data.root, data.warehouse, followed.path)
        figures["the snapshot"] = (0.0, _mib(data.snapshot))
        with serving() as url:
            for path in PAGES:  # each once: the answer of a plot is kept for the next reader
                figures[f"page {path}"] = (request_ms(f"{url}{path}") / 1000, None)
        if catalog is not None:
            lake = new_lake(catalog, folder)
            figures["moved to a lake"] = _in_a_process(migrate_once, data.root, data.warehouse, lake)
            files = Path(lake.data_path).rglob("*.parquet")
            figures["the files of the lake"] = (0.0, sum(map(_mib, files)))
            figures["a day of a source, in the lake"] = _in_a_process(
                run_once, data.root, lake, packages.path(delta), date.fromordinal(TOMORROW.toordinal() + 1)
            )
            figures["publication from the lake"] = _in_a_process(_publish_once, data.root, lake, followed.path)
        return figures


def _copy(warehouse: Path, sources: int) -> None:
    with duckdb.connect(warehouse) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        for first in range(0, sources - 1, AT_ONCE):
            connection.execute(f"SET VARIABLE first = {first}")
            connection.execute(f"SET VARIABLE last = {min(first + AT_ONCE, sources - 1) - 1}")
            connection.execute(SQL.read_text(encoding="utf-8"))


def _publish_once(root: Path, place: Place, sources: Path) -> float:
    followed = read_sources(sources)
    started = time.monotonic()
    publish(warehouse_at(place), DataFolder(root), followed)
    return time.monotonic() - started


def _in_a_process(measured: Callable[..., float], *arguments: object) -> tuple[float, float]:
    """The seconds that are measured in a process of its own, and its peak MiB."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measured, *arguments).result(), pool.submit(peak_rss_mib).result()


def _mib(file: Path) -> float:
    return file.stat().st_size / 2**20


def _shown(figures: tuple[float, float | None]) -> str:
    seconds, mib = figures
    return ", ".join([*([f"{seconds:.2f} s"] if seconds else []), *([f"{mib:,.0f} MiB"] if mib else [])])


if __name__ == "__main__":
    main()
