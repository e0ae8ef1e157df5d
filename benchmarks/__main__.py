"""`make bench`: measures, prints results, and writes `benchmarks/results/`, `docs/plots/` and docs/performance.md."""

import argparse
import json
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from rich.console import Console

from benchmarks.packages import Recipe, lines_in
from benchmarks.plan import Case, Sizes, plan, plan_of_package, sizes_of_package
from benchmarks.results import Results, results, results_of_package
from benchmarks.run import CHECKOUT, Measurement, Runner, bench_folder
from benchmarks.tables import case_name, print_tables, write_document
from virus_warehouse import __version__

RESULTS = CHECKOUT / "benchmarks/results"
LATEST = RESULTS / "latest.json"
PLOTS = CHECKOUT / "docs/plots"
GENUINE = CHECKOUT.parent / "shared/ncbi/samples/genuine_2025-01/all_reports.zip"
"""Genuine records of thousands of taxa, which are measured if they are present next to the checkout."""

TAXA = 12_000
"""Virus taxa of the made-up data set with many taxa."""

PEER_PYTHON = CHECKOUT / ".venv-bench/bin/python"
PEER_PACKAGES = ("dlt", "duckdb", "pandas", "polars", "pyarrow")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--full", action="store_true", help="measure every peer at every size")
    parser.add_argument("--package", type=Path, help="measure with this package only")
    options = parser.parse_args()
    console, sizes, started = Console(), Sizes(), time.monotonic()

    def report(case: Case, number: int, measurement: Measurement) -> None:
        figures = f"{measurement['wall_seconds']:.2f} s, {measurement['peak_rss_mib']:.0f} MiB"
        elapsed = time.monotonic() - started
        console.print(f"[{elapsed:4.0f} s] run {number}: {case_name(case)}: {figures}", highlight=False)

    def measure(package: Path, *, peers: bool) -> Results:
        sizes = sizes_of_package(lines_in(package))
        return results_of_package(package, runner.run(plan_of_package(package, sizes, peers=peers)), sizes)

    runner = Runner(bench_folder(), python=Path(sys.executable), peer_python=PEER_PYTHON, report=report)
    console.print("Creating packages that are not in the cache; the first time, this takes about three minutes.")
    measured = json.loads(LATEST.read_text(encoding="utf-8")) if options.package else {}
    if not options.package:
        runs = runner.run(plan(sizes, full=options.full))
        measured = results(runs, sizes, full=options.full, versions=installed_versions())
        write(measured)
        varied = Recipe(sizes.medium, taxa=TAXA)
        runner.packages.make({varied}, processes=1)
        measured["varied"] = measure(runner.packages.path(varied), peers=False)
        write(measured)
    package = options.package or GENUINE
    if package.exists():
        measured["package"] = measure(package.resolve(), peers=True)
        write(measured)
    subprocess.run([PEER_PYTHON, "-m", "benchmarks.plots", LATEST, PLOTS], cwd=CHECKOUT, check=True)
    print_tables(console, measured)


def write(measured: Results) -> None:
    """Store the measurements, and update the documentation."""
    RESULTS.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    write_document(CHECKOUT / "docs/performance.md", measured)


def installed_versions() -> dict[str, str]:
    """Versions of the measured software. The warehouse and the peers must have the same DuckDB."""
    command = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    output = subprocess.run(
        [PEER_PYTHON, "-c", command, *PEER_PACKAGES], check=True, capture_output=True, text=True
    ).stdout.split()
    peers = dict(zip(PEER_PACKAGES, output, strict=True))
    if peers["duckdb"] != version("duckdb"):
        raise RuntimeError(f"the peers have DuckDB {peers['duckdb']}, the warehouse {version('duckdb')}: run make lock")
    return {"virus_warehouse": __version__, **peers}


if __name__ == "__main__":
    main()
