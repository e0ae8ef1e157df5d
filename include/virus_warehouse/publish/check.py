"""The check of a candidate snapshot: runs every gate, and logs, records and classifies the findings."""

import logging
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import duckdb

from virus_warehouse.bucket.copy import filled, send
from virus_warehouse.private_files import private_files
from virus_warehouse.publish.about import read_about, write_changes, write_findings
from virus_warehouse.publish.approval import PUBLISH, answers_given
from virus_warehouse.publish.candidate import open_candidate
from virus_warehouse.publish.gates import (
    ACCEPTED,
    BLOCKED,
    GATES,
    HELD_BACK,
    WARNED,
    Finding,
    classify_findings,
    gate_sql,
    inputs_sql,
    refuse_findings,
)
from virus_warehouse.publish.last_check import write_last_check
from virus_warehouse.shortage import translate_resource_errors
from virus_warehouse.sources import SourcesFile, refuse_unknown_source
from virus_warehouse.wording import counted

logger = logging.getLogger(__name__)


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
        duckdb.connect(filled(candidate), read_only=True) as connection,
    ):
        if source is not None:
            known = connection.execute("SELECT source FROM ops.source_status").fetchall()
            refuse_unknown_source(source, [name for (name,) in known])
        connection.execute(inputs_sql(followed, published))
        rows, seconds = [], {}
        for gate in GATES:
            started = time.monotonic()
            rows += connection.execute(gate_sql(gate)).fetchall()
            seconds[gate.name] = time.monotonic() - started
        held_back_before = read_about(published).held_back if published.exists() else None
        answers = answers_given(connection, held_back_before)
    approved = {finding for finding, given in answers.items() if given.answer == PUBLISH}
    findings = classify_findings(rows, accepted, source, approved)
    _log_gates(findings, seconds)
    for finding in findings:
        logger.warning("%s: %s", finding.outcome, finding)
    held_back = {str(finding.source) for finding in findings if finding.outcome == HELD_BACK}
    logger.info("the gates hold back %s", ", ".join(sorted(held_back)) or "no source")
    with open_candidate(candidate) as connection:
        write_findings(connection, findings, answers)
        write_changes(connection, published, held_back)
        write_last_check(candidate, findings, answers)
    send(candidate)
    refuse_findings(findings, candidate)
    return findings


def _log_gates(findings: Sequence[Finding], seconds: Mapping[str, float]) -> None:
    """Log each gate in one line: its most severe outcome, the rows at fault, and how long it took."""
    for gate in GATES:
        found = [finding for finding in findings if finding.gate == gate.name]
        outcomes = {finding.outcome for finding in found}
        outcome = next((each for each in (BLOCKED, HELD_BACK, ACCEPTED, WARNED) if each in outcomes), "passed")
        rows = sum(finding.rows_at_fault for finding in found)
        logger.info("gate %s: %s, %s, %.2f s", gate.name, outcome, counted(rows, "row"), seconds[gate.name])
