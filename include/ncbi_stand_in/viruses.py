"""Properties of each virus: taxa, hosts, places, segments and genes."""

from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from itertools import accumulate
from random import Random
from typing import Any, Generic, Self, TypeVar

from ncbi_stand_in.genes import CodingRegion, Gene
from ncbi_stand_in.tables import read_table
from ncbi_stand_in.taxa import FIRST_STRAIN, TAXONOMY, Taxon

MAX_BASES_MISSING_AT_EITHER_END = 60


Item = TypeVar("Item")


class Weighted(Generic[Item]):
    """A weighted random choice between items, given as `{item: relative weight}`."""

    def __init__(self, weights: dict[Item, float]) -> None:
        self.items = tuple(weights)
        self._cumulative_weights = tuple(accumulate(weights.values()))

    def draw(self, random: Random) -> Item:
        """Draw an item, with a probability proportional to its weight."""
        return random.choices(self.items, cum_weights=self._cumulative_weights)[0]


@dataclass(frozen=True, eq=False)
class Segment:
    """A molecule of the genome: its reference length in bases, and its genes."""

    name: str | None
    length: int
    genes: tuple[Gene, ...]

    def genes_within(self, first_base: int, last_base: int) -> tuple[Gene, ...]:
        """The genes that are entirely within a range of the reference."""
        return _genes_within(self, first_base, last_base)

    @cached_property
    def max_missing_at_start(self) -> int:
        """Maximum number of bases that a complete record lacks before the first gene."""
        first = min(region.location.begin for gene in self.genes for region in gene.coding_regions)
        return min(first - 1, MAX_BASES_MISSING_AT_EITHER_END)

    @cached_property
    def max_missing_at_end(self) -> int:
        """Maximum number of bases that a complete record lacks after the last gene."""
        last = max(region.location.end for gene in self.genes for region in gene.coding_regions)
        return min(self.length - last, MAX_BASES_MISSING_AT_EITHER_END)


@lru_cache(maxsize=65536)
def _genes_within(segment: Segment, first_base: int, last_base: int) -> tuple[Gene, ...]:
    return tuple(gene for gene in segment.genes if gene.is_within(first_base, last_base))


@dataclass(frozen=True, eq=False)
class Virus:
    """The properties of a virus. `shares` are the shares (0 to 1) of isolates with an optional property."""

    name: str
    isolates_per_block: int
    molecule: str
    taxa: Weighted[Taxon]
    hosts: dict[Taxon, Weighted[Taxon]]
    places: Weighted[str]
    isolate_name: str
    isolation_sources: tuple[str, ...]
    biosample_package: str
    disease: str
    pango_lineages: tuple[str, ...]
    shares: dict[str, float]
    segments: tuple[Segment, ...]

    @classmethod
    def from_row(cls, name: str, row: dict[str, Any]) -> Self:
        """Read a virus from `viruses.yaml`."""
        taxa = {TAXONOMY[tax_id]: facts for tax_id, facts in row["taxa"].items()}
        return cls(
            name=name,
            isolates_per_block=row["isolates_per_block"],
            molecule=row["molecule"],
            taxa=Weighted({taxon: facts["weight"] for taxon, facts in taxa.items()}),
            hosts={
                taxon: Weighted({TAXONOMY[host]: weight for host, weight in facts["hosts"].items()})
                for taxon, facts in taxa.items()
            },
            places=Weighted(row["places"]),
            isolate_name=row["isolate_name"],
            isolation_sources=tuple(row["isolation_sources"]),
            biosample_package=row["biosample_package"],
            disease=row["disease"],
            pango_lineages=tuple(row.get("pango_lineages", ())),
            shares=row["shares"],
            segments=tuple(_segment(segment) for segment in row["segments"]),
        )

    def is_within(self, tax_ids: frozenset[int]) -> bool:
        """Whether any of the virus's taxa, or a strain below it, belongs to one of these taxa."""
        strains = {ancestor for tax_id in tax_ids if tax_id > FIRST_STRAIN for ancestor in TAXONOMY[tax_id].ancestors}
        return any(taxon.lineage_tax_ids & tax_ids or taxon in strains for taxon in self.taxa.items)


def _segment(row: dict[str, Any]) -> Segment:
    genes = (
        Gene(gene["name"], tuple(CodingRegion.from_row(region) for region in gene["cds"])) for gene in row["genes"]
    )
    return Segment(row.get("name"), row["length"], tuple(genes))


@cache
def viruses() -> tuple[Virus, ...]:
    """All viruses that have made-up records."""
    return tuple(Virus.from_row(name, row) for name, row in read_table("viruses").items())
