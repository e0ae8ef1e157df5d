"""The folder with all back-ups: each is a folder named by its time, which is there whole or not at all."""

import fcntl
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from virus_warehouse.backup.copies import flush_folder, flush_folders
from virus_warehouse.backup.manifest import NAME, BackupError
from virus_warehouse.private_files import FOLDER_MODE

_STAMP = "%Y%m%dT%H%M%S.%fZ"
_BACKUP = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
_UNFINISHED = re.compile(rf"\.{_BACKUP.pattern}\.[0-9a-f]{{8}}")


def backups_in(folder: Path) -> list[Path]:
    """The back-ups in a folder, oldest first."""
    return sorted(path for path in folder.glob("*") if _BACKUP.fullmatch(path.name) and (path / NAME).is_file())


def backup_of(place: Path) -> Path:
    """A back-up: the folder itself, or the newest one in it.

    Raises:
        BackupError: when there is none.
    """
    if (place / NAME).exists():
        return place
    if found := backups_in(place):
        return found[-1]
    what = "has no back-up" if place.is_dir() else "is no folder"
    raise BackupError(f"{place} {what}. Name a folder that `virus-warehouse backup` has made, or the one with all")


@contextmanager
def unfinished_backup(folder: Path) -> Iterator[tuple[Path, Path, Path | None]]:
    """A place for a new back-up, which is put under its name at the end of the block, and removed if that raises.

    Args:
        folder: the folder with all back-ups, created when missing.

    Returns:
        The unfinished back-up, its place when finished, and the back-up before; None without one.

    Raises:
        BackupError: when another back-up is being made there, or the folder cannot be written.
    """
    with _locked(folder):
        for left in folder.iterdir():
            if _UNFINISHED.fullmatch(left.name):  # of a killed back-up: a running one has the lock
                shutil.rmtree(left)
        before = backups_in(folder)
        name = _stamp_after(before[-1].name if before else None)
        unfinished = folder / f".{name}.{secrets.token_hex(4)}"
        unfinished.mkdir(FOLDER_MODE)
        try:
            yield unfinished, folder / name, before[-1] if before else None
            flush_folders(unfinished)
            unfinished.rename(folder / name)
            flush_folder(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise BackupError(
            f"there can be no back-up in {folder}: {error.filename}: {error.strerror}. Name a writable folder"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupError(f"another back-up to {folder} is being made: wait until it has ended") from error
        yield


def _stamp_after(newest: str | None) -> str:
    """The present time, or just after the newest back-up if the clock is behind: the newest one has the last name."""
    now = datetime.now(UTC)
    if newest is not None:
        now = max(now, datetime.strptime(newest, _STAMP).replace(tzinfo=UTC) + timedelta(microseconds=1))
    return f"{now:{_STAMP}}"
