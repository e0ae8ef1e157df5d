"""The check of a candidate snapshot: every gate runs, and its findings are logged, recorded and classified."""

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
from virus_warehouse.publish.gates import BLOCKED, HELD_BACK, WAYS_OUT, Finding, gates_sql, judge, refuse_findings
from virus_warehouse.shortage import translate_resource_errors
from virus_warehouse.sources import SourcesFile

logger = logging.getLogger(__name__)

_LAST_CHECK = "last_check.json"


@dataclass(frozen=True)
class Blocked:
    """A finding of no source in particular, which keeps a candidate from being published.

    Attributes:
        gate: name of the gate.
        told: the finding in words.
        way_out: what to do about it.
    """

    gate: str
    told: str
    way_out: str


@dataclass(frozen=True)
class LastCheck:
    """The last check of a candidate.

    Attributes:
        checked_at: when.
        blocked: what keeps the candidate from being published; nothing, if it may be.
    """

    checked_at: datetime
    blocked: tuple[Blocked, ...]


def last_check(data: DataFolder) -> LastCheck | None:
    """What the last check found, told without opening the candidate; None when there was none."""
    try:
        told = json.loads((data.candidates / _LAST_CHECK).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    blocked = (Blocked(finding["gate"], finding["told"], finding["way_out"]) for finding in told["blocked"])
    return LastCheck(datetime.fromisoformat(told["checked_at"]), tuple(blocked))


def check_candidate(
    candidate: Path,
    followed: SourcesFile,
    published: Path,
    accepted: Collection[str] = (),
    *,
    source: str | None = None,
) -> list[Finding]:
    """Run the gates on a candidate snapshot; log what they find, and write it into the candidate's `_about`.

    A finding that belongs to a source stops nothing here: the publication holds the news of that source back.

    Args:
        candidate: from `prepare_candidate`; nobody has it open.
        followed: the sources file.
        published: the published snapshot; it need not be there.
        accepted: names of gates whose findings a person accepts.
        source: the only source of which they are accepted; None: of all.

    Returns:
        What was found: warnings, what was accepted, and what holds a source back.

    Raises:
        GateFailed: when a finding that belongs to no source forbids to publish the candidate.
        DiskFull, MemoryTooSmall: when the gates cannot be asked, or their answer not be written.
    """
    with (
        private_files(),
        translate_resource_errors(candidate.parent),
        duckdb.connect(candidate, read_only=True) as connection,
    ):
        rows = connection.execute(gates_sql(followed, published)).fetchall()
    findings = judge(rows, accepted, source)
    for finding in findings:
        logger.warning("%s: %s", finding.outcome, finding)
    held_back = {str(finding.source) for finding in findings if finding.outcome == HELD_BACK}
    logger.info("the gates hold back %s", ", ".join(sorted(held_back)) or "no source")
    with open_candidate(candidate) as connection:
        write_findings(connection, findings)
        write_changes(connection, published, held_back)
        # Apart from the candidate as well: who looks into that while its task writes to it makes the task fail.
        write_json(
            candidate.with_name(_LAST_CHECK),
            {"checked_at": datetime.now(UTC).isoformat(), "blocked": _blocked(findings)},
        )
    refuse_findings(findings, candidate)
    return findings


def _blocked(findings: Iterable[Finding]) -> list[dict[str, str]]:
    return [
        {"gate": finding.gate, "told": f"{finding}.", "way_out": WAYS_OUT[finding.gate]}
        for finding in findings
        if finding.outcome == BLOCKED
    ]
