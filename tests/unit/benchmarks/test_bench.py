"""A small but real benchmark: packages, fresh processes, real loads. Its figures are not meaningful."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.packages import PackageCache, Recipe, lines_in
from benchmarks.plan import FLOORS, Case, Sizes, plan, plan_of_package, sizes_of_package
from benchmarks.profile_load import profile
from benchmarks.results import Results, find, results, results_of_package
from benchmarks.run import CaseFailed, Measurement, Runner
from benchmarks.tables import TARGETS, TARGETS_OF_PACKAGE, case_rows, document, query_rows, ratio_rows, stage_rows
from benchmarks.warehouse import QUERIES

pytestmark = pytest.mark.slow

SIZES = Sizes(small=300, delta_base=1000, medium=2000, large=3000, changed=200)

PEER_RATIOS = {"dlt_arrow_over_load", "dlt_default_over_load", "pandas_over_load", "script_over_load"}
OWN_RATIOS = {"load_over_floor", "delta_1m_over_delta_100k", "unchanged_over_floor", "peak_rss_mib_1m"}

Progress = list[tuple[int, str]]


def runner(folder: Path, progress: Progress) -> Runner:
    def report(case: Case, number: int, measurement: Measurement) -> None:
        progress.append((number, case.name))

    return Runner(folder, python=Path(sys.executable), peer_python=Path("there are no peers here"), report=report)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def small(folder: Path) -> Recipe:
    """The recipe of a small package, which has been made."""
    recipe = Recipe(SIZES.small)
    PackageCache(folder).make({recipe}, processes=1)
    return recipe


@pytest.fixture(scope="module")
def measured(folder: Path) -> Results:
    cases = plan(SIZES, full=False, peers=False)
    return results(runner(folder, []).run(cases, runs=1), SIZES, full=False, versions={"virus_warehouse": "0"})


@pytest.mark.long
def test_ratios_have_exactly_the_documented_keys_and_only_peer_ratios_are_missing(measured: Results) -> None:
    ratios = measured["ratios"]
    assert set(ratios) == OWN_RATIOS | PEER_RATIOS
    assert {key for key, value in ratios.items() if value is None} == PEER_RATIOS
    assert all(ratios[key] > 0 for key in OWN_RATIOS)
    assert set(measured["ratio_records"]) == set(ratios)


@pytest.fixture(scope="module")
def of_package(folder: Path, measured: Results) -> Results:
    """Synthetic records treated as a user's own package; their number does not divide evenly."""
    cache = PackageCache(folder)
    cache.make({Recipe(307)}, processes=1)
    package = cache.path(Recipe(307))
    sizes = sizes_of_package(lines_in(package))
    cases = plan_of_package(package, sizes, peers=False)
    return results_of_package(package, runner(folder, []).run(cases, runs=1), sizes)


def test_package_benchmark_has_the_same_cases_except_for_sizes(folder: Path) -> None:
    sizes = sizes_of_package(307)
    assert (sizes.large, sizes.medium, sizes.delta_base, sizes.changed) == (307, 307, 30, 3)
    of_package = {case.name for case in plan_of_package(folder / "some.zip", sizes)}
    assert of_package <= {case.name for case in plan(SIZES, full=False)}
    assert of_package >= {"load", "floor", "unchanged", "revised", "census", "publish", "delta", "pandas"}


@pytest.mark.long
def test_package_benchmark_has_the_same_ratios(measured: Results, of_package: Results) -> None:
    assert of_package["file"] == "307.zip"
    assert of_package["ratios"].keys() == measured["ratios"].keys()
    assert {key for key, value in of_package["ratios"].items() if value is None} == PEER_RATIOS
    assert of_package["ratio_records"]["load_over_floor"] == 307
    rows = {(case["name"], case["records"]): case["runs"][0]["rows"] for case in of_package["cases"]}
    assert rows[("revised", 307)] == rows[("unchanged", 307)] == 307
    assert rows[("delta", 307)] == rows[("delta", 30)] == 3
    text = document({**measured, "package": of_package, "varied": {**of_package, "file": "many.zip"}})
    assert text.index("| ratio of many.zip, ") < text.index("| ratio of 307.zip, ")
    assert "| ratio of 307.zip, " in text
    assert "| load: 307 |" in text

    assert of_package["peaks_mib"].keys() == measured["peaks_mib"].keys()


@pytest.mark.long
def test_memory_is_listed_for_every_kind_of_run(measured: Results) -> None:
    assert measured["peaks_mib"].keys() == {"load", "unchanged", "census", "publish", "revised"}
    assert min(measured["peaks_mib"].values()) > 20


@pytest.mark.long
def test_every_case_has_its_figures(measured: Results) -> None:
    for case in measured["cases"]:
        if case["name"] == "census":
            continue
        assert case["wall_seconds"]["least"] <= case["wall_seconds"]["median"] <= case["wall_seconds"]["most"]
        assert case["cpu_seconds"]["median"] > 0
        assert case["peak_rss_mib"]["median"] > 20
        has_file = case["name"] not in (*FLOORS, "verify")
        assert (case["file_mib"] is not None) == has_file
    json.dumps(measured)


@pytest.mark.long
def test_case_has_its_stated_size(measured: Results) -> None:
    rows = {
        (case["name"], case["records"], case["changed"]): run["rows"]
        for case in measured["cases"]
        for run in case["runs"]
    }
    assert all(rows[(name, 2000, None)] == 2000 for name in ("load", "unchanged", "floor", "floor_with_isal"))
    assert rows[("load_all_reports", 300, None)] == rows[("floor_all_reports", 300, None)] == 300
    assert rows[("delta", 1000, 10)] == 10
    assert rows[("delta", 1000, 200)] == rows[("delta", 3000, 200)] == 200


@pytest.mark.long
def test_stages_of_a_load_add_up_to_its_total(measured: Results) -> None:
    load = find(measured["cases"], "load", 2000)
    assert load is not None
    (run,) = load["runs"]
    assert {"stage", "merge"} <= run["seconds"].keys()
    assert sum(run["seconds"].values()) == pytest.approx(run["wall_seconds"], abs=0.01)


def test_cases_alternate(folder: Path, small: Recipe) -> None:
    progress: Progress = []
    cases = [case for case in plan(SIZES, full=False, peers=False) if case.recipe == small]
    assert [len(one.runs) for one in runner(folder, progress).run(cases, runs=2)] == [2, 2]
    assert progress == [(1, "load"), (1, "floor"), (2, "load"), (2, "floor")]


@pytest.mark.long
def test_only_the_packages_are_left(measured: Results, folder: Path) -> None:
    (left,) = folder.iterdir()
    assert left == PackageCache(folder).folder
    assert all(path.suffix == ".zip" for path in left.iterdir())


@pytest.mark.long
def test_the_tables_show_every_case_and_ratio(measured: Results) -> None:
    assert {row[0] for row in ratio_rows(measured)} == set(measured["ratios"])
    assert set(TARGETS_OF_PACKAGE) < set(TARGETS)
    assert len(case_rows(measured)) == len(measured["cases"])
    assert {row[0] for row in query_rows(measured)} >= {"one record", "under a taxon"}
    text = document(measured)
    assert "| load: 2k |" in text
    assert "| delta: 200 changed of 1k |" in text


def test_case_that_loses_a_record_fails_the_benchmark(folder: Path, small: Recipe) -> None:
    class Lossy(Case):
        expected_rows = 301

    with pytest.raises(CaseFailed, match="300 correct records, expected 301"):
        runner(folder, []).run([Lossy("floor", small)], runs=1)


class Forgetful(Case):
    target = "tests.support.forgetful_peer:query"


def test_flat_files_give_the_same_answers_as_the_snapshot_and_a_differing_one_fails_the_benchmark(
    folder: Path, small: Recipe
) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    here = Path(sys.executable)
    benchmark = Runner(folder, python=here, peer_python=here, report=lambda *_: None)
    asked = benchmark.run(
        [
            Case("load", small, base=0),
            *(Case(name, small, base=300) for name in ("queries", "polars_parquet", "pandas_parquet")),
        ],
        runs=1,
    )
    answers = {one.case.name: one.runs[0]["answers"] for one in asked}
    assert set(answers["queries"]) == {file.stem for file in QUERIES.glob("*.sql")}
    flat = {"one_record", "newest_hundred", "by_country_and_month", "weekly_count", "metadata_completeness"}
    for peer in ("polars_parquet", "pandas_parquet"):
        assert answers[peer] == {question: answers["queries"][question] for question in flat}
    outcome = results(asked, SIZES, full=False, versions={})
    assert {row[0] for row in stage_rows(outcome)} == {"load: 300"}
    rows = query_rows(outcome)
    assert [row[0] for row in rows if all(row)] == sorted(question.replace("_", " ") for question in flat)
    with pytest.raises(CaseFailed, match="one_record has a different result than before"):
        benchmark.run([Forgetful("forgetful", small)], runs=1)


def test_failed_case_fails_the_benchmark_with_its_reason(folder: Path, small: Recipe) -> None:
    # A delta of records that the warehouse does not hold has no base to start from.
    with pytest.raises(CaseFailed, match="NoSuchCase"):
        runner(folder, []).run([Case("NoSuchCase", small)])
    assert not list(folder.glob("work-*"))


def test_profile_lists_every_statement_of_a_load(folder: Path, small: Recipe, tmp_path: Path) -> None:
    wall, stages, statements = profile(PackageCache(folder).path(small), tmp_path)
    assert sum(stages.values()) == pytest.approx(wall, abs=0.01)
    assert sum(seconds for seconds, _ in statements) < wall
    text = " ".join(sql for _, sql in statements)
    assert "INTO staged_row" in text
    assert "COMMIT" in text
