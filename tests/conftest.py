"""What every test stands on: no setting of the machine's owner reaches a test, and Airflow has a home of its own."""

import os
import shutil
import tempfile
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the plays against the model: a file of them takes minutes, and none shall run alone at the end."""
    items.sort(key=lambda item: "property" not in item.path.parts)


class Scheduling(LoadFileScheduling):
    """A file of tests is one worker's, and so are all tests in `browser/`: they share an Airflow."""

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        return "tests/browser" if scope.startswith("tests/browser/") else scope


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling | None:
    """Ours in place of `--dist loadfile`."""
    return Scheduling(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_sessionfinish() -> None:
    """Leave nothing behind."""
    shutil.rmtree(os.environ["AIRFLOW_HOME"], ignore_errors=True)
