"""What every test stands on: no setting of the machine's owner reaches a test, and Airflow has a home of its own.

Here too: which tests belong to which tier, in which order they run, and what is said of those that passed only at
their second try. CONTRIBUTING.md explains the tiers.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from scripts import airflow_home

# Airflow reads its configuration when it is first imported: it must lie there before any test module does that.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
airflow_home.write_configuration(Path(os.environ["AIRFLOW_HOME"]))
for name in (
    "NCBI_DATASETS_URL",
    "NCBI_API_KEY",
    "NCBI_DATASETS_PATIENCE",
    "VIRUS_DATA",
    "VIRUS_SOURCES",
    "VIRUS_WAREHOUSE",
    "VIRUS_MEMORY_LIMIT",
    "VIRUS_THREADS",
    "VIRUS_MAX_PACKAGE_BYTES",
    "VIRUS_MAX_COMPRESSION_RATIO",
):
    os.environ.pop(name, None)

MARKER_OF_FOLDER = {"services": "services", "end_to_end": "airflow", "property": "slow", "integration": "slow"}
"""The tier of all tests in a folder of `tests/`, in the order in which they run: what takes longest begins, so that
no worker is left with it at the end. Tests in `unit/` are fast unless one says otherwise of itself."""

TRIED_TWICE = "services", "browser"
"""Markers of tests that may fail once for reasons that are not ours: a browser, a scheduler on a busy machine."""


def pytest_configure() -> None:
    """Choose the seed here, before xdist starts its workers, so that all of them have the same."""
    os.environ.setdefault("VIRUS_TEST_SEED", str(secrets.randbelow(1_000_000)))


def pytest_report_header(config: pytest.Config) -> str | None:
    """How to play a long test again as it was played."""
    if "long" in config.option.markexpr and "not long" not in config.option.markexpr:
        return f"seed: {os.environ['VIRUS_TEST_SEED']} (the same again: make test-long SEED=…)"
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its tier's marker, before pytest chooses by markers, and put the longest first."""
    for item in items:
        if marker := MARKER_OF_FOLDER.get(_folder(item)):
            item.add_marker(marker)
        if any(item.get_closest_marker(name) for name in TRIED_TWICE):
            item.add_marker(pytest.mark.flaky(reruns=1))
    folders = [*MARKER_OF_FOLDER, "unit"]
    items.sort(key=lambda item: folders.index(_folder(item)))


def _folder(item: pytest.Item) -> str:
    return item.path.relative_to(Path(__file__).parent).parts[0]


class Scheduling(LoadFileScheduling):
    """A file of tests is one worker's, and so are all tests in `services/`: they share an Airflow."""

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        return "tests/services" if scope.startswith("tests/services/") else scope


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """Ours in place of `--dist loadfile`."""
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Name each test that was tried twice, with what it failed of first: last, where nobody overlooks it."""
    yield
    if reruns := terminalreporter.stats.get("rerun"):
        terminalreporter.section("flaky: failed, and was tried once more")
        for report in reruns:
            terminalreporter.write_line(f"FLAKY {report.nodeid} ({report.when})")
            terminalreporter.write_line(report.longreprtext)


def pytest_sessionfinish() -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ["AIRFLOW_HOME"], ignore_errors=True)
