"""What a snapshot says of itself, in its table `_about`: whoever is handed the file has nothing else at hand."""

import platform
from collections.abc import Sequence
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse import __version__
from virus_warehouse.publish.gates import Finding
from virus_warehouse.sql_file import run_sql


def write_about(candidate: DuckDBPyConnection) -> None:
    """Write `_about`: runs, time, counts by source, versions, and how to cite; findings come with `write_findings`.

    Args:
        candidate: from `open_candidate`.
    """
    versions = {
        "virus_warehouse_version": __version__,
        "duckdb_version": duckdb.__version__,
        "python_version": platform.python_version(),
    }
    run_sql(candidate, "publish/sql/about.sql", versions)


def write_findings(candidate: DuckDBPyConnection, findings: Sequence[Finding]) -> None:
    """Tell in `_about` what the gates found: what was warned of, what a person accepted, and what kept it back.

    Args:
        candidate: from `open_candidate`, with `_about`.
        findings: what the gates found, judged.
    """
    candidate.execute("DELETE FROM _about WHERE topic = 'finding'")
    for finding in findings:
        candidate.execute(
            "INSERT INTO _about VALUES ('finding', ?, ?, ?)",
            [finding.source, finding.gate, f"{finding.outcome}: {finding}"],
        )


def told_findings(snapshot: Path) -> list[str]:
    """What the gates found in a snapshot or candidate, as its `_about` tells; nothing where there is none.

    Args:
        snapshot: the file.
    """
    if not snapshot.exists():
        return []
    with duckdb.connect(snapshot, read_only=True) as connection:
        has_about = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = '_about'").fetchone()
        if has_about == (0,):
            return []
        rows = connection.execute("SELECT value FROM _about WHERE topic = 'finding' ORDER BY source, name").fetchall()
    return [f"{value}." for (value,) in rows]
