"""dlt with its `upsert` merge: as it comes, fed with Arrow tables, and as fast as we could make it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import dlt
import duckdb
from pyarrow import json as pyarrow_json

from benchmarks.measured import Given, Outcome
from benchmarks.report_columns import flat_query, unpack

BATCH_ROWS = 50_000
BLOCK_BYTES = 16 << 20

Items = Callable[[Path], Iterator[object]]


def load_default(given: Given) -> Outcome:
    """Python objects, which dlt normalizes: lists and the lineages in them become child tables."""
    return _load(given, _objects)


def load_arrow(given: Given) -> Outcome:
    """The Arrow table that pyarrow reads from the file, which dlt hands on as Parquet: dlt's own advice for speed."""
    return _load(given, _arrow_table)


def load_arrow_of_duckdb(given: Given) -> Outcome:
    """Arrow tables that DuckDB parsed, with the warehouse's own list of flat, typed columns: half of its engine."""
    return _load(given, _tables_of_duckdb)


def _objects(report: Path) -> Iterator[object]:
    with report.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _arrow_table(report: Path) -> Iterator[object]:
    # Without blocks of some size pyarrow infers other types for each, and stops.
    yield pyarrow_json.read_json(report, pyarrow_json.ReadOptions(block_size=BLOCK_BYTES))


def _tables_of_duckdb(report: Path) -> Iterator[object]:
    with duckdb.connect() as connection:
        yield from connection.execute(flat_query(report)).to_arrow_reader(BATCH_ROWS)


def _load(given: Given, items: Items) -> Outcome:
    file = given.scratch / "dlt.duckdb"
    with given.clock():
        report = unpack(given.package, given.scratch)
        pipeline = dlt.pipeline(
            "bench",
            pipelines_dir=str(given.scratch / "pipelines"),
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
