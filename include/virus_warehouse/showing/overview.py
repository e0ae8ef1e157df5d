"""Each source: what is held of it, how fresh that is, and what is amiss, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.showing.runs import Run, rows_of, telling
from virus_warehouse.sources import Source, SourcesFile
from virus_warehouse.sql_file import run_sql

LATE = timedelta(days=2)
"""Time without a committed run after which a source counts as late: by default a run a day is due."""


@dataclass(frozen=True)
class Alarm:
    """Something amiss: `weight` is bad where data may be lacking, warn where somebody should look."""

    weight: str
    text: str


@dataclass(frozen=True)
class SourceCard:
    """What the overview says of a source.

    Attributes:
        name: its name in the sources file.
        status: followed, never loaded, broken or not followed.
        published: its row of `mart.source_status`; None when the snapshot has none.
        last_run: its last run, committed or not; None when it has not run.
        alarms: what is amiss, the worst first.
    """

    name: str
    status: str
    published: dict[str, Any] | None
    last_run: Run | None
    alarms: list[Alarm]


@dataclass(frozen=True)
class Overview:
    """The cards, and when the snapshot was published; None when none has been."""

    cards: list[SourceCard]
    published_at: datetime | None


def overview(data: DataFolder, followed: SourcesFile) -> Overview:
    """What there is to say of each source that is followed, or of which something is held.

    Args:
        data: where the snapshot and the run files are.
        followed: the sources file.
    """
    is_published = data.snapshot.exists()
    with telling(data) as connection:
        last_runs = {run["source"]: run for run in rows_of(run_sql(connection, "showing/sql/last_runs.sql"))}
        rows = rows_of(run_sql(connection, "showing/sql/overview.sql")) if is_published else []
    published = {row["source"]: row for row in rows}
    names = sorted({*followed.sources, *followed.errors, *published, *last_runs})
    changed = data.snapshot.stat().st_mtime if is_published else None
    return Overview(
        [_card(name, followed, published.get(name), last_runs.get(name)) for name in names],
        None if changed is None else datetime.fromtimestamp(changed, UTC),
    )


def _card(name: str, followed: SourcesFile, published: dict[str, Any] | None, run: Run | None) -> SourceCard:
    if name in followed.errors:
        status = "broken"
    elif name not in followed.sources:
        status = "not followed"
    else:
        status = "followed" if published and published["last_success_at"] else "never loaded"
    alarms = list(_alarms(followed.sources.get(name), published, run))
    if status == "broken":
        alarms.append(Alarm("bad", f"Its entry cannot be read, so it does not run: {followed.errors[name]}"))
    return SourceCard(name, status, published, run, sorted(alarms, key=lambda alarm: alarm.weight))


def _alarms(source: Source | None, published: dict[str, Any] | None, run: Run | None) -> Iterator[Alarm]:
    if run and run["status"] == "failed":
        yield Alarm("bad", f"Its last run failed: {run['error'] or 'no reason was written; see the task log'}")
    if not published:
        return
    last_success = published["last_success_at"]
    if source and last_success and datetime.now(UTC) - last_success > LATE:
        days = (datetime.now(UTC) - last_success).days
        yield Alarm("bad", f"Stale: no run has committed for {days} days. Is its DAG paused, or the scheduler stopped?")
    behind = published["days_watermark_behind"]
    if source and source.stale_after_days and behind is not None and behind > source.stale_after_days:
        yield Alarm("warn", f"NCBI stands still: when last asked, it had shown nothing newer for {behind} days.")
    if published["gaps"]:
        first = published["gaps"][0]
        since = first["since"] or "the beginning"
        more = f", and {len(published['gaps']) - 1} more spans" if len(published["gaps"]) > 1 else ""
        yield Alarm(
            "warn", f"Nobody asked for updates from {since} until {first['until']}{more}. A backfill fills them."
        )
    if published["quarantine_open"]:
        yield Alarm("warn", f"{published['quarantine_open']} lines could not be read and wait in ops.quarantine.")
    if published["records_missing"]:
        yield Alarm("warn", f"The last census did not list {published['records_missing']} records that are held.")
    if published["drift"]:
        yield Alarm("warn", f"NCBI's reports have names that are not read: {', '.join(published['drift'])}.")
