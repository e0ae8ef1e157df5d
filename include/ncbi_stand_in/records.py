"""The made-up records: which of them exist, and their contents on a given day."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from random import Random
from typing import NamedTuple
from zlib import crc32

from ncbi_stand_in.genes import Gene
from ncbi_stand_in.isolates import Isolate, as_strain, draw_isolate, revised
from ncbi_stand_in.oddities import PLACEHOLDER_DATE, draw_oddity, with_oddity
from ncbi_stand_in.taxa import Taxon
from ncbi_stand_in.timeline import ChangeKind, Timeline, draw_timeline
from ncbi_stand_in.viruses import Segment, Virus, viruses

BUSY_RECORDS = 1000
"""The first records have their events close to the epoch; see `timeline.draw_timeline`."""

BLOCKS_PER_REFSEQ = 10
"""Each virus has one RefSeq isolate per this many blocks of records."""

ACCESSION_PREFIXES = {
    "genbank": ("PX", "PV", "PQ", "PP", "OR", "OQ", "OP", "ON", "OM", "OL", "OK", "MZ"),
    "ena": ("OZ", "OY", "OX", "OW", "OV", "OU", "OE", "OD", "OC", "OB", "OA", "LT"),
    "ddbj": ("LC", "LD", "LE", "LF", "LG", "LH", "LI", "LJ", "LK", "LL", "LM", "LN"),
}
NUMBERS_PER_PREFIX = 1_000_000

ISOLATES_PER_COPY = 3
"""One isolate in so many has the genotype of another. Where both are shown, in the same length, they are identical."""

MAX_DISTANCE_OF_COPY = 6
GENOTYPES_PER_KIND = 24_000_000
MAX_TAXA_OF_VIRUS = 100


class Slot(NamedTuple):
    """The position of an isolate in each block of records. `rank` numbers the isolates of the same virus in a block."""

    virus: Virus
    first_record: int
    rank: int


@dataclass(frozen=True, slots=True)
class Record:
    """A nucleotide record as NCBI shows it on a day: one version of one segment of an isolate.

    `first_base` and `last_base` are its range on the reference genome, whose ends are rarely sequenced. `genotype`
    determines its letters; records of several isolates have the same one.
    """

    isolate: Isolate
    segment: Segment
    accession: str
    version: int
    released: date
    updated: date
    first_base: int
    last_base: int
    genotype: int

    @property
    def accession_version(self) -> str:
        """INSDC accession.version."""
        return f"{self.accession}.{self.version}"

    @property
    def update_date(self) -> date:
        """The update date as shown by NCBI."""
        return self.updated if self.isolate.has_update_date else PLACEHOLDER_DATE

    @property
    def length(self) -> int:
        """Number of bases."""
        return self.last_base - self.first_base + 1

    @property
    def sequence_hash(self) -> str:
        """A hash of this version's sequence, hexadecimal without leading zeros, as NCBI writes it."""
        letters = (self.segment.name, self.segment.length, self.genotype, self.version, self.first_base, self.last_base)
        return f"{crc32(repr(letters).encode()):X}"

    @property
    def genes(self) -> tuple[Gene, ...]:
        """The annotated genes, none if the record is not annotated."""
        return self.segment.genes_within(self.first_base, self.last_base) if self.isolate.is_annotated else ()


@dataclass(frozen=True)
class World:
    """`record_count` made-up records that change around the `epoch`, of at most `taxa` virus taxa.

    By default there are only the taxa listed for the viruses. With `taxa`, most records belong to strains below these.
    A few strains are common and most are rare, as at NCBI.

    Everything is determined by the seed and the epoch. Each isolate has its own random generator, so it does not
    depend on the number of records, and nothing depends on the wall clock.
    """

    seed: int
    record_count: int
    epoch: date
    taxa: int | None = None

    def records(self, today: date, tax_ids: frozenset[int] | None = None) -> Iterator[Record]:
        """The records that NCBI shows on this day, one at a time; only those of viruses within `tax_ids`, if given."""
        random = Random()  # noqa: S311 - nothing here is secret
        wanted = {virus for virus in viruses() if tax_ids is None or virus.is_within(tax_ids)}
        slots = _slots()
        block_size = sum(len(slot.virus.segments) for slot in slots)
        for block in range(math.ceil(self.record_count / block_size)):
            for slot in slots:
                first_record = block * block_size + slot.first_record
                if slot.virus not in wanted or first_record >= self.record_count:
                    continue
                # A large odd factor separates the generators of consecutive seeds.
                random.seed(self.seed * 1_000_000_007 + first_record)
                refseq = slot.rank == 0 and block % BLOCKS_PER_REFSEQ == 0
                timeline = draw_timeline(random, self.epoch, busy=first_record < BUSY_RECORDS, refseq=refseq)
                if timeline.is_shown_on(today):
                    isolate = draw_isolate(random, slot.virus, first_record, timeline.released, refseq=refseq)
                    kind = self.seed * MAX_TAXA_OF_VIRUS + slot.virus.taxa.items.index(isolate.taxon)
                    genotype = _genotype(kind, block * slot.virus.isolates_per_block + slot.rank)
                    if self.taxa:
                        isolate = as_strain(isolate, _skewed_number(first_record, self.taxa) // len(_taxa()))
                    if oddity := draw_oddity(random):
                        isolate = with_oddity(isolate, oddity, random)
                    yield from self._records_of(isolate, timeline, first_record, genotype, today)

    def _records_of(
        self, isolate: Isolate, timeline: Timeline, first_record: int, genotype: int, today: date
    ) -> Iterator[Record]:
        changes = timeline.changes_until(today)
        version = 1
        for change in changes:
            if change.kind is ChangeKind.REVISED:
                isolate = revised(isolate, change.choice)
            elif change.kind is ChangeKind.REVERSIONED:
                version += 1
        updated = changes[-1].day if changes else timeline.first_updated
        for number, segment in enumerate(isolate.virus.segments, start=first_record):
            if number >= self.record_count:
                return
            accession = self._accession(isolate.archive, number)
            bases = _base_range(genotype, segment, version, complete=isolate.is_complete)
            yield Record(isolate, segment, accession, version, timeline.released, updated, *bases, genotype)

    def _accession(self, archive: str, number: int) -> str:
        if archive == "refseq":
            return f"NC_9{number:05d}"
        prefix = ACCESSION_PREFIXES[archive][number // NUMBERS_PER_PREFIX]
        digits = (250_000 + 7919 * self.seed + number) % NUMBERS_PER_PREFIX
        return f"{prefix}{digits:06d}"


@cache
def _taxa() -> frozenset[Taxon]:
    """The taxa of all viruses, without strains."""
    return frozenset(taxon for virus in viruses() for taxon in virus.taxa.items)


def _skewed_number(first_record: int, kinds: int) -> int:
    """A number below `kinds`. The first is as common as the next two together, or the next four after those."""
    return int(kinds ** (crc32(first_record.to_bytes(8, "big")) / 2**32)) - 1


@cache
def _slots() -> tuple[Slot, ...]:
    """The block of records that the world repeats, with the isolates of all viruses evenly mixed."""
    isolates = sorted(
        ((rank + 0.5) / virus.isolates_per_block, virus.name, rank, virus)
        for virus in viruses()
        for rank in range(virus.isolates_per_block)
    )
    slots = []
    first_record = 0
    for _, _, rank, virus in isolates:
        slots.append(Slot(virus, first_record, rank))
        first_record += len(virus.segments)
    return tuple(slots)


def _genotype(kind: int, number: int) -> int:
    """The genotype of the isolate with this number among those of its virus: of its own, or that of one shortly before.

    Genotypes with near numbers are of one outbreak, if they are of the same kind: of one taxon and seed.
    """
    while number and (chance := crc32(b"%d" % number)) % ISOLATES_PER_COPY == 0:
        number -= 1 + (chance >> 8) % min(number, MAX_DISTANCE_OF_COPY)
    return kind * GENOTYPES_PER_KIND + number


def _base_range(genotype: int, segment: Segment, version: int, *, complete: bool) -> tuple[int, int]:
    """First and last base on the reference. Each version extends closer to the end than the one before."""
    chance = crc32(b"%d %d" % (genotype, segment.length))
    missing_at_start = chance % (segment.max_missing_at_start + 1)
    max_missing_at_end = segment.max_missing_at_end if complete else segment.length // 2
    missing_at_end = 4 + (chance >> 8) % (max_missing_at_end - 3)
    return 1 + missing_at_start, segment.length - (missing_at_end >> (version - 1))
