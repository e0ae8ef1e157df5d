"""Whether this Python is one that the project supports."""

import platform
from importlib.metadata import PackageNotFoundError, metadata

from packaging.specifiers import SpecifierSet

from virus_warehouse.doctor.finding import Finding, failure, ok, skipped
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.doctor.packages import DISTRIBUTION, INSTALL, NOT_INSTALLED


def check_python(_: Installation) -> Finding:
    """Whether the running Python is in the range that the package declares."""
    try:
        supported = metadata(DISTRIBUTION)["Requires-Python"]
    except PackageNotFoundError:
        return skipped(NOT_INSTALLED, INSTALL)
    return judge(platform.python_version(), supported)


def judge(version: str, supported: str) -> Finding:
    """The finding for a version of Python.

    Args:
        version: the version, such as `3.12.4`.
        supported: the range, such as `>=3.11`.
    """
    if not SpecifierSet(supported).contains(version, prereleases=True):
        return failure(
            f"Python {version} does not meet {supported}.",
            f"Install virus-warehouse with a Python {supported}; in a checkout, remove .venv and run `make setup`.",
        )
    return ok(f"Python {version} meets {supported}.")
