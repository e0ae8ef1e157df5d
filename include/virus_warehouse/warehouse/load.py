"""The parameters of a merge."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Self

from virus_warehouse.failure import UsageError
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.run_mode import FULL, REPLAY
from virus_warehouse.sources import LoadLimits


class UnknownAcceptance(UsageError):
    """A name that is not among the findings that can be accepted."""


@dataclass(frozen=True)
class Acceptance:
    """What a person accepts of a full load, for one run.

    Attributes:
        missing: that so many held records are missing.
        emptied: that a field is empty that used to be filled.
    """

    missing: bool = False
    emptied: bool = False

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """The acceptance with these names.

        Raises:
            UnknownAcceptance: when a name is unknown.
        """
        given, known = set(names), {field.name for field in fields(cls)}
        if unknown := sorted(given - known):
            raise UnknownAcceptance(f"accept is {unknown[0]!r}; allowed are {', '.join(sorted(known))}")
        return cls(**dict.fromkeys(given, True))

    @property
    def names(self) -> list[str]:
        """What is accepted, as the ledger names it."""
        return [name for name, is_accepted in asdict(self).items() if is_accepted]


@dataclass(frozen=True)
class Load:
    """The parameters of a merge.

    Attributes:
        source: name of the source.
        limits: the limits of the source.
        run_id: the run that loads.
        mode: the run's mode; only a full load may find missing records.
        is_census: whether a full load also marks missing records.
        valid_from: the commit time.
        requested_at: when the package was requested.
        is_newest_package: whether no committed run of the source has a package requested later.
        filter_changed: whether there may be rows loaded with other filters.
        reports_changed: whether, with the same filters, other reports were requested before.
        request: the current filters; None where they are not known.
        since: first update date to merge; None without a lower bound.
        until: update date to stop before; None without an upper bound.
        accepts: what a person accepts that would otherwise stop a full load.
        is_approved: whether it is the package of a stopped full load, which a person approved. It was requested later
            than every full package that was committed. It counts as the newest, but for the records in `later_line`,
            those of packages requested later.
    """

    source: str
    limits: LoadLimits
    run_id: str
    mode: str
    is_census: bool
    valid_from: datetime
    requested_at: datetime
    is_newest_package: bool
    filter_changed: bool
    since: date | None
    until: date | None
    accepts: Acceptance = Acceptance()
    reports_changed: bool = False
    request: VirusGenomeRequest | None = None
    is_approved: bool = False

    @property
    def is_newest(self) -> bool:
        """Whether it decides about records that no later package lists."""
        return self.is_newest_package or self.is_approved

    @property
    def is_full(self) -> bool:
        """Whether it has all records and decides, so that unlisted records are missing."""
        return self.mode == FULL and self.is_newest

    @property
    def is_replay(self) -> bool:
        """Whether its lines came from the quarantine."""
        return self.mode == REPLAY

    @cached_property
    def variables(self) -> dict[str, object]:
        """The variables that the SQL of a merge reads."""
        return {
            "source": self.source,
            "run_id": self.run_id,
            "valid_from": self.valid_from,
            "requested_at": self.requested_at,
            "now": datetime.now(UTC),
            "is_newest": self.is_newest,
            "is_newest_package": self.is_newest_package,
            "since": self.since,
            "until": self.until,
        }
