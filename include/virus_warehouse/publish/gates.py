"""The gates before publication: a snapshot that does not pass them is not shown, and the last good one stays.

`GATES` is all there is between a load and what people query. Each gate is an SQL file of its name in
`publish/sql/gates`, which lists what is at fault, a row each.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from virus_warehouse.session import memory_limit, threads_beside
from virus_warehouse.sources import Source, SourcesFile
from virus_warehouse.sql_file import read_sql, sql_text
from virus_warehouse.warehouse.load_gates import FEW_RECORDS
from virus_warehouse.warehouse.schema import virus_genome


class OnFailure(StrEnum):
    """What becomes of a candidate in which a gate finds something."""

    BLOCKS = "blocks"
    WARNS = "warns"


@dataclass(frozen=True)
class Gate:
    """A check of a candidate snapshot.

    Attributes:
        name: what the trigger form, the snapshot's `_about` and the SQL file call it.
        reason: why there is such a gate.
        on_failure: what becomes of a candidate that does not pass.
        way_out: what to do about a finding.
        settings: keys of a source that say what it allows; null switches a gate off for the source.
    """

    name: str
    reason: str
    on_failure: OnFailure
    way_out: str
    settings: tuple[str, ...] = ()


_OUR_FAULT = (
    "This is a fault of the warehouse: please report it with these rows. `virus-warehouse rebuild` rebuilds it."
)

GATES = (
    Gate(
        "unique_keys",
        "the tables have no keys, for the sake of speed: a merge that went wrong would make counts too high",
        OnFailure.BLOCKS,
        _OUR_FAULT,
    ),
    Gate(
        "no_orphans",
        "a row that refers to what is not there silently falls out of every join",
        OnFailure.BLOCKS,
        _OUR_FAULT,
    ),
    Gate(
        "conservation",
        "a line without an outcome is a record lost in silence",
        OnFailure.BLOCKS,
        _OUR_FAULT,
    ),
    Gate(
        "history",
        "a record with two states at one moment would be counted twice as of then",
        OnFailure.BLOCKS,
        _OUR_FAULT,
    ),
    Gate(
        "dates_in_range",
        "a report whose dates are written or read wrongly shifts every time series; single bad dates, which NCBI has "
        "and keeps, must stop nothing",
        OnFailure.BLOCKS,
        "Look at the records at NCBI. If it has them so, accept them once: nobody is asked again about the same dates.",
        ("max_odd_dates", "future_days", "earliest_collection_date"),
    ),
    Gate(
        "odd_dates",
        "who plots by date should know of the dates that cannot be",
        OnFailure.WARNS,
        "Leave these records out of what goes by date, or tell their submitters.",
        ("max_odd_dates", "future_days", "earliest_collection_date"),
    ),
    Gate(
        "quarantine_share",
        "records that cannot be read are missing or out of date in every answer",
        OnFailure.BLOCKS,
        "The lines named, and all others once they are published, are in ops.quarantine. Update this project and run "
        "`virus-warehouse replay SOURCE`, or accept it once: the same lines will not be flagged again.",
        ("max_quarantined",),
    ),
    Gate(
        "shrinkage",
        "NCBI has dropped good records overnight (NCBI issue #530), and a warehouse restored or rebuilt may lack some",
        OnFailure.BLOCKS,
        "If it is a fault, load the source with `mode: full`, or rebuild. If it is meant, accept it once.",
        ("max_shrinkage",),
    ),
    Gate(
        "emptied_fields",
        "NCBI has emptied fields of many records at once (NCBI issue #533); day by day, no single load shows it",
        OnFailure.BLOCKS,
        "Look at the records at NCBI. If the field is gone for good, accept it once.",
        ("max_emptied",),
    ),
    Gate(
        "lost_fields",
        "a host that is gone from one record in twenty stops nothing, but whoever counts hosts should know of it",
        OnFailure.WARNS,
        "Look at the records at NCBI; virus_genome_change has the values of before.",
        ("max_emptied",),
    ),
    Gate(
        "freshness",
        "an index of NCBI that stands still looks like a quiet virus (it has for two weeks, NCBI issue #309)",
        OnFailure.WARNS,
        "Nothing to do but to know it: what NCBI adds later is caught by the lookback.",
        ("stale_after_days",),
    ),
)
"""Every gate, in the order in which findings are told."""

BLOCKING = tuple(gate.name for gate in GATES if gate.on_failure is OnFailure.BLOCKS)
"""The gates whose findings a person may accept, for one publication."""

WAYS_OUT = {gate.name: gate.way_out for gate in GATES}
"""What to do about a finding, by gate."""

WARNED, ACCEPTED, HELD_BACK, BLOCKED = "warned", "accepted", "held back", "blocked"
"""What becomes of a finding."""

_LIMITS = {
    "max_odd_dates": "DOUBLE",
    "future_days": "INTEGER",
    "earliest_collection_date": "DATE",
    "max_quarantined": "DOUBLE",
    "max_shrinkage": "DOUBLE",
    "max_emptied": "DOUBLE",
    "stale_after_days": "INTEGER",
}
"""What the gates read of a source, with its type."""


_NEVER_EMPTIED = {
    "missing_since",  # found again, a record is no longer missing, and nothing is lost
    # What we read from texts that are compared themselves.
    "collection_date_min",
    "collection_date_max",
    "collection_date_precision",
    "country",
    "country_code",
    "division",
}


class GateFailed(RuntimeError):
    """The candidate snapshot does not pass; what was published before stays published."""


@dataclass(frozen=True)
class Finding:
    """What a gate found.

    Attributes:
        gate: name of the gate.
        outcome: `warned`; `accepted` by a person, for this publication; `held back`: its source is shown as it was
            published before; or `blocked`: it belongs to no one source, and nothing is published.
        source: whose rows are at fault; None when they belong to no one source.
        fault: what is wrong, with figures.
        rows_at_fault: how many rows are.
        examples: some of them.
    """

    gate: str
    outcome: str
    source: str | None
    fault: str
    rows_at_fault: int
    examples: Sequence[str]

    def __str__(self) -> str:
        told = f"{self.gate}{f' of {self.source}' if self.source else ''}: {self.fault}"
        rows = "1 row" if self.rows_at_fault == 1 else f"{self.rows_at_fault} rows"
        return f"{told} ({rows}, such as {'; '.join(self.examples)})"


def gates_sql(followed: SourcesFile | None = None, published: Path | None = None) -> str:
    """The statements whose last one lists what the gates find in a snapshot, or in a warehouse file.

    Its rows: gate, source, fault, number of rows at fault, some of them.

    Args:
        followed: the sources file, for what each source allows; the defaults go for all others.
        published: the published snapshot to compare with, if there is one.
    """
    given = [
        _settings(followed),
        _published(published),
        read_sql("publish/sql/gates/inputs.sql"),
        _filled(),
        read_sql("publish/sql/lost_field.sql"),
    ]
    found = "\nUNION ALL\n".join(
        f"SELECT {number} AS place, '{gate.name}' AS gate, * FROM (\n{_query(gate)}\n)"
        for number, gate in enumerate(GATES)
    )
    return "\n".join(given) + (
        f"\nSELECT gate, source, fault, count(*) AS rows_at_fault, min(example, 5) AS examples\nFROM (\n{found}\n)\n"
        "GROUP BY place, gate, source, fault\nORDER BY place, source, fault;"
    )


def judge(
    rows: Iterable[tuple[str, str | None, str, int, list[str]]],
    accepted: Collection[str] = (),
    accepted_source: str | None = None,
) -> list[Finding]:
    """What becomes of what the gates found.

    Args:
        rows: the rows of `gates_sql`.
        accepted: names of gates whose findings a person accepts.
        accepted_source: the only source of which they are accepted; None: of all.
    """

    def outcome(gate: str, source: str | None) -> str:
        if gate not in BLOCKING:
            return WARNED
        if gate in accepted and (source is None or accepted_source in (None, source)):
            return ACCEPTED
        return HELD_BACK if source else BLOCKED

    return [
        Finding(gate, outcome(gate, source), source, fault, rows_at_fault, examples)
        for gate, source, fault, rows_at_fault, examples in rows
    ]


def refuse_findings(findings: Iterable[Finding], candidate: Path | None = None) -> None:
    """Stop a publication for what belongs to no source.

    Args:
        findings: what the gates found, classified.
        candidate: where it can be looked at.

    Raises:
        GateFailed: when there is any that was not accepted.
    """
    blocked = [finding for finding in findings if finding.outcome == BLOCKED]
    if not blocked:
        return
    names = list(dict.fromkeys(finding.gate for finding in blocked))
    raise GateFailed(
        "Not published, the last good snapshot stays. "
        + " ".join(f"{finding}." for finding in blocked)
        + " It belongs to no one source: until this is settled nothing new is published; loads go on and lose nothing. "
        + " ".join(dict.fromkeys(WAYS_OUT[name] for name in names))
        + f" To publish all the same, once and knowingly: trigger ncbi_virus_publish with accept_findings {names}, or "
        f"`virus-warehouse publish {' '.join(f'--accept {name}' for name in names)}`."
        + (f" The rows can be looked at in {candidate}, which is kept for two days." if candidate else "")
    )


def _settings(followed: SourcesFile | None) -> str:
    others = ", ".join(
        f"CAST({_literal(Source.model_fields[name].default)} AS {kind}) AS {name}" for name, kind in _LIMITS.items()
    )
    rows = [
        f"SELECT {sql_text(name)}, {', '.join(_literal(getattr(source, limit)) for limit in _LIMITS)}"
        for name, source in (followed.sources if followed else {}).items()
    ]
    named = sorted({*followed.sources, *followed.errors}) if followed else None
    nobody = "SELECT NULL::VARCHAR AS source, * FROM other_limit WHERE false"
    return (
        "SET TimeZone = 'UTC';\n"
        # By default DuckDB takes most of the machine: of nine million records beside those published, three gibibytes.
        f"SET memory_limit = {sql_text(memory_limit())};\n"
        f"SET threads = {threads_beside(0)};\n"
        f"SET VARIABLE few = {FEW_RECORDS};\n"
        f"CREATE OR REPLACE TEMP VIEW other_limit AS SELECT {others};\n"
        f"CREATE OR REPLACE TEMP VIEW followed_limit AS\n" + "\nUNION ALL\n".join([nobody, *rows]) + ";\n"
        f"SET VARIABLE named_sources = {'NULL' if named is None else _texts(named)}::VARCHAR[];"
    )


def _published(snapshot: Path | None) -> str:
    """What is published of records and runs; before the first publication, none."""
    tables = {"snapshot_genome": "main.virus_genome", "snapshot_run": "ops.ingest_run"}
    if snapshot is None or not snapshot.exists():
        return "\n".join(
            f"CREATE OR REPLACE TEMP VIEW {name} AS FROM {table} LIMIT 0;" for name, table in tables.items()
        )
    attach = f"ATTACH OR REPLACE {sql_text(snapshot)} AS published (READ_ONLY);"
    views = (f"CREATE OR REPLACE TEMP VIEW {name} AS FROM published.{table};" for name, table in tables.items())
    return "\n".join([attach, *views])


def _filled() -> str:
    """Which fields each record has, published and held, and how many published records have each field.

    Written out by name, because SQL cannot pair the columns of two tables. What a record has is one number, a bit for
    each field: so a million records are compared in a second.
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


def _query(gate: Gate) -> str:
    return read_sql(f"publish/sql/gates/{gate.name}.sql").rstrip().removesuffix(";")


def _texts(values: Iterable[str]) -> str:
    return f"[{', '.join(map(sql_text, values))}]"


def _literal(value: float | date | None) -> str:
    return "NULL" if value is None else f"DATE '{value}'" if isinstance(value, date) else str(value)
