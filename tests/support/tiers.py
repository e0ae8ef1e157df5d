"""A pytest plugin for the tiers of tests, their order, and their reruns.

CONTRIBUTING.md explains the tiers.
"""

import os
import secrets
from collections.abc import Generator, Iterable
from typing import Any, TypeVar

import pytest
from xdist.scheduler import LoadFileScheduling

MARKER_OF_FOLDER = {"services": "services", "end_to_end": "airflow", "property": "slow", "integration": "slow"}
"""The marker of all tests in a folder of `tests/`. The folders run in this order, those in `unit/` last: what takes
longest begins, so that no worker is left with it at the end."""

TRIED_TWICE = "services", "browser"
"""Markers of tests that may fail once for external reasons: a browser, a scheduler on a busy machine."""


Case = TypeVar("Case")


def some_of(cases: Iterable[Case], *, one_in: int, first: int = 0) -> list[Any]:
    """Similar cases for `parametrize`: one in `one_in` is for `make test`, the others are for `make test-long`.

    Args:
        cases: all of them.
        one_in: the number of cases of which one is for `make test`.
        first: the index of the first of those.
    """
    return [
        pytest.param(case, marks=[] if number % one_in == first else [pytest.mark.long])
        for number, case in enumerate(cases)
    ]


def all_long(cases: Iterable[Case]) -> list[Any]:
    """Cases for `parametrize` that are for `make test-long` only."""
    return [pytest.param(case, marks=[pytest.mark.long]) for case in cases]


def pytest_configure() -> None:
    """Choose the seed here, before xdist starts its workers, so that all of them have the same."""
    os.environ.setdefault("VIRUS_TEST_SEED", str(secrets.randbelow(1_000_000)))


def pytest_report_header(config: pytest.Config) -> str | None:
    """Show how to repeat the long tests with the same seed."""
    if config.option.markexpr.startswith("long"):
        return f"seed: {os.environ['VIRUS_TEST_SEED']} (to repeat: make test-long SEED=...)"
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each test its folder's marker, before pytest chooses by markers, and put the longest first."""
    folders = [*MARKER_OF_FOLDER, "unit"]

    def folder(item: pytest.Item) -> str:
        return item.path.relative_to(config.rootpath / "tests").parts[0]

    for item in items:
        if marker := MARKER_OF_FOLDER.get(folder(item)):
            item.add_marker(marker)
        if any(item.get_closest_marker(name) for name in TRIED_TWICE):
            item.add_marker(pytest.mark.flaky(reruns=1))
    items.sort(key=lambda item: folders.index(folder(item)))


ON_ONE_WORKER = "tests/services", "tests/end_to_end"
"""Folders whose tests share an Airflow. It takes ten seconds of processor time to start in a worker, in `end_to_end/`
as well: for its database, for its imports, and for its first task."""


class Scheduling(LoadFileScheduling):
    """One worker runs each test file, and one all files of a folder whose tests share an Airflow."""

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        return next((folder for folder in ON_ONE_WORKER if scope.startswith(f"{folder}/")), scope)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """Use our scheduling instead of `--dist loadfile`."""
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than the number of processors, because some tests only wait."""
    given = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return len(given) + 1


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """List each test that passed only at its second try, with its first failure, at the end of the output."""
    yield
    passed = {report.nodeid for report in terminalreporter.stats.get("passed", [])}
    first_tries = [report for report in terminalreporter.stats.get("rerun", []) if report.nodeid in passed]
    if first_tries:
        terminalreporter.section("flaky: passed at the second try")
        for report in first_tries:
            terminalreporter.write_line(f"FLAKY {report.nodeid}")
            terminalreporter.write_line(report.longreprtext)
