"""Housekeeping: work that keeps a data folder small and quick over the years, beside running loads.

Loads and publications remove what they have left themselves. Housekeeping calls the same functions for all sources, so
that nothing stays of a source that no longer loads, and does what no load does.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import duckdb

from virus_warehouse.archive import Archive
from virus_warehouse.compaction import compact
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.failure import Failure
from virus_warehouse.leftovers import (
    closed_elsewhere,
    remove_dead_folders,
    remove_old_files,
    remove_unfinished_files,
    write_ends,
)
from virus_warehouse.parts_folder import remove_stale_parts
from virus_warehouse.private_files import private_files
from virus_warehouse.publish.about import published_about
from virus_warehouse.publish.candidate import drop_old_candidates
from virus_warehouse.removal import Removed
from virus_warehouse.run_file import dead_runs
from virus_warehouse.shortage import translate_resource_errors
from virus_warehouse.sources import Source, SourcesFile
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.committed_runs import CommittedRuns
from virus_warehouse.warehouse.connection import Warehouse
from virus_warehouse.warehouse.thin_history import thin_history
from virus_warehouse.wording import counted
from virus_warehouse.workplace import workplace

logger = logging.getLogger(__name__)


class HousekeepingFailed(Failure):
    """Parts of the housekeeping failed; the others are done."""


@dataclass(frozen=True)
class _House:
    """What is kept in order: a warehouse, its data folder, and the sources that are followed."""

    warehouse: Warehouse
    data: DataFolder
    sources: tuple[Source, ...]

    def archive(self, source: Source) -> Archive:
        return Archive(self.data.packages, source.name)


@private_files()
def keep_house(warehouse: Warehouse, data: DataFolder, followed: SourcesFile) -> list[str]:
    """Do all parts of the housekeeping; a part that fails does not stop the others.

    Nothing of sources that are not followed is removed, but for what dead runs have left.

    Args:
        warehouse: the warehouse.
        data: the data folder.
        followed: the sources that are followed.

    Returns:
        What each part did, one line a part. It is logged, too.

    Raises:
        HousekeepingFailed: when parts failed.
    """
    house = _House(warehouse, data, tuple(followed.sources.values()))
    lines, failures = [], []
    for name, part in _PARTS.items():
        try:
            with translate_resource_errors(data.root):
                line = f"{name}: {part(house)}"
        except (Failure, duckdb.Error, OSError) as error:
            failures.append(f"{name}: {error}")
            logger.error("%s: %s", name, error)
        else:
            lines.append(line)
            logger.info("%s", line)
    if failures:
        raise HousekeepingFailed(f"the other parts are done, these failed: {'; '.join(failures)}")
    return lines


def _dead_runs(house: _House) -> str:
    data, dead = house.data, dead_runs(house.data.runs)
    with house.warehouse.session() as session, house.warehouse.transaction(session):
        closed = ledger.close_dead_runs(session, partial(house.warehouse.is_running, data))
        dead = sorted({*dead, *closed_elsewhere(data, closed)})
        ends = ledger.records_of(session, dead)
    write_ends(data, dead, ends)
    removed = remove_dead_folders(data) + remove_stale_parts(data)
    for archive in [house.archive(source) for source in house.sources]:
        removed += remove_unfinished_files(data, archive)
    return f"{counted(len(closed), 'run')} closed as failed, {removed}"


def _old_files(house: _House) -> str:
    return str(sum((remove_old_files(house.data, source) for source in house.sources), Removed()))


def _archive(house: _House) -> str:
    with house.warehouse.session() as session, house.warehouse.transaction(session):
        starts = {source.name: CommittedRuns(session, source.name).packages_to_start_from() for source in house.sources}
    removed, now = Removed(), datetime.now(UTC)
    for source in house.sources:
        removed += house.archive(source).prune(source.retention_days, now, starts[source.name], source.molecules)
    return str(removed)


def _history(house: _House) -> str:
    days = {source.name: source.history_days for source in house.sources if source.history_days is not None}
    if not days:
        return "kept, no source sets history_days"
    now, removed = datetime.now(UTC), {}
    with workplace(house.data, "housekeeping", house.warehouse) as (session, _), house.warehouse.transaction(session):
        for source, age in days.items():
            removed[source] = thin_history(session, source, now - timedelta(days=age), now)
    done = [f"{counted(states, 'superseded state')} of {source} removed" for source, states in removed.items()]
    if any(removed.values()):
        done.append("virus_genome_as_of refuses earlier times, see ops.history_thinned")
    return ", ".join(done)


def _candidates(house: _House) -> str:
    return str(drop_old_candidates(house.data))


def _sequence_store(house: _House) -> str:
    done = compact(house.warehouse, house.data)
    if not done.parts:
        return f"few small files, {done.removed}"
    return (
        f"{counted(done.parts, 'file')} became one with {counted(done.sequences, 'sequence')}, "
        f"{counted(done.dropped, 'sequence')} that no record needed dropped, {done.removed}; old files are removed "
        f"two days after no row names them"
    )


def _checkpoint(house: _House) -> str:
    published = published_about(house.data)
    return house.warehouse.tidy_up(published.lake_state if published else None)


_PARTS: dict[str, Callable[[_House], str]] = {
    "dead runs": _dead_runs,
    "old run files and refused packages": _old_files,
    "archive": _archive,
    "history": _history,
    "old candidates": _candidates,
    "sequence store": _sequence_store,
    "checkpoint": _checkpoint,
}
"""The parts in their order, by the names in the log. The checkpoint is the last, to free what the others have left."""
