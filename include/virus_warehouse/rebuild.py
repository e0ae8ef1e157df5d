"""Rebuilding the warehouse from the archive: the packages of every source since its newest full one, in order.

The new file has the same rows, history, quarantine and ledger rows of loads since then. It lacks earlier history and
runs, and records that were missing or withdrawn before, unless `from_oldest` starts at the oldest archived load: it is
compared with the old file, and replaces it only if the archive has no more. Times in the future, from a clock that was
ahead, are moved to the past in the same order.

A lake is rebuilt in a file, too, which `virus-warehouse migrate` copies into a new lake: an old one is never replaced.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from dataclasses import replace as with_changes
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.archive import Archive, CommittedLoad, committed_load
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import log_of, move
from virus_warehouse.failure import Failure, PermanentFailure, UsageError
from virus_warehouse.later_lines import LaterLines
from virus_warehouse.ncbi.errors import PackageError
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.private_files import private_files
from virus_warehouse.reports.data_report import DATA_REPORT
from virus_warehouse.run_mode import FULL, REPLAY
from virus_warehouse.sequences.molecule import Molecule, molecules_of, molecules_requested
from virus_warehouse.sequences.staging import stage_sequences
from virus_warehouse.sequences.store import REBUILD, SequenceStore
from virus_warehouse.sources import limits_of
from virus_warehouse.sql_file import run_sql
from virus_warehouse.staging import (
    note_missing_reports,
    stage_package,
    stage_quarantined_lines,
    take_quarantined_lines,
)
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.committed_runs import CommittedRuns
from virus_warehouse.warehouse.connection import CommitFailed, NeedsFile, Warehouse
from virus_warehouse.warehouse.load import Acceptance, Load
from virus_warehouse.warehouse.load_reports import load_reports
from virus_warehouse.warehouse.losses import Lost, find_losses
from virus_warehouse.warehouse.merge_sequences import merge_sequences, store_letters
from virus_warehouse.warehouse.schema import ingest_run
from virus_warehouse.warehouse.storage import StorageUnreadable
from virus_warehouse.workplace import workplace

logger = logging.getLogger(__name__)

PARSE_COUNTS = ("lines", "quarantined", "duplicate", "out_of_window")
"""Counts that do not depend on the previous contents of the warehouse."""

MERGE_COUNTS = ("inserted", "revised", "touched", "unchanged", "stale", "withdrawn", "missing")
"""Counts that are also reproduced where a rebuild starts with a source's first load."""


class RebuildError(PermanentFailure):
    """A rebuilt warehouse cannot replace the old one; says why, and what to do."""


@dataclass(frozen=True)
class Gap:
    """A load that cannot be repeated, and with it every later load of its source.

    Attributes:
        source: the source.
        run_id: the run that loaded.
        reason: what is wrong with its package.
        meaning: what the rebuilt warehouse lacks as a result.
    """

    source: str
    run_id: str
    reason: str
    meaning: str

    def __str__(self) -> str:
        return f"{self.source}: run {self.run_id}: {self.reason}. {self.meaning}"


@dataclass(frozen=True)
class Loss:
    """What the rebuilt warehouse lacks of a source beside the old one.

    Attributes:
        source: the source.
        lost: how much; None when the old file cannot be read, or there is none.
        older_loads: how many older loads of the archive `from_oldest` would repeat.
    """

    source: str
    lost: Lost | None
    older_loads: int

    def __str__(self) -> str:
        what = (
            f"the new file lacks what the old one has ({self.lost})"
            if self.lost
            else "the new file may lack history, runs, missing and withdrawn records; there is no old one to compare"
        )
        older = (
            f"`--from-oldest` repeats older loads, too: {self.older_loads:,}"
            if self.older_loads
            else "The archive has no older load that can be repeated"
        )
        return f"{self.source}: {what}. {older}."


@dataclass
class Rebuilt:
    """A rebuilt warehouse.

    Attributes:
        path: the new file.
        loads: run ids of the repeated loads, in order.
        gaps: the loads that could not be repeated.
        differences: loads whose counts differ from the original ones, as text: this version reads them differently.
        losses: what it lacks beside the old one, by source.
        committed_meanwhile: runs that only an old lake has: they committed meanwhile, or the archive has no record.
        replaced: where the old file was moved when the new one replaced it.
    """

    path: Path
    loads: list[str] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    committed_meanwhile: list[str] = field(default_factory=list)
    replaced: Path | None = None


@private_files()
def rebuild(
    data: DataFolder, *, replace: bool = False, from_oldest: bool = False, warehouse: Warehouse | None = None
) -> Rebuilt:
    """Rebuild the warehouse in a new file, `warehouse.rebuilt.duckdb`, beside the old one or in the data folder.

    Args:
        data: the data folder with the archive.
        warehouse: the old one; the data folder's by default.
        replace: whether to replace the old file, which is kept under another name; not with a lake.
        from_oldest: start each source at the oldest archived load, not at the newest full one.

    Raises:
        UsageError: when the old warehouse is a rebuilt file that has not been moved.
        NeedsFile: with `replace`, when the old warehouse is a lake.
        RebuildError: when there is nothing to rebuild from; or with `replace`, when there are gaps or runs have
            committed meanwhile. The new file is then left beside the old one.
    """
    old = warehouse or Warehouse(data.warehouse)
    is_lake = old.storage.file is None
    if replace and is_lake:
        raise NeedsFile(
            f"{old.location} is a lake, which is not replaced. Leave out --replace: the warehouse is then rebuilt in a "
            f"file, which `virus-warehouse migrate` copies into a new lake. See docs/scaling.md"
        )
    rebuilt = Rebuilt(old.rebuilt_file(data))
    if rebuilt.path == old.storage.file:
        raise UsageError(f"VIRUS_WAREHOUSE is {rebuilt.path}, where a rebuild makes its file: move it elsewhere first")
    _write_missing_load_records(data, old)
    plan, redated, older_loads = [], [], {}
    for folder in sorted(path for path in data.packages.iterdir() if path.is_dir()):
        archive = Archive(data.packages, folder.name)
        recorded = archive.loads()
        loads = with_past_times(recorded, datetime.now(UTC))
        redated += [(load, archive) for load, before in zip(loads, recorded, strict=True) if load is not before]
        repeatable, gap = _repeatable(archive, loads, from_oldest=from_oldest)
        plan += [(load, archive) for load in repeatable]
        if not from_oldest:
            older_loads[folder.name] = _older_loads(archive, loads, repeatable)
        rebuilt.gaps += [gap] if gap else []
    if not plan:
        gaps = "; ".join(map(str, rebuilt.gaps)) or f"{data.packages} has no load records"
        raise RebuildError(f"nothing to rebuild from: {gaps}. `virus-warehouse run SOURCE` loads a source from NCBI.")
    for left in (rebuilt.path, log_of(rebuilt.path)):
        left.unlink(missing_ok=True)
    new = Warehouse(rebuilt.path)
    from_nothing: dict[str, bool] = {}
    for load, archive in sorted(plan, key=lambda planned: planned[0].committed_at):
        with workplace(data, REBUILD) as (session, temporary):
            counts = _repeat(load, archive, new, session, temporary, SequenceStore(data.sequences))
        rebuilt.loads.append(str(load.run["run_id"]))
        compared: tuple[str, ...] = PARSE_COUNTS
        if from_nothing.setdefault(archive.folder.name, _was_first_load(load)):
            compared += MERGE_COUNTS
        rebuilt.differences += _differences(load, counts, compared)
    _keep_what_people_said(old, new)
    rebuilt.losses = _losses(data, old, rebuilt.path, older_loads)
    for loss in rebuilt.losses:
        logger.warning("%s", loss)
    if replace or is_lake:
        store = SequenceStore(data.sequences)
        store.keep_for_now(path.name for path in store.folder.iterdir())  # the old warehouse names them
    if is_lake:
        rebuilt.committed_meanwhile = _committed_meanwhile(old, rebuilt)
    if replace:
        rebuilt.replaced = _replace(old, rebuilt)
        for load, archive in redated:
            archive.redate(load)
            logger.info("%s: moved load %s to %s", archive.folder.name, load.run["run_id"], load.committed_at)
    return rebuilt


def _write_missing_load_records(data: DataFolder, old: Warehouse) -> None:
    """Write the load records of runs that died right after their commit, from the old ledger."""
    with _unless_unreadable("loads without a load record are not repeated"):
        if not old.storage.exists():
            logger.warning("%s does not exist: what people have acknowledged or answered is lost", old.location)
            return
        with old.session() as session, old.transaction(session, even_too_old=True):
            for folder in (path for path in data.packages.iterdir() if path.is_dir()):
                archive, limits = Archive(data.packages, folder.name), limits_of(folder.name)
                for run in CommittedRuns(session, folder.name).since_full_load():
                    if not archive.has_recorded(run.run_id):
                        archive.record_load(committed_load(run.row, limits))
                        logger.info("%s: wrote the missing record of load %s", folder.name, run.run_id)


@contextmanager
def _unless_unreadable(consequence: str) -> Iterator[None]:
    """Go on with a warning when the old warehouse cannot be read."""
    try:
        yield
    except (duckdb.Error, StorageUnreadable, CommitFailed) as error:
        logger.warning("the old warehouse cannot be read (%s): %s", error, consequence)


def with_past_times(loads: Sequence[CommittedLoad], now: datetime) -> list[CommittedLoad]:
    """The loads of a source, with times in the future replaced by past ones.

    A run with a correct clock commits just after a run whose clock was ahead, whatever the ledger's times are, but its
    start time is correct. A load without any plausible time is placed right before the next one that has one.

    Args:
        loads: in commit order.
        now: the present.
    """
    tick = timedelta(microseconds=1)
    following, times = now, []
    for load in reversed(loads):
        recorded = [load.committed_at, _moment(load, "started_at")]
        following = next((moment for moment in recorded if moment <= now), following - tick)
        times.append(following)
    past, before = [], None
    for load, candidate in zip(loads, reversed(times), strict=True):
        moment = candidate if before is None else max(candidate, before + tick)
        before = moment
        ahead = {
            name: moment
            for name in ("started_at", "requested_at", "ended_at")
            if load.run.get(name) and _moment(load, name) > now
        }
        past.append(with_changes(load, run={**load.run, **ahead}) if ahead else load)
    return past


def _moment(load: CommittedLoad, name: str) -> datetime:
    return datetime.fromisoformat(str(load.run[name]))


def _repeatable(
    archive: Archive, loads: list[CommittedLoad], *, from_oldest: bool
) -> tuple[list[CommittedLoad], Gap | None]:
    """The loads of a source from a full one on, up to the first that cannot be repeated."""
    full = [number for number, load in enumerate(loads) if load.run["mode"] == FULL]
    newest = [number for number in full if _is_newest(loads[number], loads[:number])]
    requested = [molecules_requested(load.run.get("request_url")) for load in loads]
    # A census and a replay bring no sequences: where the source has some, a rebuild starts with the full load that did.
    daily = [number for number, load in enumerate(loads) if load.run["mode"] != REPLAY and not _is_census(load)]
    wanted = requested[daily[-1]] if daily else []
    starts = [number for number in newest if set(requested[number]).issuperset(wanted)] or newest
    gap = None
    for start in [0, *starts] if from_oldest and starts else reversed(starts):
        faults = ((load, fault) for load in loads[start:] if (fault := _fault(archive, load)))
        broken, reason = next(faults, (None, ""))
        if broken is None:
            return loads[start:], gap
        whole = loads[start : loads.index(broken)]
        gap = Gap(archive.folder.name, str(broken.run["run_id"]), reason, _meaning(broken, whole))
        if any(load.run["mode"] == FULL for load in whole):
            return whole, gap
    if gap is None and loads:
        gap = Gap(
            archive.folder.name, str(loads[0].run["run_id"]), "no full load is in the archive", _meaning(loads[0], [])
        )
    return [], gap


def _older_loads(archive: Archive, loads: list[CommittedLoad], repeatable: list[CommittedLoad]) -> int:
    """How many more loads of a source a rebuild from the oldest one repeats; 0 if it would lack any of these."""
    if loads[: len(repeatable)] == repeatable:
        return 0  # without reading any package again
    longer, _ = _repeatable(archive, loads, from_oldest=True)
    return len(longer) - len(repeatable) if all(load in longer for load in repeatable) else 0


def _losses(data: DataFolder, old: Warehouse, new: Path, older_loads: Mapping[str, int]) -> list[Loss]:
    """What the new file lacks. Without an old one that can be read, every source of which there are older loads."""
    with _unless_unreadable("the new one is not compared with it"):
        if old.storage.exists():
            with workplace(data, REBUILD, old) as (session, _):
                lost = find_losses(session, old, new)
            return [Loss(source, amount, older_loads.get(source, 0)) for source, amount in lost.items()]
    return [Loss(source, None, count) for source, count in older_loads.items() if count]


def _is_census(load: CommittedLoad) -> bool:
    return load.run.get("missing") is not None


def _is_newest(load: CommittedLoad, earlier: list[CommittedLoad]) -> bool:
    requested = [_requested_at(other) for other in earlier if other.run.get("requested_at")]
    return not requested or _requested_at(load) >= max(requested)


def _fault(archive: Archive, load: CommittedLoad) -> str | None:
    """What is wrong with the package of a load; None if it is intact, or the load needed none."""
    if load.package is None:
        return None
    missing = f"its package {archive.path(load.package).name} is missing from the archive"
    try:
        path, archived = archive.file(load.package), archive.package(load.package)
        if not path.exists():
            return missing
        DataPackage(path).verify(parts=archived.parts if archived else None)
    except FileNotFoundError:  # the bucket of the data folder has it no more
        return missing
    except PackageError as error:
        return f"its package is damaged: {error}"
    except OSError as error:
        if isinstance(error, Failure):  # of the bucket, which says nothing about the package
            raise
        return f"its package is damaged: {error}"
    return None


def _meaning(load: CommittedLoad, whole: list[CommittedLoad]) -> str:
    scope = f"updated since {load.run['updated_since']}" if load.run.get("updated_since") else "of a full load"
    if not whole:
        return f"It brought the records {scope}: the source is not rebuilt, and its next run loads it in full."
    watermark = max((str(done.run["watermark"]) for done in whole if done.run.get("watermark")), default="none")
    return (
        f"It brought the records {scope}: the source is rebuilt up to run {whole[-1].run['run_id']} (watermark "
        f"{watermark}). Its next run fetches what NCBI has updated since; states in between are lost."
    )


def _keep_what_people_said(old: Warehouse, new: Warehouse) -> None:
    """Copy what people have acknowledged, accepted and answered from the old warehouse: it is in no package."""
    for kind in ("acknowledgements", "acceptances", "approvals"):
        with old.session() as session:
            if _take(kind, session, old):
                with new.transaction(session):
                    run_sql(session, f"warehouse/sql/keep_{kind}.sql")


def _take(kind: str, session: DuckDBPyConnection, old: Warehouse) -> bool:
    """Read what people have said from the old warehouse; returns whether there was something to read."""
    with _unless_unreadable(f"its {kind} are lost"):
        if old.storage.exists():
            with old.transaction(session, even_too_old=True):
                run_sql(session, f"warehouse/sql/take_{kind}.sql")
            return True
    return False


def _repeat(
    load: CommittedLoad,
    archive: Archive,
    warehouse: Warehouse,
    session: DuckDBPyConnection,
    temporary: Path,
    store: SequenceStore,
) -> dict[str, int | None]:
    """Repeat a load; returns its counts."""
    run = load.run
    source, run_id, fingerprint = str(run["source"]), str(run["run_id"]), str(run["fingerprint"])
    asks = bool(molecules_of((load.request or {}).get("include_sequence", [])))
    molecules: list[Molecule] = []
    package = None
    if run["mode"] == REPLAY:
        with warehouse.transaction(session):
            take_quarantined_lines(session, source, fingerprint)
        staged = stage_quarantined_lines(session, temporary)
    else:
        package = None if load.package is None else DataPackage(archive.file(load.package))
        molecules = molecules_requested(run.get("request_url"))
        staged = stage_package(session, package, temporary)
        note_missing_reports(session, str(run.get("request_url") or ""), staged)
    is_approved, later = run.get("archived_run_id") is not None, LaterLines(session, archive, temporary)
    with stage_sequences(session, package, molecules, temporary) as sequences:
        if molecules or asks:
            store_letters(session, warehouse, sequences, store, writer=REBUILD)
        with warehouse.transaction(session):
            runs = CommittedRuns(session, source)
            later.stage(runs.later_loads(_requested_at(load)) if is_approved else [])
            as_it_was = _as_it_was(load, runs)
            counts = load_reports(session, as_it_was, staged)
            known = {name: value for name, value in run.items() if name in ingest_run.columns}
            ledger.insert(session, known | counts[DATA_REPORT.name])
            if molecules or asks:
                merge_sequences(session, as_it_was, sequences, store, writer=REBUILD)
    logger.info("%s: repeated %s load %s of %s", source, run["mode"], run_id, run["ended_at"])
    return counts[DATA_REPORT.name]


def _was_first_load(load: CommittedLoad) -> bool:
    """Whether it was its source's first load, judging by its counts."""
    return not any(load.run.get(name) for name in ("revised", "touched", "unchanged", "stale", "withdrawn"))


def _differences(load: CommittedLoad, counts: Mapping[str, int | None], compared: Iterable[str]) -> list[str]:
    run = load.run
    different = [f"{name} {counts[name]} instead of {run[name]}" for name in compared if counts[name] != run.get(name)]
    return [f"{run['source']}: run {run['run_id']}: {', '.join(different)}"] if different else []


def _as_it_was(load: CommittedLoad, runs: CommittedRuns) -> Load:
    run = load.run
    source, mode = str(run["source"]), str(run["mode"])
    since, until = (
        datetime.fromisoformat(run[name]).date() if run.get(name) else None for name in ("updated_since", "until")
    )
    changed = runs.may_hold_rows_of_other_filters(str(run["fingerprint"]))
    return Load(
        source=source,
        limits=load.limits,
        run_id=str(run["run_id"]),
        mode=mode,
        is_census=_is_census(load),
        valid_from=load.committed_at,
        requested_at=_requested_at(load),
        is_newest_package=mode != REPLAY and runs.have_nothing_newer(_requested_at(load)),
        filter_changed=changed if load.filter_changed is None else load.filter_changed,
        reports_changed=bool(load.reports_changed),
        request=None if load.request is None else VirusGenomeRequest(**load.request),
        since=since if mode == "window" else None,
        until=until,
        # The load passed its gates, or their findings were accepted.
        accepts=Acceptance(missing=True, emptied=True),
        is_approved=run.get("archived_run_id") is not None,
    )


def _requested_at(load: CommittedLoad) -> datetime:
    return datetime.fromisoformat(str(load.run.get("requested_at") or load.run["started_at"]))


def _replace(old: Warehouse, rebuilt: Rebuilt) -> Path | None:
    if rebuilt.gaps:
        raise RebuildError(
            f"{rebuilt.path} was not put in place of {old.path}: it lacks loads. "
            + " ".join(map(str, rebuilt.gaps))
            + " To use it anyway, move it there while nothing runs."
        )
    kept = old.path.with_name(f"{old.path.name}.before-rebuild-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    if not old.path.exists():
        move(old.path, kept)  # its log, if any
        move(rebuilt.path, old.path)
        return None
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(old.exclusive(even_too_old=True))
            connection.execute("CHECKPOINT")
            lacking = _committed_since(connection, rebuilt.loads)
        except duckdb.Error as error:
            logger.warning("the old warehouse cannot be read (%s); it is kept as %s", error, kept)
            lacking = []
        if lacking:
            raise RebuildError(
                f"{rebuilt.path} was not put in place of {old.path}, which has runs that it lacks: "
                f"{', '.join(lacking)}. They committed meanwhile, or the archive has no record of them. Pause the DAGs "
                f"and rebuild again."
            )
        move(old.path, kept)
        move(rebuilt.path, old.path)
    return kept


def _committed_meanwhile(old: Warehouse, rebuilt: Rebuilt) -> list[str]:
    with _unless_unreadable("loads that have committed meanwhile are not noticed"):
        if old.storage.exists():
            with old.exclusive(even_too_old=True) as connection:
                return _committed_since(connection, rebuilt.loads)
    return []


def _committed_since(connection: DuckDBPyConnection, loads: list[str]) -> list[str]:
    """Runs of the old ledger that committed after the first repeated load of their source, but were not repeated."""
    rows: list[tuple[Any, ...]] = connection.execute(
        """
        WITH repeated AS (
            SELECT source, min(ended_at) AS first_at
            FROM ops.ingest_run
            WHERE list_contains($loads, run_id)
            GROUP BY source
        )
        SELECT run_id FROM ops.ingest_run LEFT JOIN repeated USING (source)
        WHERE status = 'success' AND NOT list_contains($loads, run_id) AND coalesce(ended_at >= first_at, true)
        """,
        {"loads": loads},
    ).fetchall()
    return [run_id for (run_id,) in rows]
