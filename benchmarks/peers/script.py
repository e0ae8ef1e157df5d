"""A short script: `read_json` with explicit columns, and `INSERT OR REPLACE` with a primary key."""

import duckdb

from benchmarks.measured import CaseInput, Outcome
from benchmarks.report_columns import flat_query, keyed_table, unpack


def load(inputs: CaseInput) -> Outcome:
    """Load into a new database file."""
    file = inputs.scratch / "script.duckdb"
    with inputs.clock():
        report = unpack(inputs.package, inputs.scratch)
        with duckdb.connect(file) as connection:
            connection.execute(keyed_table())
            connection.execute(f"INSERT OR REPLACE INTO virus_genome {flat_query(report)}")
    with duckdb.connect(file, read_only=True) as connection:
        ((rows,),) = connection.execute("SELECT count(*) FROM virus_genome").fetchall()
    return Outcome(rows, file)
