"""The marts: views in the schema `mart` of the snapshot, for what is asked most, and is easily counted wrong.

They hold no data, so they cost a publication nothing and are never older than the tables they stand on.
"""

from duckdb import DuckDBPyConnection

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


def create_marts(candidate: DuckDBPyConnection) -> None:
    """Create the marts.

    They read the macro `stated`, which is created beside the tables: it makes NULL of a text such as `missing`.

    Args:
        candidate: from `open_candidate`, with `ops.source_status`.

    Raises:
        duckdb.Error: when a mart does not fit the tables: it is then no snapshot to publish.
    """
    run_sql(candidate, "reports/missing_values.sql")
    candidate.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    for mart in MARTS:
        run_sql(candidate, f"publish/marts/{mart}.sql")
