"""The results of the runs: medians with their spread, and the ratios that have targets."""

import os
import platform
import statistics
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.plan import Sizes
from benchmarks.run import Measured

FIGURES = ("wall_seconds", "cpu_seconds", "peak_rss_mib", "file_mib")

Results = dict[str, Any]


def results(measured: list[Measured], sizes: Sizes, *, full: bool, versions: dict[str, str]) -> Results:
    """The results that are stored. docs/performance.md explains each ratio."""
    cases = [_summary(one) for one in measured]
    ratios, ratio_records = _ratios(cases, sizes)
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "full": full,
        "machine": machine(),
        "versions": versions,
        "sizes": asdict(sizes),
        "ratios": ratios,
        "ratio_records": ratio_records,
        "peaks_mib": _peaks(cases, sizes),
        "cases": cases,
    }


def results_of_package(package: Path, measured: list[Measured], sizes: Sizes) -> Results:
    """The same for a given package."""
    kept = ("measured_at", "sizes", "ratios", "ratio_records", "peaks_mib", "cases")
    content = results(measured, sizes, full=False, versions={})
    return {"file": package.name, **{key: content[key] for key in kept}}


def find(cases: list[Results], name: str, records: int, changed: int | None = None) -> Results | None:
    """The case with this name and size, if it was measured."""
    for case in cases:
        if (case["name"], case["records"], case["changed"]) == (name, records, changed) and case["runs"]:
            return case
    return None


def machine() -> dict[str, object]:
    """A description of the machine, without anything that identifies it."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _summary(measured: Measured) -> Results:
    case, runs = measured.case, measured.runs
    summary: Results = {"name": case.name, "records": case.recipe.records, "changed": case.recipe.changed}
    for figure in FIGURES:
        values = [run[figure] for run in runs if run[figure] is not None]
        summary[figure] = _spread(values) if values else None
    stages = {stage: [run["seconds"][stage] for run in runs] for stage in runs[0]["seconds"]}
    summary["seconds"] = {stage: _spread(values) for stage, values in stages.items()}
    return summary | {"runs": runs}


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}


def _ratios(cases: list[Results], sizes: Sizes) -> tuple[dict[str, float | None], dict[str, int]]:
    """The ratios of medians, and the number of records of each: for a peer, its largest measured size."""
    medium, large, base, changed = sizes.medium, sizes.large, sizes.delta_base, sizes.changed
    ratios = {
        "load_over_floor": _ratio(find(cases, "load", medium), find(cases, "floor", medium)),
        "delta_1m_over_delta_100k": _ratio(find(cases, "delta", large, changed), find(cases, "delta", base, changed)),
        "unchanged_over_floor": _ratio(find(cases, "unchanged", medium), find(cases, "floor", medium)),
    }
    records = dict.fromkeys(ratios, medium) | {"delta_1m_over_delta_100k": large, "peak_rss_mib_1m": large}
    for peer in ("dlt_arrow", "dlt_default", "pandas", "script"):
        key = f"{peer}_over_load"
        records[key] = medium if find(cases, peer, medium) else sizes.small
        ratios[key] = _ratio(find(cases, peer, records[key]), find(cases, "load", records[key]))
    largest = find(cases, "load", large)
    ratios["peak_rss_mib_1m"] = None if largest is None else largest["peak_rss_mib"]["median"]
    return ratios, records


def _peaks(cases: list[Results], sizes: Sizes) -> dict[str, float]:
    """Peak memory of the regular kinds of run, in MiB, at the size that is compared with the floor."""
    names = {"load": None, "unchanged": None, "census": None, "publish": None, "revised": sizes.medium}
    found = {name: find(cases, name, sizes.medium, changed) for name, changed in names.items()}
    return {name: case["peak_rss_mib"]["median"] for name, case in found.items() if case}


def _ratio(case: Results | None, to: Results | None) -> float | None:
    if case is None or to is None:
        return None
    quotient: float = case["wall_seconds"]["median"] / to["wall_seconds"]["median"]
    return round(quotient, 3)


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.split(":", 1)[1].split())
    return platform.processor() or platform.machine()
