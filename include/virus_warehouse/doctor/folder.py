"""Whether this user can work in the data folder, and others cannot look into it."""

import os
from collections.abc import Iterator
from pathlib import Path

from virus_warehouse.doctor.finding import Finding, failure, ok, warning
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.private_files import WORLD
from virus_warehouse.wording import counted

_FOLDER, _FILE = os.R_OK | os.W_OK | os.X_OK, os.R_OK | os.W_OK
_SHOWN = 3


def check_folder(installation: Installation) -> Finding:
    """Whether the folders and the warehouse can be read and written; nothing is written to find out."""
    root = installation.data.root
    existing = next(path for path in (root, *root.parents) if path.exists())
    if not existing.is_dir():
        return failure(f"{existing} is not a folder.", "Set VIRUS_DATA to a folder, or move this file away.", 2)
    if existing != root:
        if not os.access(existing, os.W_OK | os.X_OK):
            return failure(
                f"{root} does not exist, and {existing} is not writable.",
                "Set VIRUS_DATA to a writable folder, or make this one writable for the user that runs the loads.",
                2,
            )
        return ok(f"{root} does not exist yet; the first run creates it.")
    if closed := list(_closed(installation)):
        listed = ", ".join(map(str, closed[:_SHOWN])) + (" and others" if len(closed) > _SHOWN else "")
        return failure(
            f"{root}: {counted(len(closed), 'path')} not readable and writable for this user ({_user()}): {listed}.",
            "Run the command as the user that runs the loads, or make these writable for both, with chown or chmod.",
            2,
        )
    mode = root.stat().st_mode
    if mode & WORLD:
        return warning(
            f"{root} has mode {mode & 0o7777:o}: every user of this machine can open what is in it.",
            f"Close it for others with `chmod o= {root}`.",
        )
    return ok(f"{root} is readable and writable for this user, and closed for others.")


def _closed(installation: Installation) -> Iterator[Path]:
    """The paths that this user cannot use as a run does."""
    data = installation.data
    if not os.access(data.root, _FOLDER):
        yield data.root  # nobody knows what is in it
        return
    packages = filter(Path.is_dir, data.packages.iterdir()) if os.access(data.packages, _FOLDER) else ()
    places = (data.packages, data.parts, data.sequences, data.refused, data.runs, data.temporary, data.published)
    folders = (*packages, *places)
    files = installation.warehouse_files
    needed = {**dict.fromkeys(folders, _FOLDER), **dict.fromkeys(files, _FILE)}
    if os.access(data.published, _FOLDER):
        needed |= {data.candidates: _FOLDER, data.snapshot: os.R_OK}
    # For a path in a closed folder, both answers are no: then the folder is what is reported.
    yield from (path for path, mode in needed.items() if os.access(path, os.F_OK) and not os.access(path, mode))


def _user() -> str:
    return f"uid {os.geteuid()}"
