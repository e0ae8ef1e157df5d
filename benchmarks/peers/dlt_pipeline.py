"""dlt with its `upsert` merge: with default settings, with Arrow tables, and in the fastest configuration found."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import dlt
import duckdb
from pyarrow import json as pyarrow_json

from benchmarks.measured import CaseInput, Outcome
from benchmarks.report_columns import flat_query, unpack

BATCH_ROWS = 50_000
BLOCK_BYTES = 16 << 20

Items = Callable[[Path], Iterator[object]]


def load_default(inputs: CaseInput) -> Outcome:
    """Load Python objects, which dlt normalizes: lists, including those in lineages, become child tables."""
    return _load(inputs, _objects)


def load_arrow(inputs: CaseInput) -> Outcome:
    """Load an Arrow table read by pyarrow, which dlt passes on as Parquet, as dlt recommends for speed."""
    return _load(inputs, _arrow_table)


def load_arrow_of_duckdb(inputs: CaseInput) -> Outcome:
    """Load Arrow tables parsed by DuckDB, with the warehouse's list of flat, typed columns."""
    return _load(inputs, _tables_of_duckdb)


def _objects(report: Path) -> Iterator[object]:
    with report.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _arrow_table(report: Path) -> Iterator[object]:
    # With small blocks pyarrow infers different types for each of them, and fails.
    yield pyarrow_json.read_json(report, pyarrow_json.ReadOptions(block_size=BLOCK_BYTES))


def _tables_of_duckdb(report: Path) -> Iterator[object]:
    with duckdb.connect() as connection:
        yield from connection.execute(flat_query(report)).to_arrow_reader(BATCH_ROWS)


def _load(inputs: CaseInput, items: Items) -> Outcome:
    file = inputs.scratch / "dlt.duckdb"
    with inputs.clock():
        report = unpack(inputs.package, inputs.scratch)
        pipeline = dlt.pipeline(
            "bench",
            pipelines_dir=str(inputs.scratch / "pipelines"),
            destination=dlt.destinations.duckdb(str(file)),
            dataset_name="bench",
        )
        resource = dlt.resource(
            items(report),
            name="virus_genome",
            primary_key="accession",
            write_disposition={"disposition": "merge", "strategy": "upsert"},
        )
        pipeline.run(resource)
    with duckdb.connect(file, read_only=True) as connection:
        ((rows,),) = connection.execute("SELECT count(*) FROM bench.virus_genome").fetchall()
    return Outcome(rows, file)
