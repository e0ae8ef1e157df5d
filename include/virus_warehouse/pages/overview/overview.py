"""The state of each source: contents, freshness and alarms."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

import duckdb

from virus_warehouse.alarm import Alarm, AlarmKind, Weight
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.followed import given_entries
from virus_warehouse.pages.overview.alarms import alarms_of, alarms_of_no_source
from virus_warehouse.pages.runs.runs import Run, open_run_view, rows_of
from virus_warehouse.pages.snapshot import Edition, edition, reading
from virus_warehouse.publish.last_check import LastCheck, last_check
from virus_warehouse.sources import SourcesFile
from virus_warehouse.sql_file import run_sql
from virus_warehouse.stopped_load import waiting_load

RECENT_RUNS = 24
"""How many recent runs of a source are shown."""


class State(StrEnum):
    """The state of a source."""

    BROKEN = "broken"
    FAILED = "failed"
    HELD_BACK = "held back"
    OVERDUE = "overdue"
    RUNNING = "running"
    NOT_PUBLISHED = "not published"
    NEVER_LOADED = "never loaded"
    UP_TO_DATE = "up to date"
    NOT_FOLLOWED = "not followed"


@dataclass(frozen=True)
class SourceCard:
    """A source on the overview.

    Attributes:
        name: its name.
        state: its state.
        taxon: the taxon that is or was followed; None when it is unknown.
        schedule: its cron expression; None when it is not in the sources file.
        published: its row of `mart.source_status`; None when the snapshot does not have the source.
        last_run: its last run, committed or not; None when it has not run.
        recent_runs: its last runs, oldest first.
        alarms: its alarms, the worst first.
        sequenced: how many of its records have their genome's sequence in the snapshot; None when it requests none.
    """

    name: str
    state: State
    taxon: str | None
    schedule: str | None
    published: dict[str, Any] | None
    last_run: Run | None
    recent_runs: list[Run]
    alarms: list[Alarm]
    sequenced: int | None = None


@dataclass(frozen=True)
class Overview:
    """The contents of the overview.

    Attributes:
        cards: the sources, those that need attention first.
        published_at: when the snapshot was published; None when none has been.
        check: the last check of a candidate; None when there was none.
        alarms: alarms that concern no single source, the worst first.
    """

    cards: list[SourceCard]
    published_at: datetime | None
    check: LastCheck | None
    alarms: list[Alarm]

    @property
    def states(self) -> dict[State, int]:
        """How many sources are in each state, those that need attention first."""
        return dict(Counter(card.state for card in self.cards))


def overview(data: DataFolder, followed: SourcesFile, now: datetime | None = None) -> Overview:
    """The state of each source that is followed or has data.

    Args:
        data: the data folder.
        followed: the sources file.
        now: the present; None for the current time.
    """
    now = now or datetime.now(UTC)
    published_at = datetime.fromtimestamp(data.snapshot.stat().st_mtime, UTC) if data.snapshot.exists() else None
    check = last_check(data)
    findings: defaultdict[str | None, list[str]] = defaultdict(list)
    with open_run_view(data) as connection:
        last_runs = {run["source"]: run for run in rows_of(run_sql(connection, "pages/overview/last_runs.sql"))}
        recent = run_sql(connection, "pages/overview/recent_runs.sql", {"recent": RECENT_RUNS})
        recent_runs: dict[str, list[Run]] = dict(recent.fetchall())
        published = {}
        if published_at:
            rows = rows_of(run_sql(connection, "pages/overview/overview.sql"))
            published = {row["source"]: row for row in rows if row["last_success_at"] or row.get("held_back_since")}
            for source, finding in run_sql(connection, "pages/overview/findings.sql").fetchall():
                findings[source].append(_without_names(finding))
    sequenced = _sequenced(data, edition(data)) if published else {}
    without_file = given_entries(data, followed)
    cards = []
    for name in {*followed.sources, *followed.errors, *published, *last_runs}:
        source, row, run = followed.sources.get(name), published.get(name), last_runs.get(name)
        stopped = waiting_load(data, source) if source and run and run["full_status"] == "failed" else None
        alarms = list(alarms_of(source, row, run, findings[name], check, now, stopped))
        if name in followed.errors:
            alarms.append(Alarm(Weight.BAD, AlarmKind.BROKEN, f"Not running: {followed.errors[name]}"))
        cards.append(
            SourceCard(
                name=name,
                state=_state(alarms, row, run, is_followed=name in followed.sources or name in without_file),
                taxon=source.request.taxon if source else row["taxon"] if row else None,
                schedule=source.schedule if source else None,
                published=row,
                last_run=run,
                recent_runs=recent_runs.get(name, []),
                alarms=sorted(alarms, key=lambda alarm: alarm.weight),
                sequenced=sequenced.get(name) if row else None,
            )
        )
    # A card keeps its place while its source is loaded and published.
    ranks = {state: rank for rank, state in enumerate(State)} | {State.RUNNING: list(State).index(State.UP_TO_DATE)}
    cards.sort(key=lambda card: (ranks[card.state], card.name))
    return Overview(cards, published_at, check, list(alarms_of_no_source(data, followed, findings[None], check)))


@lru_cache(maxsize=1)
def _sequenced(data: DataFolder, _edition: Edition) -> Mapping[str, int]:
    """The number of records with a genome sequence, by source. Cached: millions take seconds."""
    with reading(data) as connection:
        try:
            return dict(run_sql(connection, "pages/overview/sequenced.sql").fetchall())
        except duckdb.CatalogException:  # a snapshot of an earlier version has no sequences
            return {}


def _without_names(finding: str) -> str:
    """A finding of `_about` without the names of gate and source, for the source's card."""
    outcome, _, text = finding.split(": ", 2)
    return f"Accepted by a person: {text}." if outcome == "accepted" else f"{text}."


def _state(alarms: list[Alarm], published: dict[str, Any] | None, run: Run | None, *, is_followed: bool) -> State:
    kinds = {str(alarm.kind) for alarm in alarms}
    if State.BROKEN in kinds:
        return State.BROKEN
    if run and run["status"] == "running":
        return State.RUNNING
    if AlarmKind.STOPPED in kinds and run and run["status"] == "failed":
        return State.FAILED
    for state in (State.FAILED, State.HELD_BACK, State.OVERDUE, State.NOT_PUBLISHED):
        if state in kinds:
            return state
    if run and run["unpublished_since"] and not published:
        return State.NOT_PUBLISHED
    if not is_followed:
        return State.NOT_FOLLOWED
    return State.UP_TO_DATE if published else State.NEVER_LOADED
