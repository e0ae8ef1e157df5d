"""What the merge of a package has to know of the load that it is part of."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Self

from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.run_mode import FULL, REPLAY
from virus_warehouse.sources import LoadLimits


class UnknownAcceptance(ValueError):
    """A name of nothing that can be accepted."""


@dataclass(frozen=True)
class Acceptance:
    """What a person accepts knowingly of a full load, for one run.

    Attributes:
        missing: that many of the records held are not listed.
        emptied: that a field is empty which used to be filled.
    """

    missing: bool = False
    emptied: bool = False

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        """The acceptance of what these names stand for.

        Raises:
            UnknownAcceptance: when one stands for nothing.
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
    """What a merge has to know.

    Attributes:
        source: name of the source whose records they are.
        limits: what the source allows a full load.
        run_id: the run that loads them.
        mode: the run's mode: only a full one may judge how many records there are.
        is_census: whether a full load also concludes which records are missing.
        valid_from: the commit's time.
        requested_at: when the package was requested.
        is_newest_package: whether no committed run of the source has a package requested later.
        filter_changed: whether rows may be held that other filters showed.
        reports_changed: whether, with the same filters, other reports were asked for.
        request: the filters now; None where they are not known.
        since: first update date to be merged; None without a lower bound.
        until: update date before which is merged; None without an upper bound.
        accepts: what is accepted that would otherwise stop a full load.
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

    @property
    def is_full(self) -> bool:
        """Whether it may judge what is there and what is not: of all records, and newer than any other."""
        return self.mode == FULL and self.is_newest_package

    @property
    def is_replay(self) -> bool:
        """Whether its lines were refused before, and read again now."""
        return self.mode == REPLAY

    @cached_property
    def variables(self) -> dict[str, object]:
        """What the SQL of a merge reads of it."""
        return {
            "source": self.source,
            "run_id": self.run_id,
            "valid_from": self.valid_from,
            "requested_at": self.requested_at,
            "now": datetime.now(UTC),
            "is_newest_package": self.is_newest_package,
            "since": self.since,
            "until": self.until,
        }
