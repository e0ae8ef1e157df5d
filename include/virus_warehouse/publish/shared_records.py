"""The records that several sources hold, stored in the snapshot: a query that had to find them would need memory for
the accessions of all records.
"""

from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import run_sql
from virus_warehouse.warehouse.shares import shares


def write_shared_records(candidate: DuckDBPyConnection) -> None:
    """Write `ops.shared_record`, which the view `virus_genome_distinct` of a snapshot reads.

    Args:
        candidate: from `open_candidate`, with `ops.source_status`.
    """
    run_sql(candidate, "publish/sql/shared_record.sql")
    ((beside_the_largest,),) = candidate.execute(
        "SELECT coalesce(sum(records) - max(records), 0)::BIGINT FROM ops.source_status WHERE status <> 'not followed'"
    ).fetchall()
    for _ in shares(candidate, beside_the_largest):
        run_sql(candidate, "publish/sql/add_shared_records.sql")
