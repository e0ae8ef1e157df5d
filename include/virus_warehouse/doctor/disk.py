"""Whether the disks have space for the next load and publication."""

import os
import shutil
from pathlib import Path

from virus_warehouse.doctor.finding import Finding, failure, ok, warning
from virus_warehouse.doctor.installation import Installation, existing_folder
from virus_warehouse.wording import counted

SMALLEST_BYTES = 100 * 10**6
"""Without this much, not even a small load and its publication fit."""

COMFORTABLE_BYTES = 10**9
"""Beside two copies of the warehouse: for the package, what is spilled, and growth."""

FEWEST_FILES = 1000
"""Fewer free inodes than that, and a few weeks of run files use them up."""


def check_disk(installation: Installation) -> Finding:
    """Whether there is space for a copy of the warehouse, which a publication makes, and for a load."""
    data, files = installation.data, installation.warehouse_files
    held = sum(file.stat().st_size for file in files if file.exists())
    folders = (*(file.parent for file in files), data.root)
    places = {place.stat().st_dev: place for place in map(existing_folder, folders)}
    findings = [_judge(place, held) for place in places.values()]
    return max(findings, key=lambda finding: ("ok", "warning", "failure").index(finding.verdict))


def _judge(place: Path, held: int) -> Finding:
    free = shutil.disk_usage(place).free
    needed, comfortable = held + SMALLEST_BYTES, 2 * held + COMFORTABLE_BYTES
    warehouse = f"the warehouse has {_size(held)}" if held else "there is no warehouse yet"
    found = f"{_size(free)} free on the disk of {place}; {warehouse}"
    if free < needed:
        return failure(
            f"{found}, and its next publication, a copy, needs about {_size(needed)}.",
            "Free some space, or move VIRUS_DATA to a larger disk; loads fail when it is full, and lose nothing.",
        )
    status = os.statvfs(place)
    if status.f_files and status.f_favail < FEWEST_FILES:
        return failure(
            f"{found}, but only {counted(status.f_favail, 'more file')} can be created (inodes).",
            "Remove files that nobody needs, or move VIRUS_DATA to a disk with more inodes.",
        )
    if free < comfortable:
        return warning(
            f"{found}; a publication and a large load may need {_size(comfortable)}.",
            "Free some space, or lower retention_days in the sources file, before the disk is full.",
        )
    return ok(f"{found}.")


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 10**9 else f"{count / 1e6:.1f} MB"
