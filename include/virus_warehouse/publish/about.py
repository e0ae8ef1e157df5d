"""The table `_about`: the snapshot's description of itself."""

import platform
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse import __version__
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import is_database
from virus_warehouse.failure import PermanentFailure
from virus_warehouse.publish.approval import Answer
from virus_warehouse.publish.gates import ACCEPTED, Finding
from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse.storage import LakeState

_KNOWN_OF_THE_COPY = ("publication_id", "previous_publication_id", "loaded_until", "lake_id", "lake_version")
"""Facts that cannot be derived from a candidate's tables once a source is held back."""


@dataclass(frozen=True)
class ClassifiedFinding:
    """A finding in `_about`.

    Attributes:
        source: the source of the rows; None when they belong to no single source.
        gate: name of the gate.
        outcome: as in `Finding`.
        fault: what is wrong, with gate and source.
    """

    source: str | None
    gate: str
    outcome: str
    fault: str


@dataclass(frozen=True)
class About:
    """The facts in `_about` that this project reads. Snapshots of earlier versions do not have all of them.

    Attributes:
        publication_id: the publication of the snapshot or candidate.
        previous_id: the last publication when this one started.
        loaded_until: commit time of the newest run in the warehouse, held back or not.
        changes: changes of each source since the previous snapshot: counts of records and reports, by kind.
        held_back: the sources that are held back, each with the time since when.
        classified: the findings of the gates.
        lake_state: the state of the lake that it is a copy of; None where the warehouse was a file.
    """

    publication_id: str | None
    previous_id: str | None
    loaded_until: datetime | None
    changes: Mapping[str, Mapping[str, int]]
    held_back: Mapping[str, datetime]
    classified: Sequence[ClassifiedFinding]
    lake_state: LakeState | None = None

    @property
    def accepted(self) -> set[str]:
        """Sources with a finding that a person accepted."""
        return {found.source for found in self.classified if found.outcome == ACCEPTED and found.source}

    @property
    def findings(self) -> list[str]:
        """The findings of the gates with their outcomes, as text."""
        return [f"{found.outcome}: {found.fault}." for found in self.classified]


class SnapshotDamaged(PermanentFailure):
    """A snapshot is not a DuckDB file."""


def read_about(snapshot: Path) -> About:
    """Read the description of a snapshot or candidate.

    Args:
        snapshot: the file.

    Raises:
        SnapshotDamaged: when it is not a DuckDB file.
    """
    if not is_database(snapshot):
        raise SnapshotDamaged(f"{snapshot} is damaged. Delete it: the next publication does not need it")
    with duckdb.connect(snapshot, read_only=True) as connection:
        # Snapshots of the first versions do not have it.
        has_about = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = '_about'").fetchone()
        sql = "SELECT topic, source, name, value FROM _about ORDER BY ALL"
        facts = connection.execute(sql).fetchall() if has_about == (1,) else []
        of_snapshot = {name: value for topic, _, name, value in facts if topic == "snapshot"}
    changes: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for topic, source, name, value in facts:
        if topic == "change":
            changes[source][name] = int(value)
    loaded_until = of_snapshot.get("loaded_until") or of_snapshot.get("last_run_ended_at")
    return About(
        publication_id=of_snapshot.get("publication_id"),
        previous_id=of_snapshot.get("previous_publication_id"),
        loaded_until=datetime.fromisoformat(loaded_until) if loaded_until else None,
        changes=dict(changes),
        held_back={source: datetime.fromisoformat(value) for topic, source, _, value in facts if topic == "held back"},
        classified=[
            ClassifiedFinding(source, gate, *value.split(": ", 1))
            for topic, source, gate, value in facts
            if topic == "finding"
        ],
        lake_state=LakeState(of_snapshot["lake_id"], int(of_snapshot["lake_version"]))
        if "lake_version" in of_snapshot
        else None,
    )


def snapshot_facts(connection: DuckDBPyConnection) -> dict[str, str]:
    """The facts about a whole snapshot in `_about`, and its versions, by name; none in snapshots of the first versions.

    Args:
        connection: an open snapshot.
    """
    has_about = connection.execute(
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() AND table_name = '_about'"
    ).fetchone()
    if has_about != (1,):
        return {}
    sql = "SELECT name, value FROM _about WHERE topic IN ('snapshot', 'version')"
    return dict(connection.execute(sql).fetchall())


def published_about(data: DataFolder) -> About | None:
    """The description of the published snapshot; None without one."""
    return read_about(data.snapshot) if data.snapshot.exists() else None


def write_about(
    candidate: DuckDBPyConnection, publication_id: str, previous_id: str | None, lake_state: LakeState | None = None
) -> None:
    """Write `_about`: runs, times, counts by source, versions and citations; findings follow in `write_findings`.

    Args:
        candidate: from `open_candidate`, a copy of the warehouse with `ops.source_status`.
        publication_id: the publication.
        previous_id: the last publication when this one started.
        lake_state: the state of the lake that was copied; None where the warehouse is a file.
    """
    row = candidate.execute("SELECT max(ended_at) FROM ops.ingest_run WHERE status = 'success'").fetchone()
    loaded_until = row[0].isoformat() if row and row[0] else None
    lake = (None, None) if lake_state is None else (lake_state.lake_id, str(lake_state.version))
    known = (publication_id, previous_id, loaded_until, *lake)
    _write(candidate, dict(zip(_KNOWN_OF_THE_COPY, known, strict=True)))


def renew_about(candidate: DuckDBPyConnection) -> None:
    """Write `_about` again, after the rows of sources have been restored.

    Args:
        candidate: from `open_candidate`, checked.
    """
    candidate.execute(
        "CREATE OR REPLACE TEMP TABLE checked AS FROM _about WHERE topic IN ('finding', 'answer', 'change')"
    )
    kept = dict(candidate.execute("SELECT name, value FROM _about WHERE topic = 'snapshot'").fetchall())
    _write(candidate, {name: kept.get(name) for name in _KNOWN_OF_THE_COPY})
    candidate.execute("INSERT INTO _about FROM checked")


def _write(candidate: DuckDBPyConnection, known: Mapping[str, str | None]) -> None:
    versions = {
        "virus_warehouse_version": __version__,
        "duckdb_version": duckdb.__version__,
        "python_version": platform.python_version(),
    }
    run_sql(candidate, "publish/sql/about.sql", {**versions, **known})


def write_findings(candidate: DuckDBPyConnection, findings: Sequence[Finding], answers: Mapping[str, Answer]) -> None:
    """Write the gates' findings to `_about`: warnings, accepted findings, and what is held back; and who decided.

    Args:
        candidate: from `open_candidate`, with `_about`.
        findings: the classified findings of the gates.
        answers: the answers of people that count, by finding.
    """
    candidate.execute("DELETE FROM _about WHERE topic IN ('finding', 'answer')")
    for finding in findings:
        text = str(finding)
        candidate.execute(
            "INSERT INTO _about VALUES ('finding', ?, ?, ?)",
            [finding.source, finding.gate, f"{finding.outcome}: {text}"],
        )
        if given := answers.get(text):
            candidate.execute(
                "INSERT INTO _about VALUES ('answer', ?, ?, ?)",
                [finding.source, finding.gate, f"{given.answer}, {given.by}, {given.at:%Y-%m-%dT%H:%M:%SZ}"],
            )


def write_changes(candidate: DuckDBPyConnection, snapshot: Path, held_back: Collection[str]) -> None:
    """Write the changes since the published snapshot to `_about`.

    Args:
        candidate: from `open_candidate`, with `_about`.
        snapshot: the published snapshot; it may be missing.
        held_back: sources whose updates will not be published.
    """
    runs: list[str] = []
    if snapshot.exists():
        with duckdb.connect(snapshot, read_only=True) as connection:
            rows = connection.execute("SELECT run_id FROM ops.ingest_run WHERE status = 'success'").fetchall()
            runs = [run_id for (run_id,) in rows]
    run_sql(candidate, "publish/sql/changes.sql", {"published_runs": runs, "held_back": sorted(held_back)})
