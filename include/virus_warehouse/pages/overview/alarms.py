"""Alarms: where data may be lacking, and where somebody should look."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from croniter import croniter

from virus_warehouse.alarm import Alarm, AlarmKind, Weight
from virus_warehouse.alert_settings import ENOUGH_FREE
from virus_warehouse.archive import ArchivedPackage
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.pages.runs.runs import Run
from virus_warehouse.publish.last_check import LastCheck
from virus_warehouse.run_mode import FULL
from virus_warehouse.sources import Source, SourcesFile
from virus_warehouse.sql_file import sql_text

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PATIENCE = timedelta(minutes=15)
"""How long a load may wait for its check and publication before that raises an alarm."""


def due_since(schedule: str, last: datetime, now: datetime) -> datetime | None:
    """When the overdue run was due; None while there is time.

    A run has until the next one is due, but at most a day and at least an hour: for downloads, and for Airflow's
    retries.

    Args:
        schedule: cron expression, in UTC.
        last: when a run last loaded all updates.
        now: the present.
    """
    due: datetime = croniter(schedule, last.astimezone(UTC)).get_next(datetime)
    following: datetime = croniter(schedule, due).get_next(datetime)
    patience = max(HOUR, min(following - due, DAY))
    return due if now > due + patience else None


def alarms_of(
    source: Source | None,
    published: Mapping[str, Any] | None,
    run: Run | None,
    findings: Iterable[str],
    check: LastCheck | None,
    now: datetime,
    stopped: ArchivedPackage | None = None,
) -> Iterator[Alarm]:
    """The alarms of a source.

    Args:
        source: its entry in the sources file; None when it is missing or invalid.
        published: its row of `mart.source_status`; None when the snapshot has none.
        run: its last run, of `pages/overview/last_runs.sql`; None when there was none.
        findings: findings of the gates in the snapshot that did not block this source.
        check: the last check of a candidate snapshot.
        now: the present.
        stopped: the package of its stopped full load; None when none waits for an answer.
    """
    held_back_since = published.get("held_back_since") if published else None
    if published and held_back_since:
        yield Alarm(
            Weight.BAD,
            AlarmKind.HELD_BACK,
            f"Held back since {held_back_since:%Y-%m-%d %H:%M} UTC: {published['held_back_reason']}",
        )
    if stopped:
        yield Alarm(
            Weight.BAD,
            AlarmKind.STOPPED,
            f"The full load of {stopped.requested_at:%Y-%m-%d %H:%M} UTC was stopped: {stopped.finding} Answer its "
            f"question in Airflow's required actions, or with `virus-warehouse approve {stopped.source}`.",
        )
    if run and run["status"] == "failed" and not (stopped and run["mode"] == FULL):
        yield Alarm(
            Weight.BAD,
            AlarmKind.FAILED,
            run["error"] or "The last run failed without a reason; see its log.",
            since=run["ended_at"],
        )
    if run:
        yield from _of_runs(source, run, check, now, is_held_back=held_back_since is not None)
    yield from (Alarm(Weight.WARN, AlarmKind.FINDING, text) for text in findings)
    if published:
        yield from _of_snapshot(published)


def alarms_of_no_source(
    data: DataFolder, followed: SourcesFile, findings: Iterable[str], check: LastCheck | None
) -> Iterator[Alarm]:
    """The alarms that concern no single source, the worst first.

    Args:
        data: the data folder.
        followed: the sources file.
        findings: findings of the gates in the snapshot that did not block it and concern no single source.
        check: the last check of a candidate snapshot.
    """
    if check and check.blocked:
        yield Alarm(
            Weight.BAD,
            AlarmKind.BLOCKED,
            f"Publishing is blocked. {' '.join(f'{found.text} {found.way_out}' for found in check.blocked)}",
            since=check.checked_at,
        )
    yield from _of_disks(data, followed.alerts.disk_free if followed.alerts else ENOUGH_FREE)
    if followed.alerts_error:
        yield Alarm(Weight.BAD, AlarmKind.BROKEN, f"No alerts are sent: {followed.alerts_error}")
    yield from (Alarm(Weight.WARN, AlarmKind.FINDING, text) for text in findings)


def _of_disks(data: DataFolder, enough: int) -> Iterator[Alarm]:
    places = {place.stat().st_dev: place for place in data.filled if place.exists()}
    for place in places.values():
        free = shutil.disk_usage(place).free
        if free < enough:
            yield Alarm(
                Weight.BAD,
                AlarmKind.DISK,
                f"The disk of {place} has {_gigabytes(free)} free, less than {_gigabytes(enough)}. Free some "
                f"space: loads fail when it is full, and lose nothing.",
            )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def _of_runs(
    source: Source | None, run: Run, check: LastCheck | None, now: datetime, *, is_held_back: bool
) -> Iterator[Alarm]:
    last = run["brought_all_at"]
    due = due_since(source.schedule, last, now) if source and last else None
    if due:
        yield Alarm(
            Weight.BAD,
            AlarmKind.OVERDUE,
            f"Overdue since {due:%Y-%m-%d %H:%M} UTC: no scheduled run has completed. If none failed, its DAG is "
            f"paused or the scheduler is not running.",
        )
    waiting = None if is_held_back else run["unpublished_since"]
    if waiting and check and check.blocked:
        yield Alarm(Weight.BAD, AlarmKind.NOT_PUBLISHED, "Loaded, but not published: publishing is blocked.")
    elif waiting and now - waiting > PATIENCE:
        yield Alarm(
            Weight.WARN,
            AlarmKind.NOT_PUBLISHED,
            f"Loaded at {waiting:%Y-%m-%d %H:%M} UTC, but not published: a run of ncbi_virus_publish has failed or is "
            f"still running.",
        )


def _of_snapshot(published: Mapping[str, Any]) -> Iterator[Alarm]:
    name = sql_text(published["source"])
    for gap in published["gaps"] or ():
        yield Alarm(
            Weight.WARN,
            AlarmKind.GAP,
            f"Updates from {gap['since'] or 'the beginning'} to {gap['until']} were never requested. A backfill of "
            f"these days fills the gap.",
        )
    if published["quarantine_open"]:
        yield Alarm(
            Weight.WARN,
            AlarmKind.QUARANTINE,
            f"{_counted(published['quarantine_open'], 'quarantined line')}. Replay with a version that can read them, "
            f"or acknowledge them with `virus-warehouse acknowledge {published['source']}`.",
            f"SELECT report, line_number, reason, raw\nFROM ops.quarantine\n"
            f"WHERE source = {name} AND replayed_at IS NULL AND resolved_at IS NULL AND acknowledged_at IS NULL\n"
            f"ORDER BY report, line_number",
        )
    if published["records_missing"]:
        yield Alarm(
            Weight.WARN,
            AlarmKind.MISSING,
            f"The last census did not list {_counted(published['records_missing'], 'record')}; they are kept unless "
            f"the next censuses miss them too.",
            f"SELECT accession, missing_since, taxon_name(virus_tax_id) AS virus, release_date\nFROM virus_genome\n"
            f"WHERE source = {name} AND status = 'missing'\nORDER BY accession",
        )
    if published["drift"]:
        yield Alarm(
            Weight.WARN,
            AlarmKind.DRIFT,
            f"NCBI's reports have {_counted(len(published['drift']), 'unknown field')}: "
            f"{', '.join(published['drift'])}. Update this project, or acknowledge them with "
            f"`virus-warehouse acknowledge {published['source']}`.",
            f"SELECT report, path, occurrences, sample\nFROM ops.schema_drift\n"
            f"WHERE source = {name} AND resolved_at IS NULL AND acknowledged_at IS NULL\nORDER BY report, path",
        )


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
