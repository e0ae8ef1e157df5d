"""The outcome of a run and its publication, as one line or as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.about import About, published_about, read_about
from virus_warehouse.publish.gates import HELD_BACK, ways_to_accept
from virus_warehouse.run_file import states_since


@dataclass(frozen=True)
class Outcome:
    """The outcome of a run.

    Attributes:
        source: its source.
        succeeded: whether everything requested was done.
        message: a summary in one line.
        run: the contents of its run file; None when it did not start.
        is_published: whether the published snapshot includes what it loaded.
        findings: what the gates found in the last candidate.
    """

    source: str
    succeeded: bool
    message: str
    run: Mapping[str, object] | None = None
    is_published: bool = False
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{'OK' if self.succeeded else 'FAILED'} {self.message}"

    def as_json(self) -> dict[str, Any]:
        """The outcome as JSON."""
        return {
            "succeeded": self.succeeded,
            "source": self.source,
            "message": self.message,
            "published": self.is_published,
            "findings": self.findings,
            "run": None if self.run is None else dict(self.run),
        }


def outcome_of(
    data: DataFolder,
    source: str,
    started: datetime,
    by: Mapping[str, object],
    *,
    publishes: bool = True,
    failure: BaseException | None = None,
) -> Outcome:
    """The outcome of the last run of a source that a command started.

    Args:
        data: the data folder.
        source: the source.
        started: when the command started.
        by: what its run file has and those of others have not, such as the process.
        publishes: whether a publication was to follow.
        failure: the error that stopped the command, if any.
    """
    own = [state for state in states_since(data.runs, source, started) if state.items() >= by.items()]
    if not own:
        reason = str(failure) if failure else "the ingest did not start; see Airflow's log above"
        return Outcome(source, False, f"{source}: {reason}")
    run = max(own, key=lambda state: str(state["started_at"]))
    if run["status"] != "success":
        error = " ".join(str(run["error"] or "the process ended early").split())
        return Outcome(source, False, f"{source}: {error} (run {run['run_id']})", run)
    loaded = f"{run['summary']} (run {run['run_id']})"
    if not publishes:
        return Outcome(source, True, loaded, run)
    found = findings(data)
    if is_published(data, str(run["run_id"])):
        return Outcome(source, True, " ".join([loaded, *found]), run, True, found)
    about = published_about(data)
    if about and source in about.held_back:
        what = f"{source}: loaded but {held_back_in_words(about, source)} {loaded}"
        return Outcome(source, False, what, run, False, found)
    what = "loaded but not published; the last good snapshot stays."
    if failure is not None and not found:
        found = [" ".join(str(failure).split())]
    return Outcome(source, False, " ".join([f"{source}: {what}", *found, loaded]), run, False, found)


def held_back_in_words(about: About, source: str) -> str:
    """By which gates a source is held back, and how to publish it. The log has the rows.

    Args:
        about: the description of the published snapshot.
        source: the source.
    """
    gates = dict.fromkeys(
        found.gate for found in about.classified if found.outcome == HELD_BACK and found.source == source
    )
    by = f" by {', '.join(gates)}" if gates else ""
    accept = f" Look at the records, then accept them once: {ways_to_accept(gates, source)}." if gates else ""
    return f"held back{by}; the snapshot shows its last published state.{accept}"


def is_published(data: DataFolder, run_id: str) -> bool:
    """Whether the published snapshot includes what a run loaded."""
    if not data.snapshot.exists():
        return False
    with duckdb.connect(data.snapshot, read_only=True) as connection:
        found = connection.execute("SELECT count(*) FROM ops.ingest_run WHERE run_id = ?", [run_id]).fetchone()
    return found == (1,)


def findings(data: DataFolder) -> list[str]:
    """What the gates found in the last candidate, or in the snapshot where that was published."""
    copies = [path for path in (data.snapshot, *data.candidates.glob("*.duckdb")) if path.exists()]
    return list(read_about(max(copies, key=lambda path: path.stat().st_mtime)).findings) if copies else []
