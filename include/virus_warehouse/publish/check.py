"""The check of a candidate snapshot: every gate runs, and what they found is told before it is judged."""

import json
import logging
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from virus_warehouse.atomic_file import write_json
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.private_files import without_world_access
from virus_warehouse.publish.about import write_findings
from virus_warehouse.publish.gates import GATES, Finding, gates_sql, judge, refuse_findings
from virus_warehouse.publish.snapshot import open_candidate
from virus_warehouse.shortage import shortages_told
from virus_warehouse.sources import SourcesFile

logger = logging.getLogger(__name__)

_LAST_CHECK = "last_check.json"


@dataclass(frozen=True)
class Blocked:
    """A finding that keeps a candidate back.

    Attributes:
        source: whose rows are at fault; None when they belong to no one source.
        gate: name of the gate.
        told: the finding in words.
        way_out: what to do about it.
    """

    source: str | None
    gate: str
    told: str
    way_out: str


@dataclass(frozen=True)
class LastCheck:
    """The last check of a candidate, whichever run it was of: a snapshot holds all sources together.

    Attributes:
        run_id: the run whose candidate it was.
        checked_at: when.
        blocked: what keeps it back; nothing, if it passed.
    """

    run_id: str
    checked_at: datetime
    blocked: tuple[Blocked, ...]


def last_check(data: DataFolder) -> LastCheck | None:
    """What the last check found, told without opening the candidate; None when there was none."""
    try:
        told = json.loads((data.candidates / _LAST_CHECK).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return LastCheck(
        told["run_id"],
        datetime.fromisoformat(told["checked_at"]),
        tuple(Blocked(**finding) for finding in told["blocked"]),
    )


def check_candidate(
    candidate: Path, followed: SourcesFile, published: Path, accepted: Collection[str] = ()
) -> list[Finding]:
    """Run the gates on a candidate snapshot and settle what they find.

    Args:
        candidate: from `prepare_candidate`.
        followed: the sources file.
        published: the published snapshot; it need not be there.
        accepted: names of gates whose findings a person accepts.

    Returns:
        What stopped nothing: warnings, and what was accepted.

    Raises:
        GateFailed: when the candidate must not be published.
        DiskFull, MemoryTooSmall: when the gates cannot be asked.
    """
    with asking(candidate.parent), duckdb.connect(candidate, read_only=True) as connection:
        rows = connection.execute(gates_sql(followed, published)).fetchall()
    return settle(candidate, rows, accepted)


@contextmanager
def asking(candidates: Path) -> Iterator[None]:
    """Ask a candidate the gates' questions, on whatever connection: what DuckDB spills beside it is private.

    Args:
        candidates: the folder of the candidate.

    Raises:
        DiskFull, MemoryTooSmall: in place of DuckDB's errors.
    """
    with without_world_access(), shortages_told(candidates):
        yield


def settle(
    candidate: Path, rows: Iterable[tuple[str, str | None, str, int, list[str]]], accepted: Collection[str] = ()
) -> list[Finding]:
    """Tell what the gates found, in the log, the candidate's `_about` and the last check, and stop where that blocks.

    Args:
        candidate: the candidate snapshot; nobody has it open.
        rows: the rows of `gates_sql`.
        accepted: names of gates whose findings a person accepts.

    Returns:
        What stopped nothing: warnings, and what was accepted.

    Raises:
        GateFailed: when the candidate must not be published.
        DiskFull: when there is no space for what is told.
    """
    findings = judge(rows, accepted)
    for finding in findings:
        logger.warning("%s: %s", finding.outcome, finding)
    with open_candidate(candidate) as connection:
        write_findings(connection, findings)
        # Apart from the candidate as well: who looks into that while its task writes to it makes the task fail.
        write_json(
            candidate.with_name(_LAST_CHECK),
            {"run_id": candidate.stem, "checked_at": datetime.now(UTC).isoformat(), "blocked": _blocked(findings)},
        )
    refuse_findings(findings, candidate)
    return findings


def _blocked(findings: Iterable[Finding]) -> list[dict[str, str | None]]:
    ways_out = {gate.name: gate.way_out for gate in GATES}
    return [
        {"source": finding.source, "gate": finding.gate, "told": f"{finding}.", "way_out": ways_out[finding.gate]}
        for finding in findings
        if finding.outcome == "blocked"
    ]
