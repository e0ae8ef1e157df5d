"""The published folder: the snapshot, its manifest, and dated snapshots, which belong together.

A snapshot and its manifest are two files, so they are replaced by two renames. A process that is killed between them
leaves the manifest of the snapshot before: `settle` finds that, without reading the snapshot, and every publication
calls it.
"""

import fcntl
import logging
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import duckdb

from virus_warehouse.across_hosts import one_host_at_a_time
from virus_warehouse.atomic_file import write_json
from virus_warehouse.bucket.copy import forget_missing, send
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.private_files import private_files
from virus_warehouse.publish.manifest import Manifest, identity_of, make_manifest, read_manifest
from virus_warehouse.publish.sequences import parts_of, publish_parts
from virus_warehouse.removal import remove
from virus_warehouse.settings import SettingError
from virus_warehouse.shortage import DiskFull, MemoryTooSmall, translate_resource_errors

logger = logging.getLogger(__name__)

KEEP_SNAPSHOTS = "VIRUS_KEEP_SNAPSHOTS"

_DATED = re.compile(r"virus-(\d{4}-\d{2}-\d{2})\.(duckdb|json)")
_UNFINISHED = re.compile(r"\.(latest|virus-[\d-]{10})\.(duckdb|json)\.[0-9a-f]{8}")


def days_kept() -> int:
    """The number of days whose snapshot `VIRUS_KEEP_SNAPSHOTS` keeps; 0 without the setting.

    Raises:
        SettingError: when it is not a whole number from 0.
    """
    text = os.environ.get(KEEP_SNAPSHOTS, "").strip()
    if not re.fullmatch(r"[0-9]{0,9}", text):
        raise SettingError(
            f"{KEEP_SNAPSHOTS} is {text!r}; it must be the number of days whose snapshot is kept, such as 30, or 0 to "
            f"keep none"
        )
    return int(text or 0)


@contextmanager
def one_publication_at_a_time(data: DataFolder) -> Iterator[None]:
    """Wait for the publication of another process that is replacing files, on whatever host."""
    with (data.candidates / ".lock").open("w") as lock, one_host_at_a_time(data, "publication"):
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            _send(data)


def _send(data: DataFolder) -> None:
    """Send the published files to the bucket of the data folder: what describes a file after it."""
    dated = [file for files in dated_snapshots(data.published).values() for file in reversed(files)]
    for place in (data.published_sequences, data.snapshot, data.manifest, *dated):
        send(place)
    forget_missing(data.candidates)


@private_files()
def mend_manifest(data: DataFolder) -> None:
    """Write the manifest of the published snapshot again if a killed publication has left that of the one before.

    Raises:
        SettingError: when `VIRUS_KEEP_SNAPSHOTS` cannot be read.
    """
    days = days_kept()
    manifest = read_manifest(data.manifest)
    if _describes(manifest, data.snapshot) if data.snapshot.exists() else not data.manifest.exists():
        return
    with one_publication_at_a_time(data):
        settle(data, days)


def prepare_manifest(data: DataFolder, candidate: Path) -> Path | None:
    """Write the manifest of a candidate that is about to be published, beside it; it is renamed after the candidate.

    Returns:
        Its path; None when there is no space for it: a publication needs none.
    """
    prepared = _prepared_path(candidate)
    try:
        with translate_resource_errors(candidate.parent):
            known = read_manifest(data.manifest)
            manifest = make_manifest(candidate, data.snapshot.name, data.published_sequences, known)
            write_json(prepared, manifest.model_dump())
    except DiskFull as error:
        logger.warning("the snapshot is published without its manifest, which the next publication writes: %s", error)
        prepared.unlink(missing_ok=True)
        return None
    return prepared


def drop_candidate(candidate: Path) -> None:
    """Remove a candidate that will not be published."""
    remove(candidate)
    remove(_prepared_path(candidate))


def settle(data: DataFolder, days: int) -> None:
    """Bring manifest and dated snapshots in line with the published snapshot. Hashes it only if its manifest is lost.

    Args:
        data: the data folder, in `one_publication_at_a_time`.
        days: the number of days whose snapshot is kept.
    """
    for file in data.published.glob(".*"):
        if _UNFINISHED.fullmatch(file.name):  # of a killed process: a running one has the lock
            file.unlink()
    if not data.snapshot.exists():
        remove(data.manifest)
        return
    try:
        with translate_resource_errors(data.published):
            manifest = _settle_latest(data)
            if manifest.day is not None:
                _settle_dated(data, manifest, manifest.day, days)
    except (DiskFull, MemoryTooSmall, duckdb.Error) as error:  # a snapshot that is damaged can still be replaced
        logger.warning("the next publication writes what is missing in %s: %s", data.published, error)
    if days:
        _thin_out(data.published, days)


def _settle_latest(data: DataFolder) -> Manifest:
    manifest = read_manifest(data.manifest)
    if manifest is not None and _describes(manifest, data.snapshot):
        return manifest
    remove(data.manifest)  # better none than that of another snapshot, if there is no space for one
    prepared = _prepared_path(data.candidates / f"{identity_of(data.snapshot).publication_id}.duckdb")
    manifest = read_manifest(prepared) if prepared.parent == data.candidates else None
    if manifest is not None and _describes(manifest, data.snapshot):
        prepared.replace(data.manifest)
    else:
        manifest = make_manifest(data.snapshot, data.snapshot.name, data.published_sequences)
        write_json(data.manifest, manifest.model_dump())
    logger.info("%s did not describe %s and was written again", data.manifest.name, data.snapshot)
    return manifest


def _settle_dated(data: DataFolder, latest: Manifest, day: str, days: int) -> None:
    dated = data.published / f"virus-{day}.duckdb"
    # Without the setting, only what a killed publication has begun.
    if not days and not (dated.exists() and dated.samefile(data.snapshot)):
        return
    manifest = latest.named(dated.name)
    path = dated.with_suffix(".json")
    if read_manifest(path) == manifest and dated.exists() and dated.stat().st_size == manifest.files[0].bytes:
        return
    beside = dated.with_name(f".{dated.name}.{secrets.token_hex(4)}")
    try:
        _link(data.snapshot, beside)
        beside.replace(dated)
    finally:
        beside.unlink(missing_ok=True)
    write_json(path, manifest.model_dump())
    logger.info("published %s", dated)


def _link(snapshot: Path, other: Path) -> None:
    """A second name of the snapshot, which is never changed in place; a copy where the file system has no links."""
    try:
        other.hardlink_to(snapshot)
    except OSError:
        shutil.copyfile(snapshot, other)
        with other.open("rb") as file:
            os.fsync(file.fileno())
        other.chmod(0o440)


def dated_snapshots(folder: Path) -> dict[str, list[Path]]:
    """The files of dated snapshots, by day: manifest and snapshot, or what there is of them."""
    files: dict[str, list[Path]] = {}
    for file in sorted(folder.glob("virus-*"), reverse=True):
        found = _DATED.fullmatch(file.name)
        with suppress(ValueError):
            if found and date.fromisoformat(found[1]):
                files.setdefault(found[1], []).append(file)
    return files


@private_files()
def move_snapshots(data: DataFolder) -> None:
    """Let the snapshots of a folder that was somewhere else read their sequences here, and write their manifests.

    Args:
        data: the data folder.
    """
    with one_publication_at_a_time(data):
        snapshots = [data.snapshot, *data.published.glob("virus-*.duckdb")]
        moved: dict[int, Manifest] = {}
        for snapshot in (path for path in snapshots if path.exists()):
            path = data.manifest if snapshot == data.snapshot else snapshot.with_suffix(".json")
            inode = snapshot.stat().st_ino  # a dated snapshot may be the published one
            try:
                if inode not in moved and _move(snapshot, data):
                    moved[inode] = make_manifest(snapshot, snapshot.name, data.published_sequences)
            except duckdb.Error as error:
                logger.warning("%s is damaged, and stays as it was: %s", snapshot, error)
            if inode in moved and path.exists():
                write_json(path, moved[inode].named(snapshot.name).model_dump())


def _move(snapshot: Path, data: DataFolder) -> bool:
    """Give a snapshot the path of its sequences here; returns whether it has any."""
    with duckdb.connect(snapshot, read_only=True) as connection:
        if not parts_of(connection):
            return False
    mode = snapshot.stat().st_mode
    snapshot.chmod(0o640)
    with duckdb.connect(snapshot) as connection:
        publish_parts(connection, data)
        connection.execute("CHECKPOINT")
    snapshot.chmod(mode)
    return True


def _thin_out(folder: Path, days: int) -> None:
    """Remove dated snapshots other than those of the last days, and the last one of each month."""
    files = dated_snapshots(folder)
    ordered = sorted(files)
    kept = {*ordered[-days:], *{day[:7]: day for day in ordered}.values()}
    for day in ordered:
        for file in files[day] if day not in kept else ():  # the manifest first: it is never without its snapshot
            remove(file)
            logger.info("removed %s, which is neither of the last %d days nor the last of its month", file, days)


def _prepared_path(candidate: Path) -> Path:
    return candidate.with_name(f"{candidate.name}.json")


def _describes(manifest: Manifest | None, snapshot: Path) -> bool:
    return manifest is not None and manifest.describes(snapshot)
