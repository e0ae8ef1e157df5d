"""The record of a run: its row of `ops.ingest_run`, its run file and its load record.

Each column of the ledger is declared here only: its Python type, its SQL type and its meaning.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Annotated, Any, get_args, get_type_hints

from duckdb_sqlalchemy.datatypes import Struct
from sqlalchemy import TIMESTAMP, BigInteger, Column, Date, Double, Integer, String
from sqlalchemy.types import TypeEngine

OUTCOMES = {
    "inserted": "Records not held before, or found again after a withdrawal",
    "revised": "Records whose fields or version changed; the old state of a genome is in the history",
    "touched": "Records of which only update_date changed",
    "unchanged": "Records identical to what is held; nothing was written",
    "stale": "Lines older than what is held",
    "duplicate": "Further lines of a record that the same package has in a later state",
    "out_of_window": "Lines of records last updated outside the run's window",
    "quarantined": "Lines that could not be read or placed; see ops.quarantine",
}
"""The outcomes of a report line, with their meanings. Every line has exactly one: they add up to `lines`."""

SEQUENCE_OUTCOMES = {
    "stored": "Sequences not held before, or held with other letters or another header",
    "unchanged": "Sequences exactly as held, and repetitions",
    "mismatched": "Entries that do not fit their record, or cannot be read; see ops.sequence_mismatch",
    "orphaned": "Entries without a record in the package; see ops.sequence_mismatch",
}
"""The outcomes of a FASTA entry, with their meanings. Every entry has exactly one: they add up to `records`."""

TIMED_STAGES = ("download", "verify", "archive", "stage", "merge")
"""The stages timed in the ledger. `verify` is a part of `download`."""

VERSIONED_COMPONENTS = ("virus_warehouse", "duckdb", "python", "airflow")

_SECONDS = Struct(dict.fromkeys(TIMED_STAGES, Double))
_VERSIONS = Struct(dict.fromkeys(VERSIONED_COMPONENTS, String))
_KINDS: dict[object, TypeEngine[Any]] = {
    str: String(),
    int: BigInteger(),
    float: Double(),
    date: Date(),
    datetime: TIMESTAMP(timezone=True),
}
"""SQL types by Python type, for fields that name none."""


@dataclass(kw_only=True)
class RunRecord:
    """A run as far as it is known; None where a value is not known yet or does not apply."""

    run_id: Annotated[str, "Identifies one try of one DAG run"]
    source: Annotated[str, "Name of the source in sources.yaml"]
    mode: Annotated[str, "incremental, window, full or replay"]
    fingerprint: Annotated[str, "Hash of the requested filters and reports"]
    dag_id: Annotated[str | None, "Airflow DAG; NULL for a run outside Airflow"] = None
    dag_run_id: Annotated[str | None, "Airflow DAG run"] = None
    run_type: Annotated[str | None, "Airflow's run type at the time of loading"] = None
    try_number: Annotated[int | None, "Airflow's try number of the task", Integer] = None
    status: Annotated[str, "running, success or failed"]
    error: Annotated[str | None, "Of a failed run, what went wrong and the way out"] = None
    started_at: Annotated[datetime, "When the run opened its row"]
    ended_at: Annotated[datetime | None, "When the run committed or failed"] = None
    updated_since: Annotated[date | None, "First requested update date; NULL in a full run"] = None
    until: Annotated[date | None, "End of the merged update dates, exclusive; NULL if unbounded"] = None
    requested_at: Annotated[datetime | None, "When the package was requested"] = None
    request_url: Annotated[str | None, "The request, without the API key"] = None
    attempts: Annotated[int | None, "Requests sent; 0 when an archived package was used", Integer] = None
    http_status: Annotated[int | None, "HTTP status of the last response", Integer] = None
    ncbi_phid: Annotated[str | None, "NCBI's request ID: quote it when asking NCBI for help"] = None
    datasets_version: Annotated[str | None, "Version of NCBI Datasets that responded"] = None
    package_bytes: Annotated[int | None, "Size of the zip in bytes"] = None
    package_sha256: Annotated[str | None, "SHA-256 of the zip"] = None
    package_path: Annotated[str | None, "Archived package, relative to VIRUS_DATA"] = None
    lines: Annotated[
        int | None,
        "Non-blank lines of the data report, counted in the raw file; of others: ops.ingest_report",
    ] = None
    inserted: Annotated[int | None, OUTCOMES["inserted"]] = None
    revised: Annotated[int | None, OUTCOMES["revised"]] = None
    touched: Annotated[int | None, OUTCOMES["touched"]] = None
    unchanged: Annotated[int | None, OUTCOMES["unchanged"]] = None
    stale: Annotated[int | None, OUTCOMES["stale"]] = None
    duplicate: Annotated[int | None, OUTCOMES["duplicate"]] = None
    out_of_window: Annotated[int | None, OUTCOMES["out_of_window"]] = None
    quarantined: Annotated[int | None, OUTCOMES["quarantined"]] = None
    withdrawn: Annotated[int | None, "Records that this run withdrew: moved to the history"] = None
    missing: Annotated[int | None, "Records still held that the census did not list; NULL if not a census"] = None
    watermark_before: Annotated[date | None, "Watermark of the source and fingerprint before the run"] = None
    watermark: Annotated[date | None, "Watermark after the run: the largest update_date that NCBI has shown"] = None
    seconds: Annotated[dict[str, float] | None, "Wall-clock seconds by stage", _SECONDS] = None
    peak_rss_mib: Annotated[float | None, "Peak resident memory of the process in MiB, up to the commit"] = None
    versions: Annotated[dict[str, str | None] | None, "Versions of the software that loaded it", _VERSIONS] = None
    archived_run_id: Annotated[
        str | None, "Stopped run whose archived package this run loaded after a person approved it; else NULL"
    ] = None
    approved_by: Annotated[str | None, "Who approved it"] = None

    @property
    def row(self) -> dict[str, Any]:
        """Its row of `ops.ingest_run`."""
        return asdict(self)


def columns_of_runs() -> Iterator[Column[Any]]:
    """The columns of `ops.ingest_run`, in order; those known from the start are NOT NULL."""
    declared = get_type_hints(RunRecord, include_extras=True)
    for known in fields(RunRecord):
        annotated = declared[known.name]
        meaning, *kind = annotated.__metadata__
        possible = (annotated.__origin__, *get_args(annotated.__origin__))
        column_type = kind[0] if kind else next(_KINDS[part] for part in possible if part in _KINDS)
        yield Column(known.name, column_type, nullable=known.default is None, comment=meaning)
