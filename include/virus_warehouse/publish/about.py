"""What a snapshot says of itself, in its table `_about`: whoever is handed the file has nothing else at hand."""

import platform
from collections.abc import Sequence
from pathlib import Path

import duckdb

from virus_warehouse import __version__
from virus_warehouse.private_files import without_world_access
from virus_warehouse.publish.gates import Finding
from virus_warehouse.shortage import shortages_told
from virus_warehouse.sql_file import run_sql


@without_world_access()
def write_about(candidate: Path) -> None:
    """Write `_about`: runs, time, counts by source, versions, and how to cite; findings come with `write_findings`.

    Args:
        candidate: a snapshot that is not published yet.

    Raises:
        DiskFull: when there is no space for it.
    """
    versions = {
        "virus_warehouse_version": __version__,
        "duckdb_version": duckdb.__version__,
        "python_version": platform.python_version(),
    }
    with shortages_told(candidate.parent), duckdb.connect(candidate) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        run_sql(connection, "publish/sql/about.sql", versions)


@without_world_access()
def write_findings(candidate: Path, findings: Sequence[Finding]) -> None:
    """Tell in `_about` what the gates found: what was warned of, what a person accepted, and what kept it back.

    Args:
        candidate: a snapshot with `_about` that is not published yet.
        findings: what the gates found, judged.

    Raises:
        DiskFull: when there is no space for it.
    """
    with shortages_told(candidate.parent), duckdb.connect(candidate) as connection:
        connection.execute("DELETE FROM _about WHERE topic = 'finding'")
        for finding in findings:
            connection.execute(
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
