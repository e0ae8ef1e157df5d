"""Genes, coding regions and mature peptides on a reference genome, in INSDC feature table locations."""

import re
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True)
class Location:
    """The location of a feature: one or more 1-based, inclusive ranges on the genome."""

    ranges: tuple[tuple[int, int], ...]
    complement: bool = False

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an INSDC location such as `join(266..13468,13468..21555)` or `complement(1100..1840)`."""
        ranges = tuple((int(begin), int(end)) for begin, end in re.findall(r"(\d+)\.\.(\d+)", text))
        return cls(ranges, text.startswith("complement"))

    @property
    def begin(self) -> int:
        """The first base."""
        return self.ranges[0][0]

    @property
    def end(self) -> int:
        """The last base."""
        return self.ranges[-1][1]

    @property
    def length(self) -> int:
        """Number of bases. A base that is read twice at a frameshift counts twice."""
        return sum(end - begin + 1 for begin, end in self.ranges)

    def shifted(self, bases: int) -> "Location":
        """The same feature on a genome whose first `bases` bases are missing."""
        return Location(tuple((begin - bases, end - bases) for begin, end in self.ranges), self.complement)


@dataclass(frozen=True)
class MaturePeptide:
    """A protein cleaved from a polyprotein."""

    product: str
    location: Location


@dataclass(frozen=True, eq=False)
class CodingRegion:
    """A CDS including its stop codon, and the mature peptides if it is a polyprotein."""

    product: str
    location: Location
    mature_peptides: tuple[MaturePeptide, ...]

    @classmethod
    def from_row(cls, row: dict[str, Any]) -> Self:
        """Read a CDS of `viruses.yaml`."""
        peptides = row.get("peptides", {})
        return cls(
            row["product"],
            Location.parse(row["at"]),
            tuple(MaturePeptide(product, Location.parse(at)) for product, at in peptides.items()),
        )


@dataclass(frozen=True, eq=False)
class Gene:
    """A gene and its coding regions."""

    name: str
    coding_regions: tuple[CodingRegion, ...]

    def is_within(self, first_base: int, last_base: int) -> bool:
        """Whether every coding region of the gene is inside this range of the reference."""
        places = [region.location for region in self.coding_regions]
        return all(first_base <= place.begin and place.end <= last_base for place in places)
