"""The marts: views in the schema `mart` of the snapshot, for what is asked most, and is easily counted wrong.

They hold no data, so they cost a publication nothing and are never older than the tables they stand on.
"""

from pathlib import Path

import duckdb

from virus_warehouse.private_files import without_world_access
from virus_warehouse.shortage import shortages_told
from virus_warehouse.sql_file import run_sql

SCHEMA = "mart"

MARTS = (
    "first_load",
    "segment_count",
    "segment_spelling",
    "weekly_count",
    "lineage_count",
    "submission_lag",
    "segment_completeness",
    "metadata_completeness",
    "change_since",
    "source_status",
)
"""A file of `publish/marts/` each, in an order in which each finds what it stands on."""


@without_world_access()
def create_marts(candidate: Path) -> None:
    """Create the marts.

    They read the macro `stated`, which is created beside the tables: it makes NULL of a text such as `missing`.

    Args:
        candidate: a snapshot that is not published yet, with `ops.source_status`.

    Raises:
        duckdb.Error: when a mart does not fit the tables: it is then no snapshot to publish.
        DiskFull: when there is no space for it.
    """
    with shortages_told(candidate.parent), duckdb.connect(candidate) as connection:
        run_sql(connection, "reports/missing_values.sql")
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        for mart in MARTS:
            run_sql(connection, f"publish/marts/{mart}.sql")
