"""pandas: `json_normalize` makes a table from the lines, which DuckDB reads from memory."""

import json

import duckdb
import pandas as pd

from benchmarks.measured import CaseInput, Outcome
from benchmarks.report_columns import flat_columns, keyed_table, unpack


def load(inputs: CaseInput) -> Outcome:
    """Load into a new database file."""
    file = inputs.scratch / "pandas.duckdb"
    with inputs.clock():
        report = unpack(inputs.package, inputs.scratch)
        with report.open(encoding="utf-8") as lines:
            frame = pd.json_normalize(list(map(json.loads, lines)), sep="_")
        # There are no columns for fields that no record has.
        columns = [name for name in flat_columns() if name in frame.columns]
        frame = frame[columns]
        with duckdb.connect(file) as connection:
            connection.execute(keyed_table())
            connection.execute("INSERT OR REPLACE INTO virus_genome BY NAME SELECT * FROM frame")
    with duckdb.connect(file, read_only=True) as connection:
        ((rows,),) = connection.execute("SELECT count(*) FROM virus_genome").fetchall()
    return Outcome(rows, file)
