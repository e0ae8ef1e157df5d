"""What became of a run and of its publication, for a person in one line and for a script as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.about import published_about, read_about
from virus_warehouse.run_file import states_since


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
        source: its source.
        succeeded: whether all was done that was asked for.
        message: what became of it, in one line.
        run: what its run file holds; None when it did not start.
        is_published: whether the published snapshot has what it loaded.
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
        """The outcome, for a script."""
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
    *,
    publishes: bool = True,
    failure: BaseException | None = None,
) -> Outcome:
    """The outcome of the last run of a source that started at a moment or later.

    Args:
        data: where run files and snapshot are.
        source: the source.
        started: the moment.
        publishes: whether a publication was to follow.
        failure: what stopped the command, where something did.
    """
    own = list(states_since(data.runs, source, started))
    if not own:
        reason = str(failure) if failure else "the ingest did not start; Airflow's log above says why"
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
        what = "loaded but held back, and shown as it was published before."
    else:
        what = "loaded but not published; the last good snapshot stays."
        if failure is not None and not found:
            found = [" ".join(str(failure).split())]
    return Outcome(source, False, " ".join([f"{source}: {what}", *found, loaded]), run, False, found)


def is_published(data: DataFolder, run_id: str) -> bool:
    """Whether the published snapshot has what a run loaded."""
    if not data.snapshot.exists():
        return False
    with duckdb.connect(data.snapshot, read_only=True) as connection:
        found = connection.execute("SELECT count(*) FROM ops.ingest_run WHERE run_id = ?", [run_id]).fetchone()
    return found == (1,)


def findings(data: DataFolder) -> list[str]:
    """What the gates found in the last candidate: in the snapshot, where it was published."""
    copies = [path for path in (data.snapshot, *data.candidates.glob("*.duckdb")) if path.exists()]
    return list(read_about(max(copies, key=lambda path: path.stat().st_mtime)).findings) if copies else []
