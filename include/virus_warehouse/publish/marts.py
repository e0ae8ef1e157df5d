"""The marts: views in the schema `mart` of the snapshot, for common questions that are easily answered wrong.

They have no data of their own, so they cost a publication nothing and are never older than their tables.
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
    "identical_sequence",
    "sequence_completeness",
    "change_since",
    "source_status",
)
"""Files of `publish/marts/`, in order of dependency."""


def create_marts(candidate: DuckDBPyConnection) -> None:
    """Create the marts.

    They use the macro `stated`, created with the tables, which turns texts such as `missing` into NULL.

    Args:
        candidate: from `open_candidate`, with `ops.source_status`.

    Raises:
        duckdb.Error: when a mart does not fit the tables.
    """
    run_sql(candidate, "reports/missing_values.sql")
    candidate.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
    for mart in MARTS:
        run_sql(candidate, f"publish/marts/{mart}.sql")
