"""One run, from window to commit: ask for what changed, prove the package, merge it with its ledger row."""

import logging
import platform
import re
import resource
import secrets
import shutil
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from virus_warehouse import __version__
from virus_warehouse.archive import ACCEPTED, REFUSED, Archive, ArchivedPackage, committed_load
from virus_warehouse.atomic_file import unfinished_files
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.ncbi.client import DatasetsClient, Progress
from virus_warehouse.ncbi.errors import DatasetsError, PackageError
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.private_files import without_world_access
from virus_warehouse.reports.data_report import DATA_REPORT
from virus_warehouse.reports.reading import ReportUnreadable, StagedReport
from virus_warehouse.run_file import RunFile, close_dead_run, dead_runs, is_running, new_run_id, run_files, run_lock
from virus_warehouse.run_mode import FULL, INCREMENTAL, REPLAY, WINDOW
from virus_warehouse.session import private_session
from virus_warehouse.shortage import shortages_told
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
from virus_warehouse.warehouse.merge_reports import merge_reports
from virus_warehouse.warehouse.run_record import OUTCOMES, TIMED_STAGES
from virus_warehouse.window_order import EarlierDay, WindowOrder
from virus_warehouse.windows import Window, WindowWish, plan_window

logger = logging.getLogger(__name__)

LAST_WORDS_BYTES = 1 << 20
"""Disk that a run holds until its end, so that a disk it finds full has room for what is told of that."""

OnProgress = Callable[[Progress], None]


class EmptyFullLoad(RuntimeError):
    """NCBI has nothing where everything was asked for: more likely its fault than the truth."""


OF_THE_PACKAGE = (EmptyFullLoad, GateError, PackageError, ReportUnreadable)
"""What a run fails of that another package may mend."""


@dataclass(frozen=True)
class IngestResult:
    """What a committed run did, for whoever asked for it.

    Attributes:
        counts: what became of the data report's lines, and of the records that it does not list.
        further: the same for each further report that the package has.
    """

    run_id: str
    source: str
    mode: str
    updated_since: date | None
    until: date | None
    watermark: date | None
    counts: dict[str, int | None]
    further: dict[str, dict[str, int | None]] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether a person who queries the warehouse could see a difference."""
        return any(
            counts.get(outcome)
            for counts in (self.counts, *self.further.values())
            for outcome in ("inserted", "revised", "touched", "withdrawn")
        )


@without_world_access()
def ingest(
    source: Source,
    *,
    client: DatasetsClient,
    warehouse: Warehouse,
    data: DataFolder,
    origin: ledger.RunOrigin | None = None,
    wish: WindowWish | None = None,
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
        earlier_day: tells a day of a backfill which of the earlier days Airflow has begun; it lets them fetch first.

    Raises:
        RequestRefused, WindowError: another try would end the same way.
        DatasetsUnavailable, EmptyFullLoad, WarehouseLocked, GateError, DiskFull, MemoryTooSmall: a later try may
            succeed.
    """
    with shortages_told(data.root), ExitStack() as stack:
        run = _Run(
            source=source,
            client=client,
            warehouse=warehouse,
            data=data,
            origin=origin or ledger.RunOrigin(),
            wish=wish or WindowWish(),
            accepts=accepts or Acceptance(),
            airflow_version=airflow_version,
            on_progress=on_progress,
            earlier_day=earlier_day,
            stack=stack,
        )
        return run.work()


class _Run:
    """One run at work. `row` is its ledger row, filled in as things become known."""

    def __init__(
        self,
        *,
        source: Source,
        client: DatasetsClient,
        warehouse: Warehouse,
        data: DataFolder,
        origin: ledger.RunOrigin,
        wish: WindowWish,
        accepts: Acceptance,
        airflow_version: str | None,
        on_progress: OnProgress | None,
        earlier_day: EarlierDay | None,
        stack: ExitStack,
    ) -> None:
        self.source, self.client, self.warehouse, self.data = source, client, warehouse, data
        self.origin, self.wish, self.accepts = origin, wish, accepts
        self.on_progress, self.earlier_day = on_progress, earlier_day
        started_at = datetime.now(UTC)
        self.run_id = new_run_id(source.name, started_at)
        self.archive = Archive(data.packages, source.name)
        self.file = RunFile(data.runs, self.run_id)
        self.seconds = dict.fromkeys(TIMED_STAGES, 0.0)
        self.has_row = False
        self.stage_told = "open"
        self.requested_at = started_at
        self.loaded_packages: list[str] = []
        self.found_usable: dict[str, bool] = {}
        self.vanished: list[str] = []
        self.further_counts: dict[str, dict[str, int | None]] = {}
        self.row: dict[str, object] = {
            "run_id": self.run_id,
            "source": source.name,
            "mode": wish.effective_mode,
            "fingerprint": source.fingerprint,
            **asdict(origin),
            "status": "running",
            "started_at": started_at,
            "versions": {
                "virus_warehouse": __version__,
                "duckdb": duckdb.__version__,
                "python": platform.python_version(),
                "airflow": airflow_version,
            },
        }
        self.lock = stack.enter_context(run_lock(data.runs, self.run_id))
        self.temporary = stack.enter_context(_temporary_folder(data.temporary / self.run_id))
        self.session = stack.enter_context(private_session(self.temporary))

    def work(self) -> IngestResult:
        try:
            with shortages_told(self.data.root):
                window = self.open()
                staged = self.stage_quarantined() if window.mode == REPLAY else self.stage(self.fetch(window))
                result = self.merge(window, staged)
        except BaseException as error:
            self.refuse_package(error)
            self.close_failed(error)
            raise
        self.make_room()
        self.record_loads()
        summary = describe(result)
        self.tell_end("finished", summary=summary, reports=self.further_counts)
        logger.info("run %s: %s", self.run_id, summary)
        if self.vanished:
            logger.warning(
                "NCBI did not list %d records, such as %s", len(self.vanished), ", ".join(self.vanished[:20])
            )
        return result

    def open(self) -> Window:
        """Plan the window and open the ledger row, in one transaction: two runs never plan on one state."""
        self.tell("open", updated_since=self.wish.since)
        self.tidy_up()
        dead = dead_runs(self.data.runs)
        with self.warehouse.transaction(self.session):
            for run_id in ledger.close_dead_runs(self.session, lambda run_id: is_running(self.data.runs, run_id)):
                logger.warning("run %s was left by a process that is gone; closed as failed", run_id)
            window = plan_window(self.session, self.source, self.origin, self.wish)
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
                    "`make rebuild REPLACE=1 FROM_OLDEST=1` sets right what it dated",
                    *ahead,
                )
            self.changed = {
                "filter_changed": window.filter_changed,
                "reports_changed": window.reports_changed,
                "request": self.source.request.model_dump(mode="json", exclude_defaults=True),
            }
            self.row |= {
                "mode": window.mode,
                "updated_since": window.updated_since,
                "until": window.until,
                "watermark_before": window.watermark,
            }
            ledger.insert(self.session, self.row)
            ends = ledger.rows_of(self.session, dead)
            self.is_retry = not ledger.has_committed(self.session, self.source.name, self.origin)
            self.committed = ledger.committed_since_full_load(self.session, self.source.name)
            if window.mode == REPLAY:
                take_quarantined_lines(self.session, self.source.name, self.source.fingerprint)
        self.has_row = True
        for run_id in dead:
            close_dead_run(self.data.runs, run_id, _end_of_dead_run(ends.get(run_id)))
        logger.info("run %s: %s load, updated since %s", self.run_id, window.mode, window.updated_since or "ever")
        return window

    def tidy_up(self) -> None:
        """Remove what runs left that died, and refused packages and run files that nobody has looked at for long."""
        runs = self.data.runs
        for folder in self.data.temporary.iterdir():
            if not is_running(runs, folder.name):
                shutil.rmtree(folder, ignore_errors=True)
        for file, run_id in unfinished_files(runs):
            if not is_running(runs, run_id):
                file.unlink(missing_ok=True)
        self.archive.tidy_up(lambda run_id: is_running(runs, run_id))
        oldest = time.time() - timedelta(days=self.source.retention_days).total_seconds()
        for old in (*run_files(self.data.refused, self.source.name, ".zip"), *run_files(runs, self.source.name)):
            with suppress(FileNotFoundError):  # another run, which tidies up too, may come first
                if old.stat().st_mtime < oldest:
                    old.unlink()

    def record_loads(self) -> None:
        """Tell the archive of this load, and of any that died before it could; then prune it.

        The run is committed: a file that cannot be written or deleted is no reason to call it failed, and the next
        run tells what this one could not.
        """
        loaded = {Path(path).stem for path in self.loaded_packages}
        try:
            for row in (*self.committed, self.row):
                if not self.archive.has_recorded(str(row["run_id"])):
                    changed = self.changed if row is self.row else {}
                    self.archive.record_load(committed_load(row, self.source.limits, **changed))
            self.archive.mark(loaded, ACCEPTED)
            self.archive.prune(self.source.retention_days, datetime.now(UTC), loaded)
        except Exception as error:
            logger.warning("the archive of %s could not be brought up to date: %r", self.source.name, error)

    def refuse_package(self, error: BaseException) -> None:
        """See to it that the next try asks NCBI, where it was the package that this one failed for."""
        if isinstance(error, OF_THE_PACKAGE) and self.row.get("package_path"):
            with suppress(OSError):  # the disk may be full: then the next try looks at the same package once more
                self.archive.mark({Path(str(self.row["package_path"])).stem}, REFUSED)

    def fetch(self, window: Window) -> DataPackage | None:
        """The package of the window, from the archive or from NCBI; None when NCBI says that nothing matches."""
        with ExitStack() as waiting:
            if window.mode == WINDOW:
                self.tell("fetch")
                waiting.enter_context(self.order(window).turn())
            path = self.package_file(window)
        if path is None:
            self.refuse_empty_full_load(window)
            return None
        self.row["package_path"] = str(path.relative_to(self.data.root))
        package = DataPackage(path)
        if package.is_empty:
            self.refuse_empty_full_load(window)
            return None
        return package

    def order(self, window: Window) -> WindowOrder:
        return WindowOrder(
            self.source,
            window,
            self.data.runs,
            self.archive,
            is_served=lambda: self.package_covering(window) is not None,
            earlier_day=self.earlier_day,
        )

    def package_file(self, window: Window) -> Path | None:
        archived = self.package_of_earlier_try(window) or self.package_covering(window)
        if archived is not None:
            self.requested_at = archived.requested_at
            self.row |= {"attempts": 0, **_provenance(archived)}
            logger.info("using the package that run %s archived", archived.run_id)
            return self.archive.path(archived.run_id)
        return self.download(window)

    def download(self, window: Window) -> Path | None:
        request = self.source.request_since(window.updated_since)
        self.row["request_url"] = request.url(self.client.base_url)
        self.tell("download")
        with self.timed("download"):
            download = self.client.download(
                request, self.temporary / "package.zip", accept=self.prove, progress=self.report_progress
            )
        if download.user_message:
            logger.warning("NCBI says: %s", download.user_message)
            self.file.write(ncbi_says=download.user_message)
        self.requested_at = download.requested_at
        self.row |= {
            "requested_at": download.requested_at,
            "attempts": download.attempts,
            "http_status": download.http_status,
            "ncbi_phid": download.ncbi_phid,
            "datasets_version": download.datasets_version,
        }
        if download.path is None:
            return None
        self.row |= {"package_bytes": download.bytes, "package_sha256": download.sha256}
        self.tell("archive")
        with self.timed("archive"):
            package = ArchivedPackage(
                run_id=self.run_id,
                source=self.source.name,
                mode=window.mode,
                fingerprint=self.source.fingerprint,
                dag_id=self.origin.dag_id,
                dag_run_id=self.origin.dag_run_id,
                updated_since=window.updated_since,
                until=window.until,
                request_url=download.url,
                requested_at=download.requested_at,
                http_status=download.http_status,
                ncbi_phid=download.ncbi_phid,
                datasets_version=download.datasets_version,
                bytes=download.bytes,
                sha256=download.sha256 or "",
            )
            return self.archive.keep(package, download.path)

    def package_of_earlier_try(self, window: Window) -> ArchivedPackage | None:
        """What an earlier, uncommitted try of the same DAG run archived: no need to download it again."""
        if self.origin.dag_run_id is None or not self.is_retry:
            return None
        wanted = (self.origin.dag_id, self.origin.dag_run_id, self.source.fingerprint, window.updated_since)
        for package in self.archive.packages():
            held = (package.dag_id, package.dag_run_id, package.fingerprint, package.updated_since)
            if held == wanted and package.state != REFUSED and self.is_usable(package):
                return package
        return None

    def package_covering(self, window: Window) -> ArchivedPackage | None:
        """A recent package that holds all that a window asks for: requested after its end, from its start or before.

        Only one that a run has committed: what a gate refuses must not count as what NCBI showed of other days.
        """
        if window.mode != WINDOW or window.updated_since is None or window.until is None:
            return None
        oldest = datetime.now(UTC) - timedelta(hours=self.source.reuse_hours)
        end = datetime.combine(window.until, datetime.min.time(), UTC)
        for package in self.archive.packages():
            if package.state != ACCEPTED or package.fingerprint != self.source.fingerprint:
                continue
            if not max(oldest, end) <= package.requested_at <= datetime.now(UTC):
                continue
            if package.updated_since is not None and package.updated_since > window.updated_since:
                continue
            if self.is_usable(package):
                return package
        return None

    def is_usable(self, package: ArchivedPackage) -> bool:
        """Whether it is whole and holds something: of an empty one, another try shall ask NCBI again.

        It was verified when it came, and each member's CRC is checked as it is read. Who waits for a turn asks again
        and again, and is told once.
        """
        if package.run_id not in self.found_usable:
            try:
                if not self.archive.is_whole(package):
                    raise PackageError(f"expected {package.bytes} bytes", path=self.archive.path(package.run_id))
                self.found_usable[package.run_id] = not DataPackage(self.archive.path(package.run_id)).is_empty
            except (PackageError, OSError) as error:
                logger.warning("the archived package of run %s cannot be used: %s", package.run_id, error)
                self.found_usable[package.run_id] = False
        return self.found_usable[package.run_id]

    def prove(self, path: Path) -> None:
        """Accept a downloaded package, or move it aside for the curious."""
        with self.timed("verify"):
            try:
                DataPackage(path).verify()
            except PackageError as error:
                kept = path.replace(self.data.refused / f"{self.run_id}-{secrets.token_hex(2)}.zip")
                raise PackageError(error.reason, path=kept, member=error.member) from error

    def refuse_empty_full_load(self, window: Window) -> None:
        if window.mode == FULL and not self.source.allow_empty:
            raise EmptyFullLoad(
                f"NCBI has no record at all for source {self.source.name} ({self.row['request_url']}). If that may "
                f"be so, set allow_empty: true for the source; otherwise check its taxon and filters."
            )

    def stage(self, package: DataPackage | None) -> list[StagedReport]:
        """Read the reports into the private session."""
        self.tell("stage")
        with self.timed("stage"):
            try:
                staged = stage_package(self.session, package, self.temporary)
            except zipfile.BadZipFile as error:
                path = None if package is None else package.path
                raise PackageError(
                    f"damaged since it was verified ({error}); the next try asks NCBI for another", path=path
                ) from error
        self.tell_drift()
        for note in note_absent_reports(self.session, str(self.row["request_url"]), staged):
            logger.warning("%s. Load the source in full once NCBI gives it again", note)
        return staged

    def stage_quarantined(self) -> list[StagedReport]:
        """Read the refused lines again."""
        self.tell("stage")
        with self.timed("stage"):
            return stage_quarantined_lines(self.session, self.temporary)

    def tell_drift(self) -> None:
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

    def merge(self, window: Window, staged: list[StagedReport]) -> IngestResult:
        """Rows, ledger row and watermark, in one transaction."""
        self.tell("merge", lines=staged[0].lines)
        started = time.monotonic()
        try:
            with self.warehouse.transaction(self.session):
                committed = self.merge_in_transaction(window, staged, started)
        except CommitFailed as error:
            if not self.has_committed():
                raise
            logger.warning("the load is committed, although its commit ended with an error: %s", error)
        self.row = committed  # not before: the row of a run whose commit fails tells nothing of what was undone
        return replace(_result_of(committed), further=self.further_counts)

    def has_committed(self) -> bool:
        """Whether the warehouse, opened anew, tells this run as committed."""
        self.session.close()  # with whatever it still holds of the file
        with duckdb.connect() as session, self.warehouse.transaction(session):
            return ledger.rows_of(session, [self.run_id])[self.run_id]["status"] == "success"

    def merge_in_transaction(self, window: Window, staged: list[StagedReport], started: float) -> dict[str, object]:
        """All of the merge but its commit. Returns the ledger row."""
        committed_at = ledger.next_commit_time(self.session, self.source.name)
        load = Load(
            source=self.source.name,
            limits=self.source.limits,
            run_id=self.run_id,
            mode=window.mode,
            is_census=window.is_census,
            valid_from=committed_at,
            requested_at=self.requested_at,
            # What the quarantine holds came in packages of the past.
            is_newest_package=window.mode != REPLAY
            and ledger.is_newest_package(self.session, self.source.name, self.requested_at),
            filter_changed=window.filter_changed,
            reports_changed=window.reports_changed,
            request=self.source.request,
            since=window.updated_since if window.mode == WINDOW else None,
            until=window.until,
            accepts=self.accepts,
        )
        if window.is_census and not load.is_newest_package:
            logger.warning("a later package was loaded meanwhile: this census concludes nothing, the next one will")
        if staged[0].lines == 0:
            self.warn_of_held_rows(window)
        counts = merge_reports(self.session, load, staged)
        for report, counted in counts.items():
            ledger.insert_report(self.session, report_row(self.run_id, self.source.name, report, counted))
        of_records = counts.pop(DATA_REPORT.name)
        self.further_counts = counts
        if window.is_census and load.is_newest_package:
            self.vanished = vanished(self.session)
        watermark = self.watermark_after(window)
        self.seconds["merge"] = time.monotonic() - started  # the row tells it, so all but the commit
        committed = self.row | {
            **of_records,
            "status": "success",
            "ended_at": committed_at,
            "watermark": watermark,
            "peak_rss_mib": _peak_rss_mib(),
            "seconds": self.seconds,
        }
        ledger.update(self.session, self.run_id, committed)
        ledger.insert_acceptance(self.session, self.run_id, self.source.name, self.accepts.names)
        self.loaded_packages = ledger.loaded_packages(self.session, self.source.name)
        return committed

    def watermark_after(self, window: Window) -> date | None:
        """The watermark moves with the data, not with the clock, never back, and never past the request."""
        if window.mode in (WINDOW, REPLAY):
            return window.watermark
        row = self.session.execute(
            "SELECT max(update_date) FROM data_report WHERE update_date <= ?", [self.requested_at.date()]
        ).fetchone()
        shown = None if row is None else row[0]
        return max((day for day in (window.watermark, shown) if day is not None), default=None)

    def warn_of_held_rows(self, window: Window) -> None:
        if window.mode not in (INCREMENTAL, WINDOW):
            return
        held = self.session.execute(
            "SELECT count(*) FROM warehouse.main.virus_genome WHERE source = ? "
            "AND update_date >= coalesce(?, DATE '0001-01-01') AND update_date < coalesce(?, DATE '9999-01-01')",
            [self.source.name, window.updated_since, window.until],
        ).fetchone()
        if held is not None and held[0]:
            logger.warning("NCBI shows nothing in this window, yet %s records held lie in it", held[0])

    def close_failed(self, error: BaseException) -> None:
        """Tell the failure in the run file and in the ledger. The ledger may be what failed: then the file stays."""
        self.row |= {
            "status": "failed",
            "error": f"{type(error).__name__}: {error}",
            "ended_at": datetime.now(UTC),
            "seconds": self.seconds,
            "peak_rss_mib": _peak_rss_mib(),
        }
        if isinstance(error, DatasetsError):
            self.row |= {
                "attempts": error.attempts,
                "http_status": error.status,
                "ncbi_phid": error.ncbi_phid,
            }
        if isinstance(error, GateError) and error.vanished:
            self.vanished = error.vanished
        self.make_room()
        self.tell_end("failed", failed_in=self.stage_told)
        try:
            with duckdb.connect() as session, self.warehouse.transaction(session):
                if self.has_row:
                    ledger.update(session, self.run_id, self.row)
                else:
                    ledger.insert(session, self.row)
        except Exception:
            logger.exception("run %s failed, and its ledger row could not be written", self.run_id)

    def make_room(self) -> None:
        """Give back what the run took: what is told of its end needs some disk and memory, and both may be full."""
        self.session.close()
        shutil.rmtree(self.temporary, ignore_errors=True)

    def tell_end(self, stage: str, **details: object) -> None:
        """Tell the end in the run file. It is no reason to call the run anything else that this cannot be written."""
        try:
            self.tell(stage, **({"vanished": self.vanished} if self.vanished else {}), **details)
        except OSError as error:
            self.lock.is_left = True  # so that the next run tells it
            logger.warning("run %s: its run file could not be written: %s", self.run_id, error)

    def report_progress(self, progress: Progress) -> None:
        rate = progress.bytes_per_second / 1e6
        logger.info(
            "%.1f MB in %.0f s (%.1f MB/s), attempt %d",
            progress.bytes / 1e6,
            progress.seconds,
            rate,
            progress.attempt,
        )
        self.tell("download", bytes=progress.bytes, megabytes_per_second=round(rate, 2), attempt=progress.attempt)
        if self.on_progress is not None:
            self.on_progress(progress)

    def tell(self, stage: str, **details: object) -> None:
        self.stage_told = stage
        self.file.write(stage=stage, **{**self.row, "seconds": self.seconds}, **details)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[stage] += time.monotonic() - started


def report_row(run_id: str, source: str, report: str, counts: Mapping[str, int | None]) -> dict[str, object]:
    """The row of one report of a run in `ops.ingest_report`."""
    told = {name: counts[name] for name in ("lines", *OUTCOMES)}
    return {"run_id": run_id, "source": source, "report": report, **told}


def _result_of(row: Mapping[str, Any]) -> IngestResult:
    """What a committed run did, as its ledger row tells."""
    return IngestResult(
        **{name: row[name] for name in ("run_id", "source", "mode", "updated_since", "until", "watermark")},
        counts={name: row[name] for name in ("lines", *OUTCOMES, "withdrawn", "missing")},
    )


def _end_of_dead_run(row: Mapping[str, Any] | None) -> dict[str, object]:
    """What to tell in the run file of a run that died: what its ledger row says, if it came to have one."""
    if row is None:
        return {"stage": "failed", "status": "failed", "error": ledger.DIED, "ended_at": datetime.now(UTC)}
    if row["status"] == "success":
        return {**row, "stage": "finished", "summary": describe(_result_of(row))}
    return {"stage": "failed", **{name: row[name] for name in ("status", "error", "ended_at")}}


def describe(result: IngestResult) -> str:
    """A committed run in one line."""
    told = _told(result.counts)
    further = "".join(
        f"; {report.replace('_', ' ')}: {counts['lines']} lines = {_told(counts)}"
        for report, counts in result.further.items()
    )
    gone = "".join(f"; {result.counts[name]} {name}" for name in ("missing", "withdrawn") if result.counts[name])
    return (
        f"{result.source}: {result.mode} load committed, {result.counts['lines']} lines = {told}{gone}{further}; "
        f"watermark {result.watermark or 'none'}"
    )


def _told(counts: Mapping[str, int | None]) -> str:
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome]) or "nothing"


@contextmanager
def _temporary_folder(path: Path) -> Iterator[Path]:
    path.mkdir(parents=True)
    try:
        (path / "reserve").write_bytes(secrets.token_bytes(LAST_WORDS_BYTES))
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _provenance(package: ArchivedPackage) -> dict[str, object]:
    return {
        "request_url": package.request_url,
        "requested_at": package.requested_at,
        "http_status": package.http_status,
        "ncbi_phid": package.ncbi_phid,
        "datasets_version": package.datasets_version,
        "package_bytes": package.bytes,
        "package_sha256": package.sha256,
    }


def _peak_rss_mib() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        # Not from getrusage: there a process inherits the peak of the one that started it, as Airflow's supervisor.
        peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii"))
        return int(peak[1]) / 1024 if peak else 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
