"""Whether each source is still followed, told in the snapshot: nobody who queries it has the sources file at hand."""

from pathlib import Path

import duckdb

from virus_warehouse.private_files import without_world_access
from virus_warehouse.shortage import shortages_told
from virus_warehouse.sources import SourcesFile
from virus_warehouse.sql_file import run_sql


@without_world_access()
def write_source_status(candidate: Path, followed: SourcesFile) -> None:
    """Write `ops.source_status`: a row for each source that is followed or has ever run.

    Args:
        candidate: a snapshot that is not published yet.
        followed: the sources file.

    Raises:
        DiskFull: when there is no space for it.
    """
    rows: list[tuple[str, str | None, str | None]] = [
        (name, source.request.taxon, None) for name, source in followed.sources.items()
    ]
    rows += [(name, None, str(fault)) for name, fault in followed.errors.items()]
    with shortages_told(candidate.parent), duckdb.connect(candidate) as connection:
        connection.execute("CREATE TEMP TABLE followed_source (source VARCHAR, taxon VARCHAR, fault VARCHAR)")
        for row in rows:
            connection.execute("INSERT INTO followed_source VALUES (?, ?, ?)", row)
        run_sql(connection, "publish/sql/source_status.sql")
