"""Publishing a checked candidate: restore held-back sources, then publish with one rename."""

import logging
from collections.abc import Collection, Mapping
from pathlib import Path

import duckdb

from virus_warehouse.bucket.copy import filled
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import log_of
from virus_warehouse.failure import PermanentFailure
from virus_warehouse.followed import followed_sources
from virus_warehouse.private_files import private_files
from virus_warehouse.publish.about import About, published_about, read_about, write_changes
from virus_warehouse.publish.candidate import candidate_path, open_candidate
from virus_warehouse.publish.check import check_candidate
from virus_warehouse.publish.gates import GateFailed
from virus_warehouse.publish.hold_back import hold_back, reasons_to_hold_back
from virus_warehouse.publish.prepare import new_publication_id, prepare_candidate
from virus_warehouse.publish.published_files import (
    dated_snapshots,
    days_kept,
    drop_candidate,
    one_publication_at_a_time,
    prepare_manifest,
    settle,
)
from virus_warehouse.publish.saved_questions import ask_questions
from virus_warehouse.publish.sequences import keep_parts_of, publish_parts
from virus_warehouse.questions.question import saved_questions
from virus_warehouse.removal import remove
from virus_warehouse.sources import SourcesFile
from virus_warehouse.warehouse.connection import Warehouse

logger = logging.getLogger(__name__)


class Overtaken(PermanentFailure):
    """Another publication came first, and accepted findings are not published; nothing was changed."""


def publish(
    warehouse: Warehouse,
    data: DataFolder,
    followed: SourcesFile,
    accepted: Collection[str] = (),
    *,
    source: str | None = None,
) -> About:
    """Prepare, check and publish a snapshot.

    Args:
        warehouse: the warehouse to publish.
        data: the data folder.
        followed: the sources file; sources that runs were given as entries are followed, too.
        accepted: names of gates whose findings a person accepts.
        source: the only source whose findings are accepted; None for all.

    Returns:
        The description of the published snapshot.

    Raises:
        GateFailed: when a finding of no single source blocks it.
        WarehouseLocked: when the warehouse stays in use for too long.
        SettingError: when `VIRUS_KEEP_SNAPSHOTS` cannot be read, or `VIRUS_QUESTIONS` names no folder.
        DiskFull, MemoryTooSmall: when there is too little disk space or memory.
    """
    publication_id, followed = new_publication_id(), followed_sources(data, followed)
    candidate = prepare_candidate(warehouse, data, publication_id, followed)
    check_candidate(candidate, followed, data.snapshot, accepted, source=source)
    publish_candidate(data, publication_id)
    return read_about(data.snapshot)


@private_files()
def publish_candidate(data: DataFolder, publication_id: str) -> bool:
    """Publish a checked candidate with one rename: readers never see a partial snapshot.

    A held-back source is shown in its last published state; without one it is missing from the snapshot. Concurrent
    publications are coalesced: the candidate is dropped if another publication has all its loads.

    Its manifest is hashed before the rename and follows it at once. What a killed publication has left of manifests and
    dated snapshots is mended first, whether or not this one publishes anything.

    Args:
        data: the data folder.
        publication_id: the candidate's publication.

    Returns:
        Whether the published snapshot is of this publication.

    Raises:
        GateFailed: when nothing has been published yet, and nothing was loaded or every source is held back.
        Overtaken: when the candidate is dropped, although a person accepted findings that are held back.
        FileNotFoundError: when there is neither the candidate nor a later snapshot: prepare and check it first.
        DiskFull: when there is no space for held-back sources.
        SettingError: when `VIRUS_KEEP_SNAPSHOTS` cannot be read, or `VIRUS_QUESTIONS` names no folder.
    """
    candidate, days, questions = candidate_path(data, publication_id), days_kept(), saved_questions(data)
    with one_publication_at_a_time(data):
        published = published_about(data)
        settle(data, days)
        if not candidate.exists():  # possibly a retry after the rename, or after the candidate was dropped
            newest = published.publication_id if published else None
            if newest is None or publication_id > newest:
                raise FileNotFoundError(2, "no such candidate; prepare and check it first", str(candidate))
            return publication_id == newest
        about = read_about(filled(candidate))
        if published is not None and _is_superseded(about, published):
            drop_candidate(candidate)
            if lost := about.accepted & published.held_back.keys():
                raise Overtaken(
                    f"publication {published.publication_id} was published meanwhile. It has newer loads, and holds "
                    f"back {', '.join(sorted(lost))}, which this one accepts: publish again"
                )
            logger.info("publication %s already includes %s", published.publication_id, publication_id)
            return False
        if published is None and about.loaded_until is None:
            remove(candidate)
            raise GateFailed(
                "Not published: nothing has been loaded yet. `virus-warehouse run SOURCE` loads and publishes a source."
            )
        came_between = published is not None and _came_between(about, published)
        _complete(candidate, data, reasons_to_hold_back(about), came_between=came_between)
        ask_questions(candidate, data, questions)
        candidate.chmod(0o440)
        _keep_parts(data, candidate)
        manifest = prepare_manifest(data, candidate)
        log_of(data.snapshot).unlink(missing_ok=True)  # a stale log would be replayed by readers
        if manifest is None:
            remove(data.manifest)
        candidate.replace(data.snapshot)
        if manifest is not None:
            manifest.replace(data.manifest)
        settle(data, days)
    logger.info("published %s", data.snapshot)
    return True


def _keep_parts(data: DataFolder, candidate: Path) -> None:
    """Keep the parts of the sequence store that the snapshots need, and remove others."""
    dated = [file for files in dated_snapshots(data.published).values() for file in files if file.suffix == ".duckdb"]
    # A reader may still have the snapshot before this one open: its parts stay until the next publication.
    present = [data.snapshot] if data.snapshot.exists() else []
    keep_parts_of(data, candidate, *present, *dated)


def _is_superseded(candidate: About, published: About) -> bool:
    # Times alone are not reliable: a clock may have been ahead, and a rebuilt or restored warehouse may be older.
    loaded, shown = candidate.loaded_until, published.loaded_until
    return _came_between(candidate, published) and shown is not None and (loaded is None or shown >= loaded)


def _came_between(candidate: About, published: About) -> bool:
    """Whether another publication was published since the candidate was started."""
    return published.publication_id not in (candidate.previous_id, candidate.publication_id)


def _complete(candidate: Path, data: DataFolder, reasons: Mapping[str, str], *, came_between: bool) -> None:
    """Restore held-back sources. Otherwise this does not write to the candidate: a rename needs no disk space."""
    snapshot = data.snapshot
    if not reasons and not came_between and not log_of(candidate).exists():
        return
    candidate.chmod(0o640)  # a killed try may have made it read-only
    with open_candidate(candidate) as connection:
        if reasons:
            hold_back(connection, reasons, snapshot)
            publish_parts(connection, data)
            if not snapshot.exists() and _is_empty(connection):
                raise GateFailed("Not published: every source is held back. " + " ".join(reasons.values()))
        if came_between:
            write_changes(connection, snapshot, reasons)
        connection.execute("CHECKPOINT")  # the rename would leave its log behind


def _is_empty(candidate: duckdb.DuckDBPyConnection) -> bool:
    return candidate.execute("SELECT count(*) FROM ops.ingest_run WHERE status = 'success'").fetchone() == (0,)
