"""One run: plan the window, download and verify the package, stage its reports, merge them and commit."""

import logging
import platform
import re
import resource
import secrets
import shutil
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from virus_warehouse import __version__
from virus_warehouse.archive import ACCEPTED, Archive, ArchivedPackage, committed_load
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import REBUILD_COMMAND
from virus_warehouse.failure import Failure, PermanentFailure
from virus_warehouse.later_lines import LaterLines
from virus_warehouse.leftovers import closed_elsewhere, remove_leftovers, write_ends
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.errors import DatasetsError, PackageError
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.package_source import EmptyFullLoad, OnProgress, PackageSource
from virus_warehouse.private_files import private_files
from virus_warehouse.reports.data_report import DATA_REPORT
from virus_warehouse.reports.reading import ReportUnreadable, StagedReport
from virus_warehouse.run_file import dead_runs, new_run_id, run_lock
from virus_warehouse.run_journal import RunJournal
from virus_warehouse.run_mode import CENSUS, FULL, INCREMENTAL, REPLAY, WINDOW
from virus_warehouse.run_result import IngestResult, result_of
from virus_warehouse.sequences.molecule import Molecule, molecules_requested
from virus_warehouse.sequences.staging import StagedSequences, stage_sequences
from virus_warehouse.sequences.store import SequenceStore
from virus_warehouse.session import private_session
from virus_warehouse.shortage import translate_resource_errors
from virus_warehouse.sources import Source
from virus_warehouse.staging import (
    note_missing_reports,
    stage_package,
    stage_quarantined_lines,
    take_quarantined_lines,
)
from virus_warehouse.stopped_load import NothingStopped, package_to_load
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.census import missing_accessions
from virus_warehouse.warehouse.committed_runs import CommittedRuns, LaterLoad
from virus_warehouse.warehouse.connection import CommitFailed, Warehouse
from virus_warehouse.warehouse.load import Acceptance, Load
from virus_warehouse.warehouse.load_gates import GateError
from virus_warehouse.warehouse.load_reports import load_reports
from virus_warehouse.warehouse.merge_sequences import SequenceCounts, merge_sequences, parts_named, store_letters
from virus_warehouse.warehouse.run_record import RunRecord
from virus_warehouse.window_order import EarlierDay, let_earlier_day_fetch_first
from virus_warehouse.windows import Window, WindowRequest, plan_window
from virus_warehouse.wording import counted

logger = logging.getLogger(__name__)

DISK_RESERVE_BYTES = 1 << 20
"""Disk space that a run reserves, so that its end can still be recorded when the disk is full."""

PACKAGE_ERRORS = (EmptyFullLoad, GateError, PackageError, ReportUnreadable)
"""Failures that another package may fix."""


class StoppedAgain(GateError, PermanentFailure):
    """The archived package of a stopped run did not pass the gates."""


@private_files()
def ingest(
    source: Source,
    *,
    client: DatasetsClient,
    warehouse: Warehouse,
    data: DataFolder,
    origin: ledger.RunOrigin | None = None,
    wish: WindowRequest | None = None,
    accepts: Acceptance | None = None,
    airflow_version: str | None = None,
    on_progress: OnProgress | None = None,
    earlier_day: EarlierDay | None = None,
    archived: str | None = None,
) -> IngestResult:
    """Run one source once: window, request, download, verify, archive, stage, merge.

    The warehouse is locked for three short moments only: to open the run, to merge, and to close a failed run. A
    failed run has a ledger row and a run file like any other.

    Args:
        source: the source to load.
        client: the client to download with.
        warehouse: where the rows and the ledger are stored.
        data: where packages, run files and temporary files are stored.
        origin: the Airflow task that runs this.
        wish: the requested mode and days; by default the run follows the watermark.
        accepts: findings of the load gates that a person accepts.
        airflow_version: for the ledger's `versions`.
        on_progress: called every few seconds of the download.
        earlier_day: gives the earlier day of the same backfill that Airflow has started, which downloads first.
        archived: id of a stopped full load or census of the source, to load its archived package instead of requesting
            one: the outcome is as if it had not been stopped. Accepted is what stopped it if a person has approved it
            (`answer_stopped_load`), and `accepts`. `wish` is ignored.

    Raises:
        EarlierDayFirst: when that day has to download first; nothing was done, and nothing is recorded.
        StoppedAgain: when the archived package does not pass the gates.
        NothingStopped: when `archived` is not a stopped load of the source, or another has replaced it.
        RequestRefused, WindowError: a retry would fail the same way.
        DatasetsUnavailable, EmptyFullLoad, WarehouseLocked, GateError, RunNotOpen, DiskFull, MemoryTooSmall: a retry
            may succeed.
    """
    window_request, accepts = wish or WindowRequest(), accepts or Acceptance()
    stopped = None if archived is None else package_to_load(data, source, archived)
    if stopped is not None:
        window_request = WindowRequest(CENSUS if stopped.is_census else FULL)
        accepts = Acceptance.of({*accepts.names, *(stopped.stopped_by if stopped.approved_by else ())})
    if earlier_day is not None and window_request.effective_mode == WINDOW:
        day = Window(WINDOW, window_request.since, window_request.until, watermark=None, filter_changed=False)
        let_earlier_day_fetch_first(source, day, data, earlier_day)
    record = _new_record(source, window_request, origin or ledger.RunOrigin(), airflow_version)
    if stopped is not None:
        record.archived_run_id, record.approved_by = stopped.run_id, stopped.approved_by
    with translate_resource_errors(data.root), ExitStack() as stack:
        lock = stack.enter_context(run_lock(data.runs, record.run_id))
        stack.enter_context(warehouse.hold_run(record.run_id))
        temporary = stack.enter_context(_temporary_folder(data.temporary / record.run_id))
        run = _Run(
            source=source,
            warehouse=warehouse,
            data=data,
            window_request=window_request,
            accepts=accepts,
            journal=RunJournal(record, data.runs, lock),
            archive=Archive(data.packages, source.name),
            temporary=temporary,
            session=stack.enter_context(private_session(temporary, warehouse.session_settings)),
            stopped=stopped,
        )
        try:
            with translate_resource_errors(data.root):
                opened = run.open()
                if opened.window.mode == REPLAY:
                    staged = run.stage_quarantined()
                    with run.stage_sequences(None) as sequences:
                        merged = run.merge(opened.window, staged, sequences)
                else:
                    packages = PackageSource(
                        source=source,
                        client=client,
                        data=data,
                        archive=run.archive,
                        journal=run.journal,
                        temporary=temporary,
                        may_reuse_own=opened.is_retry,
                        on_progress=on_progress,
                        approved=stopped,
                    )
                    package = packages.fetch(opened.window)
                    staged = run.stage(package)
                    run.later.stage(opened.later)
                    with run.stage_sequences(package) as sequences:
                        merged = run.merge(opened.window, staged, sequences)
                return run.close_committed(opened, merged)
        except BaseException as error:
            run.close_interrupted(error)
            if stopped is not None and isinstance(error, GateError):
                raise StoppedAgain(str(error)) from error
            raise


def _new_record(
    source: Source, window_request: WindowRequest, origin: ledger.RunOrigin, airflow_version: str | None
) -> RunRecord:
    started_at = datetime.now(UTC)
    return RunRecord(
        run_id=new_run_id(source.name, started_at),
        source=source.name,
        mode=window_request.effective_mode,
        fingerprint=source.fingerprint,
        status="running",
        started_at=started_at,
        versions={
            "virus_warehouse": __version__,
            "duckdb": duckdb.__version__,
            "python": platform.python_version(),
            "airflow": airflow_version,
        },
        **asdict(origin),
    )


@dataclass(frozen=True)
class _Opened:
    """The state of the ledger when a run opened its row.

    Attributes:
        window: what the run requests and loads.
        is_retry: whether no try of the same DAG run has committed yet.
        committed: the committed runs of the source, from its newest full load on.
        later: the committed loads that were requested later than the stopped package that is loaded.
    """

    window: Window
    is_retry: bool
    committed: list[RunRecord]
    later: list[LaterLoad]


@dataclass(frozen=True)
class _Merged:
    """The result of a committed merge.

    Attributes:
        further: line outcomes of the auxiliary reports.
        sequences: outcomes of the FASTA entries, by molecule.
        missing: the records that a census did not list.
        loaded: run ids of the packages that runs of the source have committed.
        starts: those of them that can start a rebuild.
    """

    further: dict[str, dict[str, int | None]]
    sequences: dict[str, SequenceCounts]
    missing: list[str]
    loaded: set[str]
    starts: set[str]


@dataclass
class _Run:
    """One run and its steps: open, stage, merge, close."""

    source: Source
    warehouse: Warehouse
    data: DataFolder
    window_request: WindowRequest
    accepts: Acceptance
    journal: RunJournal
    archive: Archive
    temporary: Path
    session: duckdb.DuckDBPyConnection
    stopped: ArchivedPackage | None
    may_have_committed: bool = False

    def __post_init__(self) -> None:
        self.later = LaterLines(self.session, self.archive, self.temporary)

    @property
    def record(self) -> RunRecord:
        return self.journal.record

    @property
    def store(self) -> SequenceStore:
        return SequenceStore(self.data.sequences)

    def open(self) -> _Opened:
        """Plan the window and open the ledger row, in one transaction: no two runs plan from the same state."""
        self.record.updated_since = self.window_request.since
        self.journal.write("open")
        remove_leftovers(self.data, self.archive, self.source)
        dead = dead_runs(self.data.runs)
        with self.warehouse.transaction(self.session):
            closed = ledger.close_dead_runs(self.session, partial(self.warehouse.is_running, self.data))
            for run_id in closed:
                logger.warning("run %s was left open by a dead process; closed as failed", run_id)
            dead = sorted({*dead, *closed_elsewhere(self.data, closed)})
            runs = CommittedRuns(self.session, self.source.name)
            window = plan_window(self.session, runs, self.source, _origin_of(self.record), self.window_request)
            self.warn_of_unusual_history(runs)
            named = parts_named(self.session)
            self.record.mode, self.record.updated_since, self.record.until = (
                window.mode,
                window.updated_since,
                window.until,
            )
            self.record.watermark_before = window.watermark
            ledger.insert(self.session, self.record.row)
            ends = ledger.records_of(self.session, dead)
            opened = _Opened(
                window,
                is_retry=not runs.has_try_of(_origin_of(self.record)),
                committed=runs.since_full_load(),
                later=self.later_loads(runs),
            )
            if window.mode == REPLAY:
                take_quarantined_lines(self.session, self.source.name, self.source.fingerprint)
        write_ends(self.data, dead, ends)
        self.store.drop_unnamed(named, keeps_rebuilt=self.warehouse.rebuilt_file(self.data).exists())
        logger.info("run %s: %s load of %s", self.record.run_id, window.mode, _scope(window))
        return opened

    def later_loads(self, runs: CommittedRuns) -> list[LaterLoad]:
        """The committed loads requested later than the stopped package to load; within the transaction.

        Raises:
            NothingStopped: when one of them has replaced it.
        """
        if self.stopped is None:
            return []
        requested_at = self.stopped.requested_at
        if replacement := runs.replacement(self.source.fingerprint, requested_at):
            raise NothingStopped(
                f"run {self.stopped.run_id} of {self.source.name} need not be loaded: run {replacement} replaced it"
            )
        return runs.later_loads(requested_at)

    def warn_of_unusual_history(self, runs: CommittedRuns) -> None:
        """Log signs of alternating filters, or of a clock that was ahead."""
        if runs.returns_to_other_filters(self.source.fingerprint):
            logger.warning(
                "source %s returns to the filters of an earlier run: unless they were changed back on purpose, two "
                "checkouts with different filters for this source share the data folder %s, and each ends the other's "
                "records. Rename one of the sources, or give it a data folder of its own",
                self.source.name,
                self.data.root,
            )
        if ahead := runs.requested_after_now():
            logger.warning(
                "according to the ledger, run %s requested its package at %s, which is in the future: a clock was "
                "ahead then, or is behind now. Correct the clock; that package is not compared with others. "
                "%s corrects its times",
                *ahead,
                REBUILD_COMMAND,
            )

    def stage(self, package: DataPackage | None) -> list[StagedReport]:
        """Read the reports into the private session."""
        self.journal.write("stage")
        with self.journal.timed("stage"), self.damage_reported(package):
            staged = stage_package(self.session, package, self.temporary)
        self.warn_of_drift()
        for note in note_missing_reports(self.session, str(self.record.request_url), staged):
            logger.warning("%s. Load the source in full once NCBI provides it again", note)
        return staged

    @contextmanager
    def damage_reported(self, package: DataPackage | None) -> Iterator[None]:
        """Raise `PackageError` for a package that was damaged in the archive."""
        try:
            yield
        except zipfile.BadZipFile as error:
            path = None if package is None else package.path
            raise PackageError(
                f"damaged since it was verified ({error}); the next try downloads another", path=path
            ) from error

    @property
    def molecules_brought(self) -> list[Molecule]:
        """The molecules whose sequences the package was requested with.

        An archived package may have sequences that the window does without, as when another run has asked for them
        since: they are those of its records.
        """
        return molecules_requested(self.record.request_url)

    @contextmanager
    def stage_sequences(self, package: DataPackage | None) -> Iterator[StagedSequences | None]:
        """Read the source's sequences in the package, and store the letters that are new; None if it asks for none."""
        if not self.source.molecules:
            yield None
            return
        with ExitStack() as stack:
            with self.journal.timed("stage"), self.damage_reported(package):
                staged = stack.enter_context(
                    stage_sequences(self.session, package, self.molecules_brought, self.temporary)
                )
                store_letters(self.session, self.warehouse, staged, self.store, writer=self.record.run_id)
            yield staged

    def stage_quarantined(self) -> list[StagedReport]:
        """Parse the quarantined lines again."""
        self.journal.write("stage")
        with self.journal.timed("stage"):
            return stage_quarantined_lines(self.session, self.temporary)

    def warn_of_drift(self) -> None:
        """Log the unknown fields of the reports."""
        found = self.session.execute("FROM drift ORDER BY report, path").fetchall()
        for report, path, occurrences, sample in found:
            logger.warning(
                "the %s has the unknown field %s: %s, such as %s",
                report.replace("_", " "),
                path,
                counted(occurrences, "time"),
                sample,
            )

    def merge(self, window: Window, staged: list[StagedReport], sequences: StagedSequences | None = None) -> _Merged:
        """Write rows, ledger row and watermark, in one transaction."""
        self.journal.write("merge", lines=staged[0].lines)
        started = time.monotonic()
        try:
            with self.warehouse.transaction(self.session):
                committed, merged = self.merge_in_transaction(window, staged, sequences, started)
                self.may_have_committed = True
        except CommitFailed as error:
            if self.record_in_ledger().status != "success":
                raise
            logger.warning("the load was committed, although its commit raised an error: %s", error)
        self.journal.record = committed  # not before: a failed commit must not change the record
        return merged

    def record_in_ledger(self) -> RunRecord:
        """The record of this run that the reopened warehouse has."""
        self.session.close()  # and release the file
        with self.warehouse.session() as session, self.warehouse.transaction(session):
            return ledger.records_of(session, [self.record.run_id])[self.record.run_id]

    def merge_in_transaction(
        self, window: Window, staged: list[StagedReport], sequences: StagedSequences | None, started: float
    ) -> tuple[RunRecord, _Merged]:
        """Merge without committing; returns the record of the run."""
        runs = CommittedRuns(self.session, self.source.name)
        self.later.stage(self.later_loads(runs))  # the loads since the run was opened
        load = self.load_of(window, runs)
        if window.is_census and not load.is_newest:
            logger.warning("a later package was loaded meanwhile: this census is skipped")
        if staged[0].lines == 0:
            self.warn_of_held_rows(window)
        counts = load_reports(self.session, load, staged)
        of_records: dict[str, Any] = counts.pop(DATA_REPORT.name)
        of_sequences: dict[str, SequenceCounts] = {}
        if sequences is not None:
            of_sequences = merge_sequences(self.session, load, sequences, self.store, writer=self.record.run_id)
        self.journal.seconds["merge"] = time.monotonic() - started  # stored in the row, so without the commit
        committed = replace(
            self.record,
            **of_records,
            status="success",
            ended_at=load.valid_from,
            watermark=self.watermark_after(window, load.requested_at),
            peak_rss_mib=_peak_rss_mib(),
            seconds=self.journal.seconds,
        )
        ledger.update(self.session, committed.run_id, committed.row)
        ledger.insert_acceptance(self.session, committed.run_id, self.source.name, self.accepts.names)
        runs.add(committed)
        merged = _Merged(
            counts,
            of_sequences,
            missing=missing_accessions(self.session) if window.is_census and load.is_newest else [],
            loaded=runs.packages(),
            starts=runs.packages_to_start_from(),
        )
        return committed, merged

    def load_of(self, window: Window, runs: CommittedRuns) -> Load:
        """The parameters of the merge; within the transaction."""
        requested_at = self.record.requested_at or self.record.started_at
        return Load(
            source=self.source.name,
            limits=self.source.limits,
            run_id=self.record.run_id,
            mode=window.mode,
            is_census=window.is_census,
            valid_from=runs.next_commit_time(),
            requested_at=requested_at,
            # Quarantined lines come from older packages.
            is_newest_package=window.mode != REPLAY and runs.have_nothing_newer(requested_at),
            filter_changed=window.filter_changed,
            reports_changed=window.reports_changed,
            request=self.source.request,
            since=window.updated_since if window.mode == WINDOW else None,
            until=window.until,
            accepts=self.accepts,
            is_approved=self.stopped is not None,
        )

    def watermark_after(self, window: Window, requested_at: datetime) -> date | None:
        """The watermark follows the data, not the clock; it never moves back or past the request."""
        # After a census without sequences, the next run has to ask for those of the records that the census brought.
        lacks_sequences = self.molecules_brought != self.source.molecules
        if window.mode in (WINDOW, REPLAY) or lacks_sequences:
            return window.watermark
        row = self.session.execute(
            "SELECT max(update_date) FROM data_report WHERE update_date <= ?", [requested_at.date()]
        ).fetchone()
        shown = None if row is None else row[0]
        return max((day for day in (window.watermark, shown) if day is not None), default=None)

    def warn_of_held_rows(self, window: Window) -> None:
        """Log an empty result for a window that has records."""
        if window.mode not in (INCREMENTAL, WINDOW):
            return
        held = self.session.execute(
            "SELECT count(*) FROM warehouse.main.virus_genome WHERE source = ? "
            "AND update_date >= coalesce(?, DATE '0001-01-01') AND update_date < coalesce(?, DATE '9999-01-01')",
            [self.source.name, window.updated_since, window.until],
        ).fetchone()
        if held is not None and held[0]:
            logger.warning(
                "NCBI lists nothing in this window, but the warehouse has %s in it", counted(held[0], "record")
            )

    def close_committed(self, opened: _Opened, merged: _Merged) -> IngestResult:
        """Record the load in the archive and the end in the run file; returns the result."""
        self.release_resources()
        self.record_loads(opened, merged)
        result = result_of(self.record, merged.further, merged.sequences)
        missing = {"missing_accessions": merged.missing} if merged.missing else {}
        self.journal.write_end(
            "finished", summary=str(result), reports=merged.further, sequences=merged.sequences, **missing
        )
        logger.info("run %s: %s", self.record.run_id, result)
        if merged.missing:
            logger.warning(
                "NCBI did not list %s, such as %s",
                counted(len(merged.missing), "record"),
                ", ".join(merged.missing[:20]),
            )
        return result

    def record_loads(self, opened: _Opened, merged: _Merged) -> None:
        """Record this load in the archive, and any load whose run died before recording it; then prune the archive.

        The run is committed: file errors do not make it fail, and the next run records what this one could not.
        """
        asked = {
            "filter_changed": opened.window.filter_changed,
            "reports_changed": opened.window.reports_changed,
            "request": self.source.request.model_dump(mode="json", exclude_defaults=True),
            # A publication knows of it from here only.
            "entry": self.source.model_dump(mode="json", exclude_defaults=True) if self.source.is_entry else None,
        }
        try:
            for record in (*opened.committed, self.record):
                if not self.archive.has_recorded(record.run_id):
                    known = asked if record is self.record else {}
                    self.archive.record_load(committed_load(record.row, self.source.limits, **known))
            self.archive.mark(merged.loaded, ACCEPTED)
            self.archive.prune(self.source.retention_days, datetime.now(UTC), merged.starts, self.source.molecules)
        except Exception as error:
            logger.warning("could not update the archive of %s: %r", self.source.name, error)

    def close_interrupted(self, error: BaseException) -> None:
        """Record the end of a run that an error has stopped, after its commit or before."""
        if not self.may_have_committed:
            self.close_failed(error)
            return
        try:
            recorded = self.record_in_ledger()
        except Exception as unknown:
            logger.warning("run %s: the next run records whether it is committed: %s", self.record.run_id, unknown)
            self.journal.leave_end_to_next_run()
            return
        if recorded.status != "success":
            self.close_failed(error)
            return
        logger.warning("run %s was stopped after its commit: %r", self.record.run_id, error)
        self.journal.record = recorded
        self.release_resources()
        self.journal.write_end("finished", summary=str(result_of(recorded)))

    def close_failed(self, error: BaseException) -> None:
        """Record the failure in the run file and the ledger; if the ledger fails too, the run file remains."""
        if isinstance(error, PACKAGE_ERRORS) and self.record.package_path:
            with suppress(OSError):  # the disk may be full; the next try then checks the same package again
                self.refuse_package(error)
        self.record.status, self.record.error = "failed", f"{type(error).__name__}: {error}"
        self.record.ended_at, self.record.seconds = datetime.now(UTC), self.journal.seconds
        self.record.peak_rss_mib = _peak_rss_mib()
        if isinstance(error, DatasetsError):
            self.record.attempts, self.record.http_status = error.attempts, error.status
            self.record.ncbi_phid = error.ncbi_phid
        missing = {"missing_accessions": error.missing} if isinstance(error, GateError) and error.missing else {}
        self.release_resources()
        self.journal.write_end("failed", failed_in=self.journal.stage, **missing)
        try:
            with self.warehouse.session() as session, self.warehouse.transaction(session):
                # The row is not open yet, or another process has removed it.
                if not ledger.records_of(session, [self.record.run_id]):
                    ledger.insert(session, self.record.row)
                else:
                    ledger.update(session, self.record.run_id, self.record.row)
        except ledger.RunNotOpen:
            logger.warning(
                "run %s failed, and another process has closed its ledger row: only the run file has the reason",
                self.record.run_id,
            )
        except Failure as unwritable:
            logger.warning("run %s failed, and has no ledger row: %s", self.record.run_id, unwritable)
        except Exception:
            logger.exception("run %s failed, and its ledger row could not be written", self.record.run_id)

    def refuse_package(self, error: BaseException) -> None:
        """Record that the package was refused, and what a person may accept."""
        run_id = Path(str(self.record.package_path)).stem
        if isinstance(error, GateError) and error.acceptable:
            accepted = self.accepts.names if self.stopped is None else self.stopped.stopped_by
            stopped_by = sorted({*accepted, error.acceptable})
            self.archive.refuse(run_id, stopped_by, str(error))
        else:
            self.archive.refuse(run_id)

    def release_resources(self) -> None:
        """Release disk and memory: recording the end of the run needs some of both."""
        self.session.close()
        shutil.rmtree(self.temporary, ignore_errors=True)


def _scope(window: Window) -> str:
    """The records of a load, in words."""
    if window.mode == REPLAY:
        return "the quarantined lines"
    if window.updated_since is None:
        return "all records"
    until = f" and before {window.until}" if window.until else ""
    return f"records updated since {window.updated_since}{until}"


def _origin_of(record: RunRecord) -> ledger.RunOrigin:
    return ledger.RunOrigin(record.dag_id, record.dag_run_id, record.run_type, record.try_number)


@contextmanager
def _temporary_folder(path: Path) -> Iterator[Path]:
    path.mkdir(parents=True)
    try:
        (path / "reserve").write_bytes(secrets.token_bytes(DISK_RESERVE_BYTES))
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _peak_rss_mib() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        # Not from getrusage: there a process inherits the peak of its parent, such as Airflow's supervisor.
        peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii"))
        return int(peak[1]) / 1024 if peak else 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
