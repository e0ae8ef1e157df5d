"""One run, from window to commit: ask for what changed, prove the package, load its reports with the run's record."""

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
from pathlib import Path
from typing import Any

import duckdb

from virus_warehouse import __version__
from virus_warehouse.archive import ACCEPTED, REFUSED, Archive, committed_load
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.leftovers import remove_leftovers, write_ends
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.errors import DatasetsError, PackageError
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.package_source import EmptyFullLoad, OnProgress, PackageSource
from virus_warehouse.private_files import private_files
from virus_warehouse.reports.data_report import DATA_REPORT
from virus_warehouse.reports.reading import ReportUnreadable, StagedReport
from virus_warehouse.run_file import dead_runs, is_running, new_run_id, run_lock
from virus_warehouse.run_journal import RunJournal
from virus_warehouse.run_mode import INCREMENTAL, REPLAY, WINDOW
from virus_warehouse.run_result import IngestResult, result_of
from virus_warehouse.session import private_session
from virus_warehouse.shortage import translate_resource_errors
from virus_warehouse.sources import Source
from virus_warehouse.staging import (
    note_absent_reports,
    stage_package,
    stage_quarantined_lines,
    take_quarantined_lines,
)
from virus_warehouse.warehouse import ledger
from virus_warehouse.warehouse.census import vanished
from virus_warehouse.warehouse.connection import CommitFailed, Warehouse
from virus_warehouse.warehouse.load import Acceptance, Load
from virus_warehouse.warehouse.load_gates import GateError
from virus_warehouse.warehouse.load_reports import load_reports
from virus_warehouse.warehouse.run_record import RunRecord
from virus_warehouse.window_order import EarlierDay, let_earlier_day_fetch_first
from virus_warehouse.windows import Window, WindowRequest, plan_window

logger = logging.getLogger(__name__)

DISK_RESERVE_BYTES = 1 << 20
"""Disk that a run holds until its end, so that a disk it finds full has room for what is written of that."""

OF_THE_PACKAGE = (EmptyFullLoad, GateError, PackageError, ReportUnreadable)
"""What a run fails of that another package may mend."""


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
) -> IngestResult:
    """Run one source once: window, request, download, verify, archive, stage, merge.

    The warehouse is held for three short moments only: to open the run, to merge, and to close a run that
    failed. A failed run has its row and its run file like any other.

    Args:
        source: what to ask for.
        client: whom to ask.
        warehouse: where the rows and the ledger live.
        data: where packages, run files and temporary files live.
        origin: the Airflow task that runs this.
        wish: mode and days asked for; the default follows the watermark.
        accepts: what of a full load a person accepts that would otherwise stop it.
        airflow_version: for the ledger's `versions`.
        on_progress: called every few seconds of the download.
        earlier_day: says to a day of a backfill which of the earlier days Airflow has begun; that fetches first.

    Raises:
        EarlierDayFirst: when that day is to be waited for; nothing has been done, and nothing is recorded.
        RequestRefused, WindowError: another try would end the same way.
        DatasetsUnavailable, EmptyFullLoad, WarehouseLocked, GateError, DiskFull, MemoryTooSmall: a later try may
            succeed.
    """
    window_request, accepts = wish or WindowRequest(), accepts or Acceptance()
    if earlier_day is not None and window_request.effective_mode == WINDOW:
        day = Window(WINDOW, window_request.since, window_request.until, watermark=None, filter_changed=False)
        let_earlier_day_fetch_first(source, day, data, earlier_day)
    record = _new_record(source, window_request, origin or ledger.RunOrigin(), airflow_version)
    with translate_resource_errors(data.root), ExitStack() as stack:
        lock = stack.enter_context(run_lock(data.runs, record.run_id))
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
            session=stack.enter_context(private_session(temporary)),
        )
        try:
            with translate_resource_errors(data.root):
                opened = run.open()
                if opened.window.mode == REPLAY:
                    staged = run.stage_quarantined()
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
                    )
                    staged = run.stage(packages.fetch(opened.window))
                merged = run.merge(opened.window, staged)
        except BaseException as error:
            run.close_failed(error)
            raise
        return run.close_committed(opened, merged)


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
    """What the ledger said when a run opened its row.

    Attributes:
        window: what the run asks for and loads.
        is_retry: whether no try of the same DAG run has committed yet.
        committed: the runs of the source that committed, from its newest full load on.
    """

    window: Window
    is_retry: bool
    committed: list[RunRecord]


@dataclass(frozen=True)
class _Merged:
    """What a committed merge came to.

    Attributes:
        further: what became of the lines of further reports.
        vanished: the records that a census did not list.
        loaded: run ids of the packages that runs of the source have committed.
    """

    further: dict[str, dict[str, int | None]]
    vanished: list[str]
    loaded: set[str]


@dataclass
class _Run:
    """One run at work, in its order: open, stage, merge, close."""

    source: Source
    warehouse: Warehouse
    data: DataFolder
    window_request: WindowRequest
    accepts: Acceptance
    journal: RunJournal
    archive: Archive
    temporary: Path
    session: duckdb.DuckDBPyConnection
    has_row: bool = False

    @property
    def record(self) -> RunRecord:
        return self.journal.record

    def open(self) -> _Opened:
        """Plan the window and open the ledger row, in one transaction: two runs never plan on one state."""
        self.record.updated_since = self.window_request.since
        self.journal.write("open")
        remove_leftovers(self.data, self.archive, self.source)
        dead = dead_runs(self.data.runs)
        with self.warehouse.transaction(self.session):
            for run_id in ledger.close_dead_runs(self.session, lambda run_id: is_running(self.data.runs, run_id)):
                logger.warning("run %s was left by a process that is gone; closed as failed", run_id)
            window = plan_window(self.session, self.source, _origin_of(self.record), self.window_request)
            self.warn_of_unusual_history()
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
                is_retry=not ledger.has_committed(self.session, self.source.name, _origin_of(self.record)),
                committed=ledger.committed_since_full_load(self.session, self.source.name),
            )
            if window.mode == REPLAY:
                take_quarantined_lines(self.session, self.source.name, self.source.fingerprint)
        self.has_row = True
        write_ends(self.data, dead, ends)
        since = window.updated_since or "ever"
        logger.info("run %s: %s load, updated since %s", self.record.run_id, window.mode, since)
        return opened

    def warn_of_unusual_history(self) -> None:
        """Say where the ledger shows filters that come and go, or a clock that ran ahead."""
        if ledger.returns_to_other_filters(self.session, self.source.name, self.source.fingerprint):
            logger.warning(
                "source %s asks again for what it asked for before its last run: if nobody has changed it back, "
                "two checkouts with different filters under this name share the data folder %s, and each ends the "
                "other's records. Give one of the sources another name, or a data folder of its own",
                self.source.name,
                self.data.root,
            )
        if ahead := ledger.requested_after_now(self.session, self.source.name):
            logger.warning(
                "the ledger says that run %s requested its package at %s, which is after now: a clock ran ahead "
                "then, or is behind now. Set it right; that package is compared with no other. "
                "`virus-warehouse rebuild --replace --from-oldest` sets right what it dated",
                *ahead,
            )

    def stage(self, package: DataPackage | None) -> list[StagedReport]:
        """Read the reports into the private session."""
        self.journal.write("stage")
        with self.journal.timed("stage"):
            try:
                staged = stage_package(self.session, package, self.temporary)
            except zipfile.BadZipFile as error:
                path = None if package is None else package.path
                raise PackageError(
                    f"damaged since it was verified ({error}); the next try asks NCBI for another", path=path
                ) from error
        self.warn_of_drift()
        for note in note_absent_reports(self.session, str(self.record.request_url), staged):
            logger.warning("%s. Load the source in full once NCBI gives it again", note)
        return staged

    def stage_quarantined(self) -> list[StagedReport]:
        """Read the refused lines again."""
        self.journal.write("stage")
        with self.journal.timed("stage"):
            return stage_quarantined_lines(self.session, self.temporary)

    def warn_of_drift(self) -> None:
        """Say what is new in the reports: somebody may want it in the warehouse."""
        found = self.session.execute("FROM drift ORDER BY report, path").fetchall()
        for report, path, occurrences, sample in found:
            logger.warning(
                "the %s has %s, which this version does not read: %d times, such as %s",
                report.replace("_", " "),
                path,
                occurrences,
                sample,
            )

    def merge(self, window: Window, staged: list[StagedReport]) -> _Merged:
        """Rows, ledger row and watermark, in one transaction."""
        self.journal.write("merge", lines=staged[0].lines)
        started = time.monotonic()
        try:
            with self.warehouse.transaction(self.session):
                committed, merged = self.merge_in_transaction(window, staged, started)
        except CommitFailed as error:
            if not self.has_committed():
                raise
            logger.warning("the load is committed, although its commit ended with an error: %s", error)
        self.journal.record = committed  # not before: of a run whose commit fails it says nothing that was undone
        return merged

    def has_committed(self) -> bool:
        """Whether the warehouse, opened again, has this run as committed."""
        self.session.close()  # with whatever it still holds of the file
        with duckdb.connect() as session, self.warehouse.transaction(session):
            return ledger.records_of(session, [self.record.run_id])[self.record.run_id].status == "success"

    def merge_in_transaction(
        self, window: Window, staged: list[StagedReport], started: float
    ) -> tuple[RunRecord, _Merged]:
        """All of the merge but its commit. Returns the record of the committed run."""
        load = self.load_of(window)
        if window.is_census and not load.is_newest_package:
            logger.warning("a later package was loaded meanwhile: this census concludes nothing, the next one will")
        if staged[0].lines == 0:
            self.warn_of_held_rows(window)
        further = load_reports(self.session, load, staged)
        of_records: dict[str, Any] = further.pop(DATA_REPORT.name)
        self.journal.seconds["merge"] = time.monotonic() - started  # the row has it, so all but the commit
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
        merged = _Merged(
            further,
            vanished=vanished(self.session) if window.is_census and load.is_newest_package else [],
            loaded=ledger.loaded_packages(self.session, self.source.name),
        )
        return committed, merged

    def load_of(self, window: Window) -> Load:
        """What the merge has to know; within the transaction."""
        requested_at = self.record.requested_at or self.record.started_at
        return Load(
            source=self.source.name,
            limits=self.source.limits,
            run_id=self.record.run_id,
            mode=window.mode,
            is_census=window.is_census,
            valid_from=ledger.next_commit_time(self.session, self.source.name),
            requested_at=requested_at,
            # What the quarantine holds came in packages of the past.
            is_newest_package=window.mode != REPLAY
            and ledger.is_newest_package(self.session, self.source.name, requested_at),
            filter_changed=window.filter_changed,
            reports_changed=window.reports_changed,
            request=self.source.request,
            since=window.updated_since if window.mode == WINDOW else None,
            until=window.until,
            accepts=self.accepts,
        )

    def watermark_after(self, window: Window, requested_at: datetime) -> date | None:
        """The watermark moves with the data, not with the clock, never back, and never past the request."""
        if window.mode in (WINDOW, REPLAY):
            return window.watermark
        row = self.session.execute(
            "SELECT max(update_date) FROM data_report WHERE update_date <= ?", [requested_at.date()]
        ).fetchone()
        shown = None if row is None else row[0]
        return max((day for day in (window.watermark, shown) if day is not None), default=None)

    def warn_of_held_rows(self, window: Window) -> None:
        """Say where NCBI shows nothing and records are held."""
        if window.mode not in (INCREMENTAL, WINDOW):
            return
        held = self.session.execute(
            "SELECT count(*) FROM warehouse.main.virus_genome WHERE source = ? "
            "AND update_date >= coalesce(?, DATE '0001-01-01') AND update_date < coalesce(?, DATE '9999-01-01')",
            [self.source.name, window.updated_since, window.until],
        ).fetchone()
        if held is not None and held[0]:
            logger.warning("NCBI shows nothing in this window, yet %s records held lie in it", held[0])

    def close_committed(self, opened: _Opened, merged: _Merged) -> IngestResult:
        """Record the load in the archive and the end in the run file; gives what the run did."""
        self.release_resources()
        self.record_loads(opened, merged)
        result = result_of(self.record, merged.further)
        gone = {"vanished": merged.vanished} if merged.vanished else {}
        self.journal.write_end("finished", summary=str(result), reports=merged.further, **gone)
        logger.info("run %s: %s", self.record.run_id, result)
        if merged.vanished:
            logger.warning(
                "NCBI did not list %d records, such as %s", len(merged.vanished), ", ".join(merged.vanished[:20])
            )
        return result

    def record_loads(self, opened: _Opened, merged: _Merged) -> None:
        """Record this load in the archive, and any whose run died before it could; then prune it.

        The run is committed: a file that cannot be written or deleted is no reason to call it failed, and the next
        run records what this one could not.
        """
        asked = {
            "filter_changed": opened.window.filter_changed,
            "reports_changed": opened.window.reports_changed,
            "request": self.source.request.model_dump(mode="json", exclude_defaults=True),
        }
        try:
            for record in (*opened.committed, self.record):
                if not self.archive.has_recorded(record.run_id):
                    known = asked if record is self.record else {}
                    self.archive.record_load(committed_load(record.row, self.source.limits, **known))
            self.archive.mark(merged.loaded, ACCEPTED)
            self.archive.prune(self.source.retention_days, datetime.now(UTC), merged.loaded)
        except Exception as error:
            logger.warning("the archive of %s could not be brought up to date: %r", self.source.name, error)

    def close_failed(self, error: BaseException) -> None:
        """Write the failure into the run file and the ledger. The ledger may be what failed: then the file stays."""
        if isinstance(error, OF_THE_PACKAGE) and self.record.package_path:
            with suppress(OSError):  # the disk may be full: then the next try looks at the same package once more
                self.archive.mark({Path(self.record.package_path).stem}, REFUSED)
        self.record.status, self.record.error = "failed", f"{type(error).__name__}: {error}"
        self.record.ended_at, self.record.seconds = datetime.now(UTC), self.journal.seconds
        self.record.peak_rss_mib = _peak_rss_mib()
        if isinstance(error, DatasetsError):
            self.record.attempts, self.record.http_status = error.attempts, error.status
            self.record.ncbi_phid = error.ncbi_phid
        gone = error.vanished if isinstance(error, GateError) else None
        self.release_resources()
        self.journal.write_end("failed", failed_in=self.journal.stage, **({"vanished": gone} if gone else {}))
        try:
            with duckdb.connect() as session, self.warehouse.transaction(session):
                if self.has_row:
                    ledger.update(session, self.record.run_id, self.record.row)
                else:
                    ledger.insert(session, self.record.row)
        except Exception:
            logger.exception("run %s failed, and its ledger row could not be written", self.record.run_id)

    def release_resources(self) -> None:
        """Give back what the run took: what is written of its end needs some disk and memory, and both may be full."""
        self.session.close()
        shutil.rmtree(self.temporary, ignore_errors=True)


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
        # Not from getrusage: there a process inherits the peak of the one that started it, as Airflow's supervisor.
        peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii"))
        return int(peak[1]) / 1024 if peak else 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
