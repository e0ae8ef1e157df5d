"""The status of each source, stored in the snapshot because its readers do not have the sources file."""

from collections.abc import Mapping

from duckdb import DuckDBPyConnection

from virus_warehouse.sources import SourcesFile
from virus_warehouse.sql_file import run_sql


def write_source_status(candidate: DuckDBPyConnection, followed: SourcesFile) -> None:
    """Write `ops.source_status`: a row for each source that is followed or has ever run.

    Args:
        candidate: from `open_candidate`.
        followed: the sources file.
    """
    rows: list[tuple[str, str | None, str | None]] = [
        (name, source.request.taxon, None) for name, source in followed.sources.items()
    ]
    rows += [(name, None, str(fault)) for name, fault in followed.errors.items()]
    candidate.execute("CREATE OR REPLACE TEMP TABLE followed_source (source VARCHAR, taxon VARCHAR, fault VARCHAR)")
    for row in rows:
        candidate.execute("INSERT INTO followed_source VALUES (?, ?, ?)", row)
    name_held_back(candidate, {})
    run_sql(candidate, "publish/sql/source_status.sql")


def name_held_back(candidate: DuckDBPyConnection, reasons: Mapping[str, str]) -> None:
    """Create the table `held_back`, an input of `ops.source_status`: the sources that are held back from now on.

    Args:
        candidate: from `open_candidate`.
        reasons: why each of them is held back.
    """
    candidate.execute(
        "CREATE OR REPLACE TEMP TABLE held_back AS "
        "SELECT unnest(?::VARCHAR[]) AS source, unnest(?::VARCHAR[]) AS reason, now() AS since",
        [list(reasons), list(reasons.values())],
    )


def renew_source_status(candidate: DuckDBPyConnection) -> None:
    """Write `ops.source_status` again, after the rows of sources have been restored.

    Args:
        candidate: from `open_candidate`, with `ops.source_status`, and the sources that are held back in `held_back`.
    """
    candidate.execute(
        "CREATE OR REPLACE TEMP TABLE followed_source AS "
        "SELECT source, taxon, CASE status WHEN 'broken' THEN detail END AS fault "
        "FROM ops.source_status WHERE status <> 'not followed'"
    )
    run_sql(candidate, "publish/sql/source_status.sql")
