"""pandas: `json_normalize` makes a table of the lines, DuckDB reads the table from memory."""

import json

import duckdb
import pandas as pd

from benchmarks.measured import Given, Outcome
from benchmarks.report_columns import flat_columns, keyed_table, unpack


def load(given: Given) -> Outcome:
    """Into a new database file."""
    file = given.scratch / "pandas.duckdb"
    with given.clock():
        report = unpack(given.package, given.scratch)
        with report.open(encoding="utf-8") as lines:
            frame = pd.json_normalize(list(map(json.loads, lines)), sep="_")
        # Fields that no record has are no columns here.
        columns = [name for name in flat_columns() if name in frame.columns]
        frame = frame[columns]
        with duckdb.connect(file) as connection:
            connection.execute(keyed_table())
            connection.execute("INSERT OR REPLACE INTO virus_genome BY NAME SELECT * FROM frame")
    with duckdb.connect(file, read_only=True) as connection:
        ((rows,),) = connection.execute("SELECT count(*) FROM virus_genome").fetchall()
    return Outcome(rows, file)
