"""A script of a few lines: `read_json` with explicit columns, and `INSERT OR REPLACE` by a primary key."""

import duckdb

from benchmarks.measured import Given, Outcome
from benchmarks.report_columns import flat_query, keyed_table, unpack


def load(given: Given) -> Outcome:
    """Into a new database file."""
    file = given.scratch / "script.duckdb"
    with given.clock():
        report = unpack(given.package, given.scratch)
        with duckdb.connect(file) as connection:
            connection.execute(keyed_table())
            connection.execute(f"INSERT OR REPLACE INTO virus_genome {flat_query(report)}")
    with duckdb.connect(file, read_only=True) as connection:
        ((rows,),) = connection.execute("SELECT count(*) FROM virus_genome").fetchall()
    return Outcome(rows, file)
