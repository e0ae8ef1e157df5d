"""Which records a request selects."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Self

from ncbi_stand_in.query import GenomeRequest, InvalidArgumentError
from ncbi_stand_in.records import Record, World
from ncbi_stand_in.taxa import TAXONOMY, VIRUSES_TAX_ID


@dataclass(frozen=True)
class Selection:
    """A request with its names resolved to tax IDs. The withheld accessions, without versions, match nothing."""

    request: GenomeRequest
    virus_tax_ids: frozenset[int] | None
    host_tax_id: int | None
    accessions: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()

    @classmethod
    def from_request(cls, request: GenomeRequest) -> Self:
        """Resolve names to tax IDs; raises InvalidArgumentError for an unknown virus.

        NCBI's response to an unknown taxon on this path is not known, because its own client resolves names first. Here
        it is a 400 with the client's message (contract notes, section 2, marked `[?]`).
        """
        if not request.taxons and not request.accessions:
            raise InvalidArgumentError("taxons or accessions must be given")
        tax_ids = frozenset(_virus_tax_id(name) for name in request.taxons) if request.taxons else None
        host = TAXONOMY.find(request.host) if request.host else None
        return cls(request, tax_ids, host.tax_id if host else None, frozenset(request.accessions))

    def records(self, world: World, today: date) -> Iterator[Record]:
        """The selected records as shown on this day, in the world's order."""
        return (record for record in world.records(today, self.virus_tax_ids) if self.matches(record))

    def matches(self, record: Record) -> bool:
        """Whether the record matches every filter."""
        request, isolate = self.request, record.isolate
        return (
            record.accession not in self.withheld
            and (self.virus_tax_ids is None or not self.virus_tax_ids.isdisjoint(isolate.taxon.lineage_tax_ids))
            and (not request.updated_since or record.update_date >= request.updated_since)
            and (not request.released_since or record.released >= request.released_since)
            and (not self.accessions or self._matches_accession(record))
            and (not request.refseq_only or isolate.is_refseq)
            and (not request.annotated_only or bool(record.genes))
            and (not request.complete_only or isolate.is_complete)
            and (not request.host or self._matches_host(record))
            and (not request.pangolin_classification or isolate.pango_lineage == request.pangolin_classification)
            and (not request.geo_location or self._matches_location(record))
            and (not request.usa_state or self._matches_state(record))
        )

    def _matches_accession(self, record: Record) -> bool:
        return record.accession in self.accessions or record.accession_version in self.accessions

    def _matches_host(self, record: Record) -> bool:
        host = record.isolate.host
        # NCBI does not document what an unknown host matches. Here it matches nothing.
        return host is not None and self.host_tax_id in host.lineage_tax_ids

    def _matches_location(self, record: Record) -> bool:
        place = record.isolate.place
        location = self.request.geo_location.casefold()
        return place is not None and location in (place.country.casefold(), place.region.casefold())

    def _matches_state(self, record: Record) -> bool:
        place = record.isolate.place
        return place is not None and place.usa_state == self.request.usa_state.upper()


def _virus_tax_id(name: str) -> int:
    taxon = TAXONOMY.find(name)
    if taxon is None or VIRUSES_TAX_ID not in taxon.lineage_tax_ids:
        raise InvalidArgumentError(f"The taxonomy name '{name}' is not recognized.")
    return taxon.tax_id
