"""The floor: what any load must do on this machine. Inflate the data report, and read its columns into memory."""

import time

import duckdb

from benchmarks.measured import Given, Outcome
from benchmarks.report_columns import flat_query, unpack


def floor(given: Given) -> Outcome:
    """Inflate, then read; nothing is hashed, compared, folded or written."""
    with given.clock():
        started = time.perf_counter()
        report = unpack(given.package, given.scratch)
        inflated = time.perf_counter()
        connection = duckdb.connect(config={"temp_directory": str(given.scratch)})
        connection.execute(f"CREATE TABLE virus_genome AS {flat_query(report)}")
        read = time.perf_counter()
    ((rows,),) = connection.execute("SELECT count(accession) FROM virus_genome").fetchall()
    return Outcome(rows, seconds={"inflate": inflated - started, "read": read - inflated})
