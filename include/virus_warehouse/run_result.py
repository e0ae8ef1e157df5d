"""What a committed run did, for whoever asked for it, and in one line for a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from virus_warehouse.warehouse.run_record import OUTCOMES, RunRecord

CHANGES = ("inserted", "revised", "touched", "withdrawn")
"""Outcomes that a person who queries the warehouse sees."""


@dataclass(frozen=True)
class IngestResult:
    """What a committed run did.

    Attributes:
        counts: what became of the data report's lines, and of the records that it does not list.
        further: the same for each further report that the package has.
    """

    run_id: str
    source: str
    mode: str
    updated_since: date | None
    until: date | None
    watermark: date | None
    counts: dict[str, int | None]
    further: dict[str, dict[str, int | None]] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether a person who queries the warehouse could see a difference."""
        return any(counts.get(outcome) for counts in (self.counts, *self.further.values()) for outcome in CHANGES)

    def __str__(self) -> str:
        further = "".join(
            f"; {report.replace('_', ' ')}: {counts['lines']} lines = {_added_up(counts)}"
            for report, counts in self.further.items()
        )
        gone = "".join(f"; {self.counts[name]} {name}" for name in ("missing", "withdrawn") if self.counts[name])
        return (
            f"{self.source}: {self.mode} load committed, {self.counts['lines']} lines = {_added_up(self.counts)}{gone}"
            f"{further}; watermark {self.watermark or 'none'}"
        )


def result_of(record: RunRecord, further: Mapping[str, dict[str, int | None]] | None = None) -> IngestResult:
    """What a committed run did, as its record says.

    Args:
        record: the run's.
        further: the counts of further reports, where they are known.
    """
    row = record.row
    return IngestResult(
        **{name: row[name] for name in ("run_id", "source", "mode", "updated_since", "until", "watermark")},
        counts={name: row[name] for name in ("lines", *OUTCOMES, "withdrawn", "missing")},
        further=dict(further or {}),
    )


def _added_up(counts: Mapping[str, int | None]) -> str:
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES if counts[outcome]) or "nothing"
