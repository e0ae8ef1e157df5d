"""pandas on a Parquet file of virus_genome. It reads the columns that each query needs, as Arrow types."""

from pathlib import Path

import pandas as pd
import pyarrow as pa

from benchmarks.answers import Queries, Rows, run_queries
from benchmarks.measured import CaseInput, Outcome
from benchmarks.peers.flat_file import NEWEST, ONE_RECORD, PARQUET, SHARES


def query(inputs: CaseInput) -> Outcome:
    """The queries that one flat file can answer."""
    path = inputs.scratch / PARQUET
    with inputs.clock():
        seconds, answers = run_queries(parquet_queries(path))
    return Outcome(len(pd.read_parquet(path, columns=["accession"])), path, seconds, answers)


def parquet_queries(path: Path) -> Queries:
    """The queries, named like the equivalent files of `benchmarks/queries/`."""

    def read(*columns: str, **others: object) -> pd.DataFrame:
        return pd.read_parquet(path, columns=list(columns) or None, dtype_backend="pyarrow", **others)

    def one_record() -> Rows:
        found = read("valid_from", "version", "update_date", filters=[("accession", "==", ONE_RECORD)])
        found.insert(1, "valid_to", None)
        return _rows(found)

    def newest_hundred() -> Rows:
        return _rows(read().sort_values(["update_date", "accession"], ascending=[False, True]).head(NEWEST))

    def by_country_and_month() -> Rows:
        genome = read("country", "collection_date_min")
        genome["month"] = _days(genome["collection_date_min"]).dt.to_period("M")
        return _counted(genome, ["country", "month"])

    def weekly_count() -> Rows:
        genome = read("collection_date_min", "collection_date_max", "country", "virus_tax_id", "host_tax_id")
        first, last = _days(genome["collection_date_min"]), _days(genome["collection_date_max"])
        monday = first - pd.to_timedelta(first.dt.weekday, unit="D")
        genome["week_start"] = monday.where(last <= monday + pd.Timedelta(days=6))
        return _counted(genome, ["week_start", "country", "virus_tax_id", "host_tax_id"])

    def metadata_completeness() -> Rows:
        by = ["submitter_affiliation", "submitter_country"]
        genome = read(*by, "collection_date_precision", "country", "host_tax_id", "biosample")
        stated = (
            (genome["collection_date_precision"] == "day").fillna(value=False),
            *(genome[name].notna() for name in ("country", "host_tax_id", "biosample")),
        )
        records = genome[by].assign(records=1, **dict(zip(SHARES, stated, strict=True)))
        shares = {name: (name, "mean") for name in SHARES}
        return _rows(records.groupby(by, dropna=False, as_index=False).agg(records=("records", "size"), **shares))

    return {
        "one_record": one_record,
        "newest_hundred": newest_hundred,
        "by_country_and_month": by_country_and_month,
        "weekly_count": weekly_count,
        "metadata_completeness": metadata_completeness,
    }


def _days(column: "pd.Series[object]") -> "pd.Series[pd.Timestamp]":
    return pd.to_datetime(column)


def _counted(frame: pd.DataFrame, by: list[str]) -> Rows:
    counted = frame.groupby(by, dropna=False).size().reset_index(name="records")
    for name in ("month", "week_start"):
        if name in by:
            days = counted[name].dt.to_timestamp() if name == "month" else counted[name]
            counted[name] = days.dt.date
    return _rows(counted)


def _rows(frame: pd.DataFrame) -> Rows:
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))
