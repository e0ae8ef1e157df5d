"""What every test stands on: no setting of the machine's owner reaches a test, and Airflow has a home of its own.

Temporary files are in memory.
"""

import os
import shutil
import tempfile
from pathlib import Path

import hypothesis

from scripts import airflow_home
from tests.support.memory import put_temporary_files_in_memory

pytest_plugins = ["tests.support.tiers"]

put_temporary_files_in_memory()

# Airflow reads its configuration when it is first imported: it must be there before any test module does that.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="airflow-home-")
airflow_home.write_configuration(Path(os.environ["AIRFLOW_HOME"]))
for name in (
    "NCBI_DATASETS_URL",
    "NCBI_API_KEY",
    "NCBI_DATASETS_PATIENCE",
    "NCBI_DATASETS_PACE",
    "VIRUS_DATA",
    "VIRUS_SOURCES",
    "VIRUS_WAREHOUSE",
    "VIRUS_MEMORY_LIMIT",
    "VIRUS_THREADS",
    "VIRUS_MAX_PACKAGE_BYTES",
    "VIRUS_MAX_COMPRESSION_RATIO",
    "VIRUS_KEEP_SNAPSHOTS",
):
    os.environ.pop(name, None)

# No saved question: each would be asked by every publication.
os.environ["VIRUS_QUESTIONS"] = tempfile.mkdtemp(prefix="questions-")

# The same examples every time: no test fails by chance of a change that has nothing to do with it.
hypothesis.settings.register_profile("the same every time", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("the same every time")


def pytest_sessionfinish() -> None:
    """Leave nothing behind."""
    for name in ("AIRFLOW_HOME", "VIRUS_QUESTIONS"):
        shutil.rmtree(os.environ[name], ignore_errors=True)
