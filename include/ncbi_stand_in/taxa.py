"""The part of NCBI Taxonomy that the records need: viruses, hosts and vectors with their lineages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from ncbi_stand_in.tables import read_table

ROOT_TAX_ID = 1
VIRUSES_TAX_ID = 10239

FIRST_STRAIN = 10_000_000
"""First tax ID of made-up strains, far above NCBI's, but within the 32 bits of an NCBI tax ID."""
_MAX_PARENTS = 1000
"""Maximum number of taxa with strains. The tax ID of a strain encodes its parent."""

# Suffixes of the names of virus taxa at each rank, longest first, by the rules of the International Committee on
# Taxonomy of Viruses, https://ictv.global/about/code.
_ENDINGS = {
    "viricotina": "SUBPHYLUM", "viricetes": "CLASS", "viricota": "PHYLUM", "virineae": "SUBORDER",
    "virales": "ORDER", "virinae": "SUBFAMILY", "viridae": "FAMILY", "viria": "REALM", "virae": "KINGDOM",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Taxon:
    """A taxon with its ancestors, which are listed from the root down.

    Records may use its `former_name`. For a taxon deleted by NCBI, reports give no lineage, and its name is only in the
    record itself.
    """

    tax_id: int
    name: str
    common_name: str | None
    ancestors: tuple["Taxon", ...]
    former_name: str | None = None
    is_deleted: bool = False

    @cached_property
    def lineage(self) -> tuple["Taxon", ...]:
        """The taxa from the root to this one, inclusive, as listed in NCBI's reports."""
        return (*self.ancestors, self)

    @cached_property
    def rank(self) -> str | None:
        """NCBI's rank of a virus taxon. None below the species, and for hosts, whose names do not indicate it."""
        if self.tax_id == VIRUSES_TAX_ID:
            return "ACELLULAR_ROOT"
        if VIRUSES_TAX_ID not in self.lineage_tax_ids:
            return None
        for ending, rank in _ENDINGS.items():
            if self.name.endswith(ending):
                return rank
        parent = self.ancestors[-1]
        if re.fullmatch("[A-Z][a-z]+virus", self.name):
            return "SUBGENUS" if parent.rank == "GENUS" else "GENUS"
        return "SPECIES" if parent.rank in ("GENUS", "SUBGENUS") else None

    @cached_property
    def lineage_tax_ids(self) -> frozenset[int]:
        """The tax IDs of the lineage, for filters on any rank."""
        return frozenset(taxon.tax_id for taxon in self.lineage)


class Taxonomy:
    """All known taxa, by NCBI Taxonomy ID, scientific name or common name."""

    def __init__(self, table: dict[int, dict[str, object]]) -> None:
        self._by_tax_id: dict[int, Taxon] = {}
        self._by_name: dict[str, Taxon] = {}
        self._strains: dict[int, Taxon] = {}
        for tax_id, row in table.items():
            parent = self._by_tax_id[int(str(row["parent"]))] if "parent" in row else None
            ancestors = parent.lineage if parent else ()
            common_name = str(row["common_name"]) if "common_name" in row else None
            former_name = str(row["former_name"]) if "former_name" in row else None
            taxon = Taxon(tax_id, str(row["name"]), common_name, ancestors, former_name, "deleted" in row)
            self._by_tax_id[tax_id] = taxon
            aliases = row.get("aliases", [])
            names = [taxon.name, common_name, *(aliases if isinstance(aliases, list) else [])]
            for name in filter(None, names):
                self._by_name.setdefault(name.casefold(), taxon)

    @classmethod
    def load(cls) -> Self:
        """Read the taxa included in this package."""
        return cls(read_table("taxa"))

    def __getitem__(self, tax_id: int) -> Taxon:
        taxon = self._by_tax_id.get(tax_id) or self._strain_of(tax_id)
        if taxon is None:
            raise KeyError(tax_id)
        return taxon

    def strain(self, parent: Taxon, number: int) -> Taxon:
        """A made-up strain below a taxon, by its number from 1."""
        tax_id = FIRST_STRAIN + number * _MAX_PARENTS + self._parent_numbers[parent.tax_id]
        if tax_id not in self._strains:
            self._strains[tax_id] = Taxon(tax_id, f"{parent.name} strain MU{number:05d}", None, parent.lineage)
        return self._strains[tax_id]

    @cached_property
    def _parent_numbers(self) -> dict[int, int]:
        return {tax_id: place for place, tax_id in enumerate(self._by_tax_id)}

    def _strain_of(self, tax_id: int) -> Taxon | None:
        number, place = divmod(tax_id - FIRST_STRAIN, _MAX_PARENTS)
        if number < 1 or place >= len(self._by_tax_id):
            return None
        return self.strain([*self._by_tax_id.values()][place], number)

    @cached_property
    def deleted(self) -> tuple[Taxon, ...]:
        """The taxa deleted by NCBI."""
        return tuple(taxon for taxon in self._by_tax_id.values() if taxon.is_deleted)

    def find(self, text: str) -> Taxon | None:
        """Find a taxon of any rank by tax ID, scientific name or common name; None if it is unknown."""
        if text.isascii() and text.isdigit():
            return self._by_tax_id.get(int(text)) or self._strain_of(int(text))
        return self._by_name.get(text.strip().casefold())

    def starting_with(self, text: str) -> Iterator[Taxon]:
        """The taxa with a name that begins with the text."""
        beginning = text.strip().casefold()
        names = (taxon for name, taxon in self._by_name.items() if name.startswith(beginning))
        yield from dict.fromkeys(names)

    def children(self, taxon: Taxon) -> list[Taxon]:
        """The direct children of the taxon."""
        return [other for other in self._by_tax_id.values() if other.ancestors[-1:] == (taxon,)]


TAXONOMY = Taxonomy.load()
