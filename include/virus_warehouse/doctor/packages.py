"""Whether the packages that the project needs are installed, in the versions that it was tested with."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from virus_warehouse.data_folder import CHECKOUT
from virus_warehouse.doctor.finding import Finding, failure, ok, skipped, warning
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.wording import counted

DISTRIBUTION = "virus-warehouse"
"""The name of this project's own package."""

NOT_INSTALLED = f"{DISTRIBUTION} is run from a folder and is not installed, so it is not known what it requires."
INSTALL = "Install it: `make setup` in a checkout, otherwise the wheel with pip."

_SHOWN = 5


def check_packages(_: Installation) -> Finding:
    """Whether the requirements of the package are met and, in a checkout, its pins."""
    pins = CHECKOUT / "requirements.txt" if CHECKOUT else None
    try:
        needed = [Requirement(text) for text in requires(DISTRIBUTION) or ()]
    except PackageNotFoundError:
        return skipped(NOT_INSTALLED, INSTALL)
    return judge(needed, pinned(pins) if pins and pins.exists() else [])


def judge(needed: list[Requirement], pins: list[Requirement]) -> Finding:
    """The finding for what is installed here.

    Args:
        needed: the requirements of the package, with the ranges in which it can work.
        pins: the exact versions that it is tested with; empty where they are not known.
    """
    if unmet := list(_unmet(needed)):
        return failure(
            f"{counted(len(unmet), 'package')} missing or of a version that cannot work: {_listed(unmet)}.",
            "Install what is needed: `make setup` in a checkout, otherwise install the wheel again with pip.",
        )
    if differing := list(_unmet(pins)):
        return warning(
            f"{counted(len(differing), 'package')} differing from requirements.txt: {_listed(differing)}.",
            "Run `make setup`, which installs the versions that this project is tested with.",
        )
    if not pins:
        return ok(f"{counted(len(needed), 'requirement')} met; only a checkout has pins to compare with.")
    return ok(f"All of the {counted(len(pins), 'package')} in requirements.txt are installed as pinned.")


def pinned(file: Path) -> list[Requirement]:
    """The pins of a lock file with hashes, each of which begins a line."""
    lines = file.read_text(encoding="utf-8").splitlines()
    return [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalnum()]


def _unmet(requirements: list[Requirement]) -> Iterator[str]:
    for wanted in requirements:
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            yield f"{wanted.name} (not installed, needs {wanted.specifier or 'any version'})"
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            yield f"{wanted.name} {found} (needs {wanted.specifier})"


def _listed(faults: list[str]) -> str:
    more = len(faults) - _SHOWN
    return ", ".join(faults[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
