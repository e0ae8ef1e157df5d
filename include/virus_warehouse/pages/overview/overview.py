"""Each source: what is held of it, how fresh that is, and what is amiss, in words."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.pages.overview.alarms import Alarm, Weight, alarms_of
from virus_warehouse.pages.runs.runs import Run, rows_of, telling
from virus_warehouse.publish.check import LastCheck, last_check
from virus_warehouse.sources import SourcesFile
from virus_warehouse.sql_file import run_sql

RECENT_RUNS = 24
"""How many runs of a source are shown at a glance."""


class State(StrEnum):
    """How a source is, at a glance."""

    BROKEN = "broken"
    FAILED = "failed"
    HELD_BACK = "held back"
    STALE = "stale"
    RUNNING = "running"
    NOT_PUBLISHED = "not published"
    NEVER_LOADED = "never loaded"
    UP_TO_DATE = "up to date"
    NOT_FOLLOWED = "not followed"


@dataclass(frozen=True)
class SourceCard:
    """What the overview says of a source.

    Attributes:
        name: its name in the sources file.
        state: how it is.
        taxon: what is followed, or was; None when nothing tells.
        schedule: its cron expression; None when it is not followed.
        published: its row of `mart.source_status`; None when the snapshot holds nothing of it.
        last_run: its last run, committed or not; None when it has not run.
        recent_runs: its last runs, oldest first.
        alarms: what is amiss, the worst first.
    """

    name: str
    state: State
    taxon: str | None
    schedule: str | None
    published: dict[str, Any] | None
    last_run: Run | None
    recent_runs: list[Run]
    alarms: list[Alarm]


@dataclass(frozen=True)
class Overview:
    """All that the overview says.

    Attributes:
        cards: the sources, those first that somebody should look at.
        published_at: when the snapshot was published; None when none has been.
        check: the last check of a candidate; None when there was none.
        findings: what the gates found in the snapshot and let pass, of no source in particular.
    """

    cards: list[SourceCard]
    published_at: datetime | None
    check: LastCheck | None
    findings: list[str]

    @property
    def states(self) -> dict[State, int]:
        """How many sources are in each state, those first that somebody should look at."""
        return dict(Counter(card.state for card in self.cards))


def overview(data: DataFolder, followed: SourcesFile, now: datetime | None = None) -> Overview:
    """What there is to say of each source that is followed, or of which something is held.

    Args:
        data: where the snapshot and the run files are.
        followed: the sources file.
        now: the present, unless it is another.
    """
    now = now or datetime.now(UTC)
    published_at = datetime.fromtimestamp(data.snapshot.stat().st_mtime, UTC) if data.snapshot.exists() else None
    check = last_check(data)
    findings: defaultdict[str | None, list[str]] = defaultdict(list)
    with telling(data) as connection:
        last_runs = {run["source"]: run for run in rows_of(run_sql(connection, "pages/overview/last_runs.sql"))}
        recent = run_sql(connection, "pages/overview/recent_runs.sql", {"recent": RECENT_RUNS})
        recent_runs: dict[str, list[Run]] = dict(recent.fetchall())
        published = {}
        if published_at:
            rows = rows_of(run_sql(connection, "pages/overview/overview.sql"))
            published = {row["source"]: row for row in rows if row["last_success_at"] or row.get("held_back_since")}
            for source, told in run_sql(connection, "pages/overview/findings.sql").fetchall():
                findings[source].append(_without_names(told))
    cards = []
    for name in {*followed.sources, *followed.errors, *published, *last_runs}:
        source, row, run = followed.sources.get(name), published.get(name), last_runs.get(name)
        alarms = list(alarms_of(source, row, run, findings[name], check, now))
        if name in followed.errors:
            alarms.append(Alarm(Weight.BAD, State.BROKEN, f"It does not run: {followed.errors[name]}"))
        cards.append(
            SourceCard(
                name=name,
                state=_state(alarms, row, run, is_followed=name in followed.sources),
                taxon=source.request.taxon if source else row["taxon"] if row else None,
                schedule=source.schedule if source else None,
                published=row,
                last_run=run,
                recent_runs=recent_runs.get(name, []),
                alarms=sorted(alarms, key=lambda alarm: alarm.weight),
            )
        )
    ranks = list(State)
    cards.sort(key=lambda card: (ranks.index(card.state), card.name))
    return Overview(cards, published_at, check, findings[None])


def _without_names(finding: str) -> str:
    """A finding of `_about` as it is told beside the name of its source: without that, and without the gate's."""
    outcome, _, told = finding.split(": ", 2)
    return f"Accepted by a person: {told}." if outcome == "accepted" else f"{told}."


def _state(alarms: list[Alarm], published: dict[str, Any] | None, run: Run | None, *, is_followed: bool) -> State:
    kinds = {alarm.kind for alarm in alarms}
    if State.BROKEN in kinds:
        return State.BROKEN
    if run and run["status"] == "running":
        return State.RUNNING
    for state in (State.FAILED, State.HELD_BACK, State.STALE):
        if state in kinds:
            return state
    if run and run["unpublished_since"]:
        return State.NOT_PUBLISHED
    if not is_followed:
        return State.NOT_FOLLOWED
    return State.UP_TO_DATE if published else State.NEVER_LOADED
