"""Tables of the results, for the terminal and for the generated part of docs/performance.md."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from benchmarks.plan import QUERY_PEERS, Case
from benchmarks.results import Results, find

TARGETS = {
    "load_over_floor": "at most 1.9",
    "unchanged_over_floor": "at most 1.3",
    "delta_1m_over_delta_100k": "at most 1.3",
    "peak_rss_mib_1m": "at most 600",
    "pandas_over_load": "at least 10",
    "script_over_load": "at least 1.0",
    "dlt_default_over_load": "at least 60",
    "dlt_arrow_over_load": "",
}
"""Targets for made-up data, in the order of the ratios."""

TARGETS_OF_PACKAGE = {
    "load_over_floor": "at most 3.0",
    "unchanged_over_floor": "at most 2.2",
    "delta_1m_over_delta_100k": "at most 1.5",
    "peak_rss_mib_1m": "at most 600",
    "pandas_over_load": "at least 5",
    "script_over_load": "",
    "dlt_arrow_over_load": "",
}
"""Targets for genuine data of thousands of taxa. The deltas compare all records with a tenth of them."""

BEGIN, END = "<!-- written by make bench -->", "<!-- end -->"

CASE_HEADER = ("case", "wall, s", "spread", "processor, s", "peak memory, MiB", "file, MiB")
PEAK_HEADER = ("case", "peak memory, MiB")
RATIO_HEADER = ("ratio", "measured", "target", "records")
STAGE_HEADER = ("case", "stage", "s", "share")
SLOPE_HEADER = ("case", "from", "to", "s for each further 100k", "MiB for each further 100k")
QUERY_HEADER = ("query", "records", "snapshot, ms", "Parquet with Polars, ms", "Parquet with pandas, ms")

Rows = list[tuple[str, ...]]


def short(count: int) -> str:
    """A count in short form: 20k, 1M."""
    for size, suffix in ((1_000_000, "M"), (1_000, "k")):
        if count >= size and count % size == 0:
            return f"{count // size}{suffix}"
    return str(count)


def case_name(case: Case) -> str:
    """The label of a case, with its size."""
    return _name(case.name, case.recipe.records, case.recipe.changed)


def ratio_rows(results: Results, targets: Mapping[str, str] = TARGETS) -> Rows:
    """The ratios with their targets."""
    ratios, records = results["ratios"], results["ratio_records"]
    return [
        (key, "not measured" if ratios[key] is None else f"{ratios[key]:.4g}", target, short(records[key]))
        for key, target in targets.items()
        if key in ratios  # results of a package may be from an earlier version with other ratios
    ]


def peak_rows(results: Results) -> Rows:
    """The peak memory of each kind of run."""
    return [(name, f"{peak:.0f}") for name, peak in results.get("peaks_mib", {}).items()]


def case_rows(results: Results) -> Rows:
    """The medians of every case, and the spread of its wall seconds."""
    return [_case_row(case) for case in results["cases"]]


def query_rows(results: Results) -> Rows:
    """Milliseconds of each query at each size, and on a flat file where possible."""
    rows = []
    for case in results["cases"]:
        if case["name"] != "queries":
            continue
        peers = [find(results["cases"], peer, case["records"]) for peer in QUERY_PEERS]
        for query in case["seconds"]:
            measured = [one and one["seconds"].get(query) for one in (case, *peers)]
            figures = (f"{seconds['median'] * 1000:.1f}" if seconds else "" for seconds in measured)
            rows.append((query.replace("_", " "), short(case["records"]), *figures))
    return rows


def stage_rows(results: Results) -> Rows:
    """The wall seconds of each case by stage."""
    return [
        (
            _name(case["name"], case["records"], case["changed"]),
            stage,
            f"{seconds['median']:.2f}",
            f"{seconds['median'] / case['wall_seconds']['median']:.0%}",
        )
        for case in results["cases"]
        if case["name"] not in ("queries", *QUERY_PEERS) and case["runs"]
        for stage, seconds in case["seconds"].items()
    ]


def slope_rows(results: Results) -> Rows:
    """The cost of additional records, between consecutive sizes of the load and of the floor."""
    rows: Rows = []
    for name in ("load", "floor"):
        cases = sorted((case for case in results["cases"] if case["name"] == name), key=lambda case: case["records"])
        for smaller, larger in pairwise(cases):
            more = (larger["records"] - smaller["records"]) / 100_000
            slopes = [
                (larger[figure]["median"] - smaller[figure]["median"]) / more
                for figure in ("wall_seconds", "peak_rss_mib")
            ]
            sizes = short(smaller["records"]), short(larger["records"])
            rows.append((name, *sizes, f"{slopes[0]:.2f}", f"{slopes[1]:.0f}"))
    return rows


def print_tables(console: Console, results: Results) -> None:
    """Print all tables on the terminal."""
    for header, rows in _tables(results):
        table = Table(*header, box=SIMPLE_HEAD)
        for row in rows:
            table.add_row(*row)
        console.print(table)


def document(results: Results) -> str:
    """All tables in Markdown, with the machine and the versions."""
    machine, versions = results["machine"], results["versions"]
    kind, day = "full" if results["full"] else "quick", results["measured_at"][:10]
    facts = [
        f"Measured {day}, a {kind} run: {machine['processor']}, {machine['cores']} cores",
        f"{machine['memory_gib']:.0f} GiB",
        f"{machine['system']}",
        f"Python {machine['python']}",
        *(f"{name} {number}" for name, number in versions.items()),
    ]
    parts = [", ".join(facts) + "."]
    parts += [_markdown(header, rows) for header, rows in _tables(results) if rows]
    return "\n\n".join(parts)


def write_document(path: Path, results: Results) -> None:
    """Put the tables between the markers of a Markdown file."""
    before, rest = path.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n\n{document(results)}\n\n{END}{after}", encoding="utf-8")


def _tables(results: Results) -> list[tuple[tuple[str, ...], Rows]]:
    return [
        (RATIO_HEADER, ratio_rows(results)),
        (PEAK_HEADER, peak_rows(results)),
        *_tables_of_package(results.get("varied"), TARGETS),
        *_tables_of_package(results.get("package"), TARGETS_OF_PACKAGE),
        (CASE_HEADER, case_rows(results)),
        (SLOPE_HEADER, slope_rows(results)),
        (STAGE_HEADER, stage_rows(results)),
        (QUERY_HEADER, query_rows(results)),
    ]


def _tables_of_package(package: Results | None, targets: Mapping[str, str]) -> list[tuple[tuple[str, ...], Rows]]:
    if package is None:
        return []
    of_package = f"of {package['file']}, {package['measured_at'][:10]}"
    tables = (
        (RATIO_HEADER, ratio_rows(package, targets)),
        (PEAK_HEADER, peak_rows(package)),
        (CASE_HEADER, case_rows(package)),
    )
    return [((f"{header[0]} {of_package}", *header[1:]), rows) for header, rows in tables]


def _markdown(header: tuple[str, ...], rows: Rows) -> str:
    lines = [header, ("---",) + ("---:",) * (len(header) - 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _case_row(case: dict[str, Any]) -> tuple[str, ...]:
    name = _name(case["name"], case["records"], case["changed"])
    wall, file = case["wall_seconds"], case["file_mib"]
    return (
        name,
        f"{wall['median']:.2f}",
        f"{wall['least']:.2f} to {wall['most']:.2f}",
        f"{case['cpu_seconds']['median']:.2f}",
        f"{case['peak_rss_mib']['median']:.0f}",
        "" if file is None else f"{file['median']:.0f}",
    )


def _name(name: str, records: int, changed: int | None) -> str:
    if changed is not None:
        return f"{name}: {short(changed)} changed of {short(records)}"
    return f"{name.replace('_', ' ')}: {short(records)}"
