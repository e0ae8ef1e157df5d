"""The check of a candidate snapshot: every gate runs, and what they found is told before it is judged."""

import logging
from collections.abc import Collection, Iterable
from pathlib import Path

import duckdb

from virus_warehouse.publish.about import write_findings
from virus_warehouse.publish.gates import Finding, gates_sql, judge, refuse_findings
from virus_warehouse.publish.snapshot import open_candidate
from virus_warehouse.sources import SourcesFile

logger = logging.getLogger(__name__)


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
    """
    with duckdb.connect(candidate, read_only=True) as connection:
        rows = connection.execute(gates_sql(followed, published)).fetchall()
    return settle(candidate, rows, accepted)


def settle(
    candidate: Path, rows: Iterable[tuple[str, str | None, str, int, list[str]]], accepted: Collection[str] = ()
) -> list[Finding]:
    """Tell what the gates found, in the log and in the candidate's `_about`, and stop where it must not be published.

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
    refuse_findings(findings, candidate)
    return findings
