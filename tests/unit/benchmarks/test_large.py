"""The benchmark of one large source measures each case, here on a few records."""

import sys
from pathlib import Path

import pytest

from benchmarks.large import HEADER, cases, cases_of_package, row
from benchmarks.packages import Recipe, write_package
from benchmarks.run import Runner

pytestmark = pytest.mark.slow


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path, python=Path(sys.executable), peer_python=Path("no peers"), report=lambda *_: None)


def test_every_case_is_measured_and_has_its_records(runner: Runner) -> None:
    planned = cases(300, 10)
    chosen = [case for case in planned if case.name in {"load", "delta", "revised"}]
    rows = [row(measured.case, *measured.runs) for measured in runner.run(chosen, runs=1)]
    assert [first for first, *_ in rows] == [
        "load: 300",
        "delta: 10 changed of 300",
        "revised: 300 changed of 300",
    ]
    assert all(len(figures) == len(HEADER) and all(map(float, figures[1:])) for figures in rows)
    assert {case.name for case in planned} == {"load", "unchanged", "census", "publish", "delta", "revised"}


def test_records_of_a_package_are_loaded_and_all_revised(runner: Runner, tmp_path: Path) -> None:
    package = tmp_path / "thirty.zip"
    write_package(Recipe(30), package)
    planned = cases_of_package(70, 7, package, runner.packages)
    chosen = [case for case in planned if case.name in {"load", "delta", "revised"}]
    assert [measured.runs[0]["rows"] for measured in runner.run(chosen, runs=1)] == [70, 7, 70]
