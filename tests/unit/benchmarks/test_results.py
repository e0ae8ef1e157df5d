"""Medians, spreads and ratios are computed from the right cases."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.packages import Recipe
from benchmarks.plan import PEERS, Case, Sizes, plan
from benchmarks.results import results
from benchmarks.run import Measured, Measurement
from benchmarks.tables import BEGIN, END, document, short, slope_rows, write_document

ROOT = Path(__file__).parents[3]
SIZES = Sizes(small=10, delta_base=20, medium=40, large=80, changed=5)


def run(wall: float, rss: float = 100.0) -> Measurement:
    seconds = {"stage": wall / 2}
    return {
        "wall_seconds": wall,
        "cpu_seconds": wall,
        "peak_rss_mib": rss,
        "file_mib": None,
        "rows": 1,
        "seconds": seconds,
    }


def measured(name: str, records: int, *walls: float, changed: int | None = None, rss: float = 100.0) -> Measured:
    return Measured(Case(name, Recipe(records, changed)), [run(wall, rss) for wall in walls])


def test_ratios_are_those_of_medians() -> None:
    outcome = results(
        [
            measured("load", 10, 1, 1, 1),
            measured("load", 40, 3, 90, 4),
            measured("load", 80, 9, rss=512),
            measured("floor", 40, 2, 2, 2),
            measured("delta", 20, 1, changed=5),
            measured("delta", 20, 77, changed=1),
            measured("delta", 80, 1.25, changed=5),
            measured("unchanged", 40, 3),
            measured("dlt_arrow", 10, 5),
            measured("dlt_arrow", 40, 28),
            measured("dlt_default", 10, 60),
            measured("pandas", 10, 11),
        ],
        SIZES,
        full=False,
        versions={},
    )
    assert outcome["ratios"] == {
        "load_over_floor": 2,
        "dlt_arrow_over_load": 7,
        "dlt_default_over_load": 60,
        "pandas_over_load": 11,
        "script_over_load": None,
        "delta_1m_over_delta_100k": 1.25,
        "unchanged_over_floor": 1.5,
        "peak_rss_mib_1m": 512,
    }
    assert outcome["ratio_records"]["dlt_arrow_over_load"] == 40
    assert outcome["ratio_records"]["pandas_over_load"] == 10


def test_spread_is_listed_with_the_median() -> None:
    outcome = results([measured("load", 40, 3, 90, 4)], SIZES, full=False, versions={})
    assert outcome["cases"][0]["wall_seconds"] == {"median": 4, "least": 3, "most": 90}
    assert outcome["cases"][0]["seconds"]["stage"]["median"] == 2


def test_slope_is_the_cost_of_additional_records() -> None:
    outcome = results(
        [
            measured("load", 900_000, 7, rss=500),
            measured("load", 100_000, 2, rss=340),
            measured("load", 300_000, 4, rss=380),
            measured("floor", 100_000, 1),
        ],
        SIZES,
        full=False,
        versions={},
    )
    assert slope_rows(outcome) == [("load", "100k", "300k", "1.00", "20"), ("load", "300k", "900k", "0.50", "20")]


@pytest.mark.parametrize("full", [False, True])
def test_every_ratio_has_its_cases_in_every_plan(full: bool) -> None:
    cases = plan(Sizes(), full=full)
    outcome = results([Measured(case, [run(1.0)]) for case in cases], Sizes(), full=full, versions={})
    assert None not in outcome["ratios"].values()
    assert len(cases) == len(set(cases))


def test_only_a_full_benchmark_measures_every_peer_at_every_size() -> None:
    def sizes(full: bool) -> dict[str, list[int]]:
        cases = plan(Sizes(), full=full)
        return {peer: [case.recipe.records for case in cases if case.name == peer] for peer in PEERS}

    assert set(map(tuple, sizes(full=True).values())) == {(20_000, 200_000)}
    assert sizes(full=False)["dlt_default"] == [20_000]
    assert sizes(full=False)["pandas"] == sizes(full=False)["dlt_arrow"] == [200_000]


def test_each_case_starts_from_the_result_of_an_earlier_load() -> None:
    cases = plan(Sizes(), full=False)
    for number, case in enumerate(cases):
        loaded = {earlier.recipe.records for earlier in cases[:number] if earlier.name == "load"}
        assert case.base in {None, 0, *loaded}


@pytest.mark.parametrize(("count", "text"), [(999, "999"), (1500, "1500"), (20_000, "20k"), (1_000_000, "1M")])
def test_counts_are_abbreviated(count: int, text: str) -> None:
    assert short(count) == text


def test_only_text_between_the_markers_is_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "performance.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    outcome = results([measured("load", 40, 3)], SIZES, full=False, versions={"duckdb": "1.5.6"})
    for _ in range(2):
        write_document(path, outcome)
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{BEGIN}\n\nMeasured ")
    assert text.endswith(f"\n\n{END}\nafter\n")
    assert "old" not in text
    assert "duckdb 1.5.6" in text


def test_documented_figures_match_the_last_benchmark() -> None:
    latest = json.loads((ROOT / "benchmarks/results/latest.json").read_text(encoding="utf-8"))
    written = (ROOT / "docs/performance.md").read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    assert written.strip() == document(latest)


def test_last_benchmark_contains_no_local_path() -> None:
    text = (ROOT / "benchmarks/results/latest.json").read_text(encoding="utf-8")
    assert not re.findall(r"/(?:\w+/)+", text)
