"""The result of a committed run, as data and as one line."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from virus_warehouse.warehouse.run_record import OUTCOMES, SEQUENCE_OUTCOMES, RunRecord
from virus_warehouse.wording import counted

CHANGES = ("inserted", "revised", "touched", "withdrawn")
"""Outcomes that change query results."""


@dataclass(frozen=True)
class IngestResult:
    """The result of a committed run.

    Attributes:
        counts: outcomes of the data report's lines, and of the records that it does not list.
        further: the same for each auxiliary report of the package.
        sequences: outcomes of the FASTA entries, by molecule.
        committed_at: when it was committed.
        downloaded_bytes: size of the package; 0 if it was already in the archive, or NCBI had no update.
        seconds: wall-clock seconds by stage.
    """

    run_id: str
    source: str
    mode: str
    updated_since: date | None
    until: date | None
    watermark: date | None
    counts: dict[str, int | None]
    further: dict[str, dict[str, int | None]] = field(default_factory=dict)
    sequences: dict[str, dict[str, int]] = field(default_factory=dict)
    committed_at: datetime | None = None
    downloaded_bytes: int = 0
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether query results may have changed."""
        of_records = any(counts.get(outcome) for counts in (self.counts, *self.further.values()) for outcome in CHANGES)
        return of_records or any(counts["stored"] for counts in self.sequences.values())

    def __str__(self) -> str:
        reports = "".join(
            f"; {report.replace('_', ' ')}: {counted(counts['lines'], 'line')} = {_added_up(counts)}"
            for report, counts in self.further.items()
        )
        sequences = "".join(
            f"; {molecule} sequences: {counted(counts['records'], 'record')} = {_added_up(counts, SEQUENCE_OUTCOMES)}"
            + (f", {counts['missing']} missing" if counts["missing"] else "")
            for molecule, counts in self.sequences.items()
        )
        missing = "".join(f"; {self.counts[name]} {name}" for name in ("missing", "withdrawn") if self.counts[name])
        lines = f"{counted(self.counts['lines'], 'line')} = {_added_up(self.counts)}"
        return (
            f"{self.source}: {self.mode} load committed, {lines}{missing}{reports}{sequences}; "
            f"watermark {self.watermark or 'none'}"
        )


def result_of(
    record: RunRecord,
    further: Mapping[str, dict[str, int | None]] | None = None,
    sequences: Mapping[str, dict[str, int]] | None = None,
) -> IngestResult:
    """The result of a committed run, from its record.

    Args:
        record: the run's record.
        further: the counts of the auxiliary reports, where known.
        sequences: the counts of the FASTA files, where known.
    """
    row = record.row
    return IngestResult(
        **{name: row[name] for name in ("run_id", "source", "mode", "updated_since", "until", "watermark")},
        counts={name: row[name] for name in ("lines", *OUTCOMES, "withdrawn", "missing")},
        further=dict(further or {}),
        sequences=dict(sequences or {}),
        committed_at=row["ended_at"],
        downloaded_bytes=(row["package_bytes"] or 0) if row["attempts"] else 0,  # an empty answer has no package
        seconds=dict(row["seconds"] or {}),
    )


def _added_up(counts: Mapping[str, int | None], outcomes: Iterable[str] = OUTCOMES) -> str:
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in outcomes if counts[outcome]) or "nothing"
