"""Whether the snapshot is as fresh as the sources' schedules promise."""

from dataclasses import replace

import duckdb

from virus_warehouse.alarm import AlarmKind, Weight
from virus_warehouse.doctor.finding import Finding, failure, ok, skipped, warning
from virus_warehouse.doctor.installation import Installation, NotExaminable
from virus_warehouse.doctor.sources_file import followed_in
from virus_warehouse.pages.overview.overview import Overview, State, overview
from virus_warehouse.publish.about import SnapshotDamaged, read_about
from virus_warehouse.sources import SourceError


def check_snapshot(installation: Installation) -> Finding:
    """Whether each source was loaded when it was due and is published, as the page Overview judges it."""
    data = installation.data
    has_snapshot = data.snapshot.exists()
    if not has_snapshot and not any(data.runs.glob("*.json")):
        return skipped("Nothing has been loaded yet.", "Load and publish a source with `virus-warehouse run SOURCE`.")
    try:
        followed = followed_in(installation)
    except SourceError as error:
        raise NotExaminable("The schedules of the sources are not known.", "sources") from error
    if has_snapshot:
        try:
            read_about(data.snapshot)
        except (SnapshotDamaged, duckdb.Error) as error:
            return failure(
                f"{data.snapshot} cannot be read: {error}.",
                "Delete it and publish again with `virus-warehouse publish`: it is a copy of the warehouse.",
            )
    # The schedule of a source that a DAG was given as an entry is that DAG's own.
    with_schedule = {name: source for name, source in followed.sources.items() if not source.is_entry}
    seen = overview(data, replace(followed, sources=with_schedule), installation.now())
    age = _age(seen, installation)
    if overdue := _texts(seen, AlarmKind.OVERDUE):
        return failure(
            f"{age}: {' '.join(overdue)}",
            "Start the scheduler and unpause the DAG, or load by hand with `virus-warehouse run SOURCE`.",
        )
    if not has_snapshot:
        return warning(f"{age}.", "Publish what was loaded with `virus-warehouse publish`.")
    if alarms := _texts(seen):
        return warning(f"{age}: {' '.join(alarms)}", "Do what the last run or check of this source says in its log.")
    if new := [card.name for card in seen.cards if card.state is State.NEVER_LOADED]:
        return warning(
            f"{age}: not loaded yet: {', '.join(new)}.", "Unpause the DAG of the source, or `virus-warehouse run` it."
        )
    return ok(f"{age}: no {'valid ' if followed.errors else ''}source is overdue.")


def _age(seen: Overview, installation: Installation) -> str:
    if seen.published_at is None:
        return "Something was loaded, but nothing is published"
    hours = (installation.now() - seen.published_at).total_seconds() / 3600
    ago = f"{hours / 24:.0f} days ago" if hours >= 48 else f"{hours:.0f} hours ago"
    if hours < 2:
        ago = "less than two hours ago"
    return f"Published at {seen.published_at:%Y-%m-%d %H:%M} UTC, {ago}"


def _texts(seen: Overview, kind: AlarmKind | None = None) -> list[str]:
    """The alarms of a kind, or all that say that data are lacking or unpublished, each with its source."""
    return [
        f"{card.name}: {alarm.text}"
        for card in seen.cards
        for alarm in card.alarms
        if (alarm.kind is kind if kind else alarm.weight is Weight.BAD or alarm.kind is AlarmKind.NOT_PUBLISHED)
        and alarm.kind is not AlarmKind.BROKEN  # of the sources file, which is another check
    ]
