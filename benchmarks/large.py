"""`make bench-large RECORDS=9000000`: one source as large as SARS-CoV-2, and the days after its full load.

With `PACKAGE=file.zip` its records are those of that package, copied as often as needed with other accessions.
Each case runs once, with default settings: what matters at this size is whether it fits, and how it grows.
"""

import argparse
import sys
import time
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.packages import PackageCache, Recipe, lines_in
from benchmarks.plan import Case
from benchmarks.run import Measurement, Runner, bench_folder
from benchmarks.tables import case_name

RECORDS, CHANGED = 9_000_000, 10_000

HEADER = ("case", "wall, s", "processor, s", "peak memory, MiB", "file, MiB")


def main() -> None:
    """Run the cases, and print their figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large")
    parser.add_argument("--records", type=int, default=RECORDS)
    parser.add_argument("--package", type=Path, help="take the records of this package")
    options = parser.parse_args()
    console, started = Console(), time.monotonic()

    def report(case: Case, _: int, measurement: Measurement) -> None:
        elapsed = time.monotonic() - started
        console.print(f"[{elapsed:4.0f} s] {' | '.join(row(case, measurement))}", highlight=False)

    console.print("Creating packages that are not in the cache: nine million made-up records take half an hour.")
    runner = Runner(bench_folder(), python=Path(sys.executable), peer_python=Path("no peers"), report=report)
    planned = (
        cases_of_package(options.records, CHANGED, options.package, runner.packages)
        if options.package
        else cases(options.records, CHANGED)
    )
    table = Table(*HEADER, box=SIMPLE_HEAD)
    for measured in runner.run(planned, runs=1):
        table.add_row(*row(measured.case, *measured.runs))
    console.print(table)


def cases(records: int, changed: int) -> list[Case]:
    """A full load, and what may come on the next day: the same records, a few of them changed, all of them revised.

    Args:
        records: how many the source has.
        changed: how many of them change in the case `delta`.
    """
    return _cases(Recipe(records), Recipe(records, changed), Recipe(records, records))


def cases_of_package(records: int, changed: int, package: Path, packages: PackageCache) -> list[Case]:
    """The same, with the records of a package.

    Args:
        records: how many the source has: copies, if the package has fewer.
        changed: how many of them change in the case `delta`.
        package: the package.
        packages: where a package of all its records is created, revised: it is quicker to revise them before they are
            copied.
    """
    held = lines_in(package)
    revised = Recipe(held, held, source_package=package)
    packages.make({revised}, processes=1)
    return _cases(
        Recipe(records, source_package=package),
        Recipe(records, changed, source_package=package),
        Recipe(records, source_package=packages.path(revised)),
    )


def _cases(whole: Recipe, some_changed: Recipe, all_revised: Recipe) -> list[Case]:
    return [
        Case("load", whole, base=0),
        *(Case(name, whole, base=whole.records) for name in ("unchanged", "census", "publish")),
        Case("delta", some_changed, base=whole.records),
        Case("revised", all_revised, base=whole.records),
    ]


def row(case: Case, measurement: Measurement) -> tuple[str, ...]:
    """The figures of a case, as in docs/performance.md."""
    file = measurement["file_mib"]
    return (
        case_name(case),
        f"{measurement['wall_seconds']:.1f}",
        f"{measurement['cpu_seconds']:.1f}",
        f"{measurement['peak_rss_mib']:.0f}",
        "" if file is None else f"{file:.0f}",
    )


if __name__ == "__main__":
    main()
