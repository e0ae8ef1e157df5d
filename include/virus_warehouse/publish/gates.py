"""The gates before publication: a snapshot that does not pass is not published, and the last good one stays.

Everything between a load and the readers is in `GATES`. Each gate is an SQL file of its name in `publish/sql/gates`,
which lists the faults, a row each.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from pathlib import Path

from virus_warehouse.database_file import REBUILD_COMMAND
from virus_warehouse.failure import PermanentFailure
from virus_warehouse.session import memory_limit, threads_beside
from virus_warehouse.sources import Source, SourcesFile
from virus_warehouse.sql_file import read_sql, sql_text
from virus_warehouse.warehouse.load_gates import FEW_RECORDS
from virus_warehouse.warehouse.schema import virus_genome
from virus_warehouse.wording import counted


class OnFailure(StrEnum):
    """The effect of a finding."""

    BLOCKS = "blocks"
    WARNS = "warns"


@dataclass(frozen=True)
class Gate:
    """A check of a candidate snapshot.

    Attributes:
        name: its name in the trigger form, in the snapshot's `_about`, and of the SQL file.
        reason: why the gate exists.
        on_failure: the effect of a finding.
        way_out: how to resolve a finding.
        settings: keys of a source with its limits; null switches a gate off for the source.
    """

    name: str
    reason: str
    on_failure: OnFailure
    way_out: str
    settings: tuple[str, ...] = ()


_OUR_FAULT = f"This is a bug in the warehouse: please report it with these rows. {REBUILD_COMMAND} rebuilds it."

GATES = (
    Gate(
        "unique_keys",
        "the tables have no keys, for speed: a faulty merge would inflate counts",
        OnFailure.BLOCKS,
        _OUR_FAULT,
    ),
    Gate(
        "no_orphans",
        "a row with a dangling reference silently drops out of joins",
        OnFailure.BLOCKS,
        _OUR_FAULT,
    ),
    Gate(
        "conservation",
        "a line without an outcome is a silently lost record",
        OnFailure.BLOCKS,
        _OUR_FAULT,
    ),
    Gate(
        "history",
        "a record with two states at one time would be counted twice as of that time",
        OnFailure.BLOCKS,
        _OUR_FAULT,
    ),
    Gate(
        "dates_in_range",
        "a report with wrong dates shifts every time series; single wrong dates, which NCBI keeps, must not "
        "block anything",
        OnFailure.BLOCKS,
        "Check the records at NCBI. If NCBI really lists them, accept them once; the same dates will not be flagged "
        "again.",
        ("max_odd_dates", "future_days", "earliest_collection_date"),
    ),
    Gate(
        "odd_dates",
        "impossible dates distort plots over time",
        OnFailure.WARNS,
        "Exclude these records from analyses by date, or inform their submitters.",
        ("max_odd_dates", "future_days", "earliest_collection_date"),
    ),
    Gate(
        "quarantine_share",
        "records that cannot be read are missing or out of date in every result",
        OnFailure.BLOCKS,
        "All quarantined lines are in ops.quarantine once they are published. Update this project and run "
        "`virus-warehouse replay SOURCE`, or accept it once: the same lines will not be flagged again.",
        ("max_quarantined",),
    ),
    Gate(
        "shrinkage",
        "NCBI has dropped good records overnight (NCBI issue #530), and a warehouse restored or rebuilt may lack some",
        OnFailure.BLOCKS,
        "If it is a fault, load the source in full (`virus-warehouse run SOURCE --mode full`, or the mode full in the "
        "form of its DAG), or rebuild. If it is intended, accept it once.",
        ("max_shrinkage",),
    ),
    Gate(
        "emptied_fields",
        "NCBI has emptied fields of many records at once (NCBI issue #533); over many days, no single load shows it",
        OnFailure.BLOCKS,
        "Check the records at NCBI. If the field was removed permanently, accept it once.",
        ("max_emptied",),
    ),
    Gate(
        "lost_fields",
        "a field lost from a few records does not block anything, but affects counts by that field",
        OnFailure.WARNS,
        "Check the records at NCBI; virus_genome_change has the previous values.",
        ("max_emptied",),
    ),
    Gate(
        "sequence_mismatches",
        "NCBI's FASTA files can lag behind its reports, or be ahead; such records are missing in every FASTA file",
        OnFailure.WARNS,
        "All of them are in ops.sequence_mismatch. The run that brings the rest resolves them; a full load requests "
        "all sequences again.",
    ),
    Gate(
        "freshness",
        "an NCBI index without updates looks like a quiet virus (once for two weeks, NCBI issue #309)",
        OnFailure.WARNS,
        "Nothing to do: the lookback catches what NCBI adds later.",
        ("stale_after_days",),
    ),
)
"""Every gate, in the order of the findings."""

BLOCKING = tuple(gate.name for gate in GATES if gate.on_failure is OnFailure.BLOCKS)
"""The gates whose findings a person may accept, for one publication."""

WAYS_OUT = {gate.name: gate.way_out for gate in GATES}
"""How to resolve a finding, by gate."""

WARNED, ACCEPTED, HELD_BACK, BLOCKED = "warned", "accepted", "held back", "blocked"
"""Outcomes of findings."""

_LIMITS = {
    "max_odd_dates": "DOUBLE",
    "future_days": "INTEGER",
    "earliest_collection_date": "DATE",
    "max_quarantined": "DOUBLE",
    "max_shrinkage": "DOUBLE",
    "max_emptied": "DOUBLE",
    "stale_after_days": "INTEGER",
}
"""A source's limits that the gates read, with their types."""


_NEVER_EMPTIED = {
    "missing_since",  # cleared when a record is found again
    # Derived from texts that are compared themselves.
    "collection_date_min",
    "collection_date_max",
    "collection_date_precision",
    "country",
    "country_code",
    "division",
}


class GateFailed(PermanentFailure):
    """The candidate snapshot is blocked; the published snapshot stays."""


@dataclass(frozen=True)
class Finding:
    """A finding of a gate.

    Attributes:
        gate: name of the gate.
        outcome: `warned`; `accepted` by a person, for this publication; `held back`: its source is shown in its last
            published state; or `blocked`: it belongs to no single source, and nothing is published.
        source: the source of the rows; None when they belong to no single source.
        fault: what is wrong, with figures.
        rows_at_fault: the number of rows.
        examples: some of them.
    """

    gate: str
    outcome: str
    source: str | None
    fault: str
    rows_at_fault: int
    examples: Sequence[str]

    def __str__(self) -> str:
        label = f"{self.gate}{f' of {self.source}' if self.source else ''}: {self.fault}"
        return f"{label} ({counted(self.rows_at_fault, 'row')}, such as {'; '.join(self.examples)})"


def inputs_sql(followed: SourcesFile | None = None, published: Path | None = None) -> str:
    """SQL statements that create what the gates read besides a snapshot or warehouse file: temporary views.

    Args:
        followed: the sources file, with each source's limits; others get the defaults.
        published: the published snapshot to compare with, if there is one.
    """
    given = [
        _settings(followed),
        _published(published),
        read_sql("publish/sql/gates/inputs.sql"),
        _filled(),
        read_sql("publish/sql/lost_field.sql"),
    ]
    return "\n".join(given)


def gate_sql(gate: Gate) -> str:
    """An SQL query that lists the findings of a gate, after the statements of `inputs_sql`.

    Its columns: gate, source, fault, number of rows at fault, examples.

    Args:
        gate: the gate.
    """
    query = read_sql(f"publish/sql/gates/{gate.name}.sql").rstrip().removesuffix(";")
    return (
        f"SELECT '{gate.name}' AS gate, source, fault, count(*) AS rows_at_fault, min(example, 5) AS examples\n"
        f"FROM (\n{query}\n)\nGROUP BY source, fault\nORDER BY source, fault"
    )


def gates_sql(followed: SourcesFile | None = None, published: Path | None = None) -> str:
    """SQL statements, the last of which lists the findings of all gates, with the columns of `gate_sql`.

    Args:
        followed: as for `inputs_sql`.
        published: the same.
    """
    found = "\nUNION ALL\n".join(
        f"SELECT {place} AS place, * FROM (\n{gate_sql(gate)}\n)" for place, gate in enumerate(GATES)
    )
    return (
        f"{inputs_sql(followed, published)}\n"
        f"SELECT * EXCLUDE (place)\nFROM (\n{found}\n)\nORDER BY place, source, fault;"
    )


def classify_findings(
    rows: Iterable[tuple[str, str | None, str, int, list[str]]],
    accepted: Collection[str] = (),
    accepted_source: str | None = None,
    approved: Collection[str] = (),
) -> list[Finding]:
    """The findings with their outcomes.

    Args:
        rows: the rows of `gates_sql`, or of `gate_sql`.
        accepted: names of gates whose findings a person accepts.
        accepted_source: the only source whose findings are accepted; None for all.
        approved: the findings of sources, in words, that a person has approved.
    """

    def outcome(finding: Finding) -> str:
        gate, source = finding.gate, finding.source
        if gate not in BLOCKING:
            return WARNED
        if gate in accepted and (source is None or accepted_source in (None, source)):
            return ACCEPTED
        if source is None:
            return BLOCKED
        return ACCEPTED if str(finding) in approved else HELD_BACK

    found = (
        Finding(gate, "", source, fault, rows_at_fault, examples)
        for gate, source, fault, rows_at_fault, examples in rows
    )
    return [replace(finding, outcome=outcome(finding)) for finding in found]


def ways_to_accept(gates: Iterable[str], source: str | None = None) -> str:
    """How a person publishes despite findings: with the command, with make, and in the trigger form.

    Args:
        gates: the gates that found them.
        source: their source; None for findings of no single source.
    """
    names = list(gates)
    command = " ".join([*([f"--source {source}"] if source else []), *(f"--accept {name}" for name in names)])
    make = (f"SOURCE={source} " if source else "") + f'ACCEPT_FINDINGS="{" ".join(names)}"'
    fields = "with the source and the gates" if source else "with the gates"
    answer = f"answer the required action in Airflow, `virus-warehouse approve {source}`, " if source else ""
    return (
        f"{answer}`virus-warehouse publish {command}`, `make publish {make}`, or trigger ncbi_virus_publish "
        f'{fields} in its field "Accept findings"'
    )


def refuse_findings(findings: Iterable[Finding], candidate: Path | None = None) -> None:
    """Stop a publication because of findings of no single source.

    Args:
        findings: the classified findings.
        candidate: where the rows can be inspected.

    Raises:
        GateFailed: when there is such a finding that was not accepted.
    """
    blocked = [finding for finding in findings if finding.outcome == BLOCKED]
    if not blocked:
        return
    names = list(dict.fromkeys(finding.gate for finding in blocked))
    raise GateFailed(
        "Not published, the last good snapshot stays. "
        + " ".join(f"{finding}." for finding in blocked)
        + " This concerns no single source, so publishing is blocked until it is resolved; loading continues and "
        + "nothing is lost. "
        + " ".join(dict.fromkeys(WAYS_OUT[name] for name in names))
        + f" To publish despite these findings, once: {ways_to_accept(names)}."
        + (f" The rows can be inspected in {candidate}, which is kept for two days." if candidate else "")
    )


def _settings(followed: SourcesFile | None) -> str:
    others = ", ".join(
        f"CAST({_literal(Source.model_fields[name].default)} AS {kind}) AS {name}" for name, kind in _LIMITS.items()
    )
    # One list of values, which DuckDB plans at once: it takes seconds for a union of 500 queries.
    none = f"(NULL, {', '.join('NULL' for _ in _LIMITS)})"
    rows = [
        f"({sql_text(name)}, {', '.join(_literal(getattr(source, limit)) for limit in _LIMITS)})"
        for name, source in (followed.sources if followed else {}).items()
    ]
    listed = ",\n".join([none, *rows])
    columns = ", ".join(f"{name}::{kind} AS {name}" for name, kind in _LIMITS.items())
    named = sorted({*followed.sources, *followed.errors}) if followed else None
    return (
        "SET TimeZone = 'UTC';\n"
        # By default DuckDB uses most of the memory: 3 GiB to compare nine million records.
        f"SET memory_limit = {sql_text(memory_limit())};\n"
        f"SET threads = {threads_beside(0)};\n"
        f"SET VARIABLE few = {FEW_RECORDS};\n"
        f"CREATE OR REPLACE TEMP VIEW other_limit AS SELECT {others};\n"
        f"CREATE OR REPLACE TEMP VIEW followed_limit AS SELECT source::VARCHAR AS source, {columns}\n"
        f"FROM (VALUES\n{listed}\n) AS listed (source, {', '.join(_LIMITS)})\n"
        "WHERE source IS NOT NULL;\n"
        f"SET VARIABLE named_sources = {'NULL' if named is None else _texts(named)}::VARCHAR[];"
    )


def _published(snapshot: Path | None) -> str:
    """Views of the published records and runs; empty before the first publication."""
    tables = {"snapshot_genome": "main.virus_genome", "snapshot_run": "ops.ingest_run"}
    if snapshot is None or not snapshot.exists():
        return "\n".join(
            f"CREATE OR REPLACE TEMP VIEW {name} AS FROM {table} LIMIT 0;" for name, table in tables.items()
        )
    attach = f"ATTACH OR REPLACE {sql_text(snapshot)} AS published (READ_ONLY);"
    views = (f"CREATE OR REPLACE TEMP VIEW {name} AS FROM published.{table};" for name, table in tables.items())
    return "\n".join([attach, *views])


def _filled() -> str:
    """Views of the fields that each record has, published and held, and of how many published records have each field.

    Written out by name, because SQL cannot pair the columns of two tables. A record's fields are one number, a bit per
    field, so that a million records are compared in a second.
    """
    columns = [column.name for column in virus_genome.columns if column.name not in _NEVER_EMPTIED]
    fields = {column: 1 << place for place, column in enumerate(columns)}
    bits = " + ".join(f"({field} IS NOT NULL)::BIGINT * {bit}" for field, bit in fields.items())
    counts = ", ".join(f"{{'field': '{field}', 'bit': {bit}, 'had': count({field})}}" for field, bit in fields.items())
    filled = f"SELECT source, accession, {bits} AS bits"
    had = f"SELECT source, unnest([{counts}], recursive := true) FROM published_genome GROUP BY source"
    return (
        f"CREATE OR REPLACE TEMP VIEW published_filled AS {filled} FROM published_genome;\n"
        f"CREATE OR REPLACE TEMP VIEW held_filled AS {filled} FROM virus_genome;\n"
        f"CREATE OR REPLACE TEMP VIEW published_field AS {had};"
    )


def _texts(values: Iterable[str]) -> str:
    return f"[{', '.join(map(sql_text, values))}]"


def _literal(value: float | date | None) -> str:
    return "NULL" if value is None else f"DATE '{value}'" if isinstance(value, date) else str(value)
