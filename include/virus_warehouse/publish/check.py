"""The check of a candidate snapshot: runs every gate, and logs, records and classifies the findings."""

import json
import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from virus_warehouse.atomic_file import write_json
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.private_files import private_files
from virus_warehouse.publish.about import write_changes, write_findings
from virus_warehouse.publish.candidate import open_candidate
from virus_warehouse.publish.gates import (
    BLOCKED,
    HELD_BACK,
    WAYS_OUT,
    Finding,
    classify_findings,
    gates_sql,
    refuse_findings,
    ways_to_accept,
)
from virus_warehouse.shortage import translate_resource_errors
from virus_warehouse.sources import SourcesFile, refuse_unknown_source

logger = logging.getLogger(__name__)

_LAST_CHECK = "last_check.json"


@dataclass(frozen=True)
class Blocked:
    """A finding of no single source, which blocks the publication.

    Attributes:
        gate: name of the gate.
        text: the finding in words.
        way_out: how to resolve it.
    """

    gate: str
    text: str
    way_out: str


@dataclass(frozen=True)
class LastCheck:
    """The last check of a candidate.

    Attributes:
        checked_at: when.
        blocked: the findings that block the publication; empty if nothing does.
    """

    checked_at: datetime
    blocked: tuple[Blocked, ...]

    @property
    def ways_to_accept(self) -> str:
        """How a person publishes despite what blocks."""
        return ways_to_accept(dict.fromkeys(finding.gate for finding in self.blocked))


def last_check(data: DataFolder) -> LastCheck | None:
    """The last check, without opening the candidate; None when there was none."""
    try:
        check = json.loads((data.candidates / _LAST_CHECK).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    # Files of earlier versions have no text.
    blocked = (
        Blocked(finding["gate"], finding.get("text", finding["gate"]), finding["way_out"])
        for finding in check["blocked"]
    )
    return LastCheck(datetime.fromisoformat(check["checked_at"]), tuple(blocked))


def check_candidate(
    candidate: Path,
    followed: SourcesFile,
    published: Path,
    accepted: Collection[str] = (),
    *,
    source: str | None = None,
) -> list[Finding]:
    """Run the gates on a candidate snapshot; log the findings, and write them to the candidate's `_about`.

    Findings of a source do not stop the check: the publication will hold back that source.

    Args:
        candidate: from `prepare_candidate`, not open anywhere.
        followed: the sources file.
        published: the published snapshot; it may be missing.
        accepted: names of gates whose findings a person accepts.
        source: the only source whose findings are accepted; None for all.

    Returns:
        The findings: warnings, accepted ones, and those that hold back a source.

    Raises:
        UnknownSource: when no source has the name of the one whose findings are accepted.
        GateFailed: when a finding of no single source blocks the candidate.
        DiskFull, MemoryTooSmall: when the gates cannot run, or the findings cannot be written.
    """
    with (
        private_files(),
        translate_resource_errors(candidate.parent),
        duckdb.connect(candidate, read_only=True) as connection,
    ):
        if source is not None:
            known = connection.execute("SELECT source FROM ops.source_status").fetchall()
            refuse_unknown_source(source, [name for (name,) in known])
        rows = connection.execute(gates_sql(followed, published)).fetchall()
    findings = classify_findings(rows, accepted, source)
    for finding in findings:
        logger.warning("%s: %s", finding.outcome, finding)
    held_back = {str(finding.source) for finding in findings if finding.outcome == HELD_BACK}
    logger.info("the gates hold back %s", ", ".join(sorted(held_back)) or "no source")
    with open_candidate(candidate) as connection:
        write_findings(connection, findings)
        write_changes(connection, published, held_back)
        # Also in a separate file: reading the candidate while its task writes to it would make the task fail.
        write_json(
            candidate.with_name(_LAST_CHECK),
            {"checked_at": datetime.now(UTC).isoformat(), "blocked": _blocked(findings)},
        )
    refuse_findings(findings, candidate)
    return findings


def _blocked(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [
        {"gate": finding.gate, "text": f"{finding}.", "way_out": WAYS_OUT[finding.gate]}
        for finding in findings
        if finding.outcome == BLOCKED
    ]
