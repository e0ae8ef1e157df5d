"""Plots of the results: `python -m benchmarks.plots latest.json FOLDER`, with the Python of `.venv-bench`."""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

Results = dict[str, Any]

LOADERS = {
    "load": "this warehouse, everything on",
    "floor": "floor: inflate and read",
    "script": "read_json + INSERT OR REPLACE",
    "dlt_arrow": "dlt, Arrow table of pyarrow",
    "dlt_arrow_of_duckdb": "dlt, Arrow tables of DuckDB",
    "dlt_default": "dlt, default",
    "pandas": "pandas",
}
"""Labels of the loaders in the legends."""


def main() -> None:
    """Write `load.svg`, `memory.svg` and `delta.svg`."""
    results = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = Path(sys.argv[2])
    # With these settings, the same figures give the same file.
    mpl.rcParams["svg.hashsalt"] = "virus-warehouse"
    mpl.rcParams["svg.fonttype"] = "none"
    for name, title, unit, draw in (
        ("load", "A full load", "wall seconds", _draw_load),
        ("memory", "Peak memory of a full load", "MiB", _draw_memory),
        ("delta", "Changed records merged into a warehouse", "wall seconds", _draw_delta),
    ):
        figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
        draw(axes, results)
        axes.set(title=title, ylabel=unit)
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
        plt.close(figure)


def _draw_load(axes: Axes, results: Results) -> None:
    _draw_lines(axes, results, "wall_seconds")


def _draw_memory(axes: Axes, results: Results) -> None:
    _draw_lines(axes, results, "peak_rss_mib")


def _draw_lines(axes: Axes, results: Results, figure: str) -> None:
    for name, label in LOADERS.items():
        cases = sorted(
            (case for case in results["cases"] if case["name"] == name and case["runs"]),
            key=lambda case: case["records"],
        )
        if not cases:
            continue
        medians = [case[figure]["median"] for case in cases]
        below = [case[figure]["median"] - case[figure]["least"] for case in cases]
        above = [case[figure]["most"] - case[figure]["median"] for case in cases]
        style = {"linewidth": 2.5} if name == "load" else {"linewidth": 1.2, "linestyle": "--"}
        axes.errorbar([case["records"] for case in cases], medians, (below, above), label=label, marker="o", **style)
    axes.set(xscale="log", yscale="log", xlabel="records")
    sizes = sorted({case["records"] for case in results["cases"] if case["name"] == "load"})
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes], minor=False)
    axes.set_xticks([], minor=True)
    # Outside of the axes, because the lines may cover any corner.
    axes.figure.legend(loc="outside lower center", ncols=3, frameon=False)
    axes.grid(alpha=0.25, which="both")


def _draw_delta(axes: Axes, results: Results) -> None:
    cases = [case for case in results["cases"] if case["name"] == "delta" and case["runs"]]
    labels = [f"{case['changed']:,} into {case['records']:,}" for case in cases]
    axes.bar(labels, [case["wall_seconds"]["median"] for case in cases], width=0.5)
    axes.grid(alpha=0.25, axis="y")


if __name__ == "__main__":
    main()
