"""Polars on a Parquet file of virus_genome: a lazy scan for each query, which reads only what it needs."""

from pathlib import Path

import polars as pl

from benchmarks.answers import Queries, Rows, run_queries
from benchmarks.measured import CaseInput, Outcome
from benchmarks.peers.flat_file import NEWEST, ONE_RECORD, PARQUET, SHARES


def query(inputs: CaseInput) -> Outcome:
    """The queries that one flat file can answer."""
    path = inputs.scratch / PARQUET
    with inputs.clock():
        seconds, answers = run_queries(parquet_queries(path))
    rows = pl.scan_parquet(path).select(pl.len()).collect().item()
    return Outcome(rows, path, seconds, answers)


def parquet_queries(path: Path) -> Queries:
    """The queries, named like the equivalent files of `benchmarks/queries/`."""
    genome = pl.scan_parquet(path)

    def rows(frame: pl.LazyFrame) -> Rows:
        return frame.collect().rows()

    monday = pl.col("collection_date_min").dt.truncate("1w")
    is_in_week = (pl.col("collection_date_max") <= monday + pl.duration(days=6)).fill_null(value=False)
    by_week = ("week_start", "country", "virus_tax_id", "host_tax_id")
    return {
        "one_record": lambda: rows(
            genome.filter(pl.col("accession") == ONE_RECORD).select(
                "valid_from", pl.lit(None).alias("valid_to"), "version", "update_date"
            )
        ),
        "newest_hundred": lambda: rows(
            genome.sort("update_date", "accession", descending=[True, False], nulls_last=True).head(NEWEST)
        ),
        "by_country_and_month": lambda: rows(
            genome.group_by("country", pl.col("collection_date_min").dt.truncate("1mo").alias("month"))
            .agg(pl.len().alias("records"))
            .select("country", "month", "records")
        ),
        "weekly_count": lambda: rows(
            genome.with_columns(pl.when(is_in_week).then(monday).alias("week_start"))
            .group_by(by_week)
            .agg(pl.len().alias("records"))
            .select(*by_week, "records")
        ),
        "metadata_completeness": lambda: rows(
            genome.group_by("submitter_affiliation", "submitter_country")
            .agg(
                pl.len().alias("records"),
                (pl.col("collection_date_precision") == "day").fill_null(value=False).mean().alias(SHARES[0]),
                pl.col("country").is_not_null().mean().alias(SHARES[1]),
                pl.col("host_tax_id").is_not_null().mean().alias(SHARES[2]),
                pl.col("biosample").is_not_null().mean().alias(SHARES[3]),
            )
            .select("submitter_affiliation", "submitter_country", "records", *SHARES)
        ),
    }
