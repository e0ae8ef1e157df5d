"""The made-up world: which records exist, and how each of them looks on a given day."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from random import Random
from typing import NamedTuple
from zlib import crc32

from ncbi_stand_in.genes import Gene
from ncbi_stand_in.isolates import Isolate, draw_isolate, of_strain, revised
from ncbi_stand_in.life import ChangeKind, Life, draw_life
from ncbi_stand_in.oddities import PLACEHOLDER_DATE, draw_oddity, made_odd
from ncbi_stand_in.taxa import Taxon
from ncbi_stand_in.viruses import Segment, Virus, viruses

LIVELY_RECORDS = 1000
"""The first so many records crowd their events around the epoch; see `life.draw_life`."""

BLOCKS_PER_REFSEQ = 10
"""Each virus has one RefSeq isolate in so many blocks of records."""

ACCESSION_PREFIXES = {
    "genbank": ("PX", "PV", "PQ", "PP", "OR", "OQ", "OP", "ON", "OM", "OL", "OK", "MZ"),
    "ena": ("OZ", "OY", "OX", "OW", "OV", "OU", "OE", "OD", "OC", "OB", "OA", "LT"),
    "ddbj": ("LC", "LD", "LE", "LF", "LG", "LH", "LI", "LJ", "LK", "LL", "LM", "LN"),
}
NUMBERS_PER_PREFIX = 1_000_000


class Slot(NamedTuple):
    """A place for an isolate in each block of records: `rank` counts the virus's own isolates in a block."""

    virus: Virus
    first_record: int
    rank: int


@dataclass(frozen=True, slots=True)
class Record:
    """A nucleotide record as NCBI shows it on one day: one segment of an isolate, in one version.

    `first_base` and `last_base` are where it begins and ends on the reference genome: submitters rarely have
    the very ends.
    """

    isolate: Isolate
    segment: Segment
    accession: str
    version: int
    released: date
    updated: date
    first_base: int
    last_base: int

    @property
    def accession_version(self) -> str:
        """INSDC accession.version."""
        return f"{self.accession}.{self.version}"

    @property
    def update_date(self) -> date:
        """The update date as NCBI gives it."""
        return self.updated if self.isolate.has_update_date else PLACEHOLDER_DATE

    @property
    def length(self) -> int:
        """Bases."""
        return self.last_base - self.first_base + 1

    @property
    def sequence_hash(self) -> str:
        """A hash of this version's sequence, hexadecimal without leading zeros, as NCBI writes it."""
        return f"{crc32(self.accession_version.encode()):X}"

    @property
    def genes(self) -> tuple[Gene, ...]:
        """The annotated genes; none when the record is not annotated."""
        return self.segment.genes_within(self.first_base, self.last_base) if self.isolate.is_annotated else ()


@dataclass(frozen=True)
class World:
    """`record_count` made-up records whose lives turn around `epoch`, of at most so many `taxa`.

    By default they are of the viruses' own taxa alone; otherwise most are of strains below these, of which few are
    common and most are rare, as NCBI's are.

    Everything follows from the seed and the epoch: an isolate is drawn from a generator of its own, so it is
    the same however many records are asked for, and the wall clock plays no part.
    """

    seed: int
    record_count: int
    epoch: date
    taxa: int | None = None

    def records(self, today: date, tax_ids: frozenset[int] | None = None) -> Iterator[Record]:
        """The records NCBI shows on that day, one at a time; only viruses within `tax_ids`, when given."""
        random = Random()  # noqa: S311 - nothing here is secret
        wanted = {virus for virus in viruses() if tax_ids is None or virus.is_within(tax_ids)}
        slots = _slots()
        block_size = sum(len(slot.virus.segments) for slot in slots)
        for block in range(math.ceil(self.record_count / block_size)):
            for slot in slots:
                first_record = block * block_size + slot.first_record
                if slot.virus not in wanted or first_record >= self.record_count:
                    continue
                # A large odd factor keeps the generators of neighbouring worlds apart.
                random.seed(self.seed * 1_000_000_007 + first_record)
                refseq = slot.rank == 0 and block % BLOCKS_PER_REFSEQ == 0
                life = draw_life(random, self.epoch, lively=first_record < LIVELY_RECORDS, refseq=refseq)
                if life.is_shown_on(today):
                    isolate = draw_isolate(random, slot.virus, first_record, life.released, refseq=refseq)
                    if self.taxa:
                        isolate = of_strain(isolate, _common_or_rare(first_record, self.taxa) // len(_taxa()))
                    if oddity := draw_oddity(random):
                        isolate = made_odd(isolate, oddity, random)
                    yield from self._records_of(isolate, life, first_record, today)

    def _records_of(self, isolate: Isolate, life: Life, first_record: int, today: date) -> Iterator[Record]:
        changes = life.changes_until(today)
        version = 1
        for change in changes:
            if change.kind is ChangeKind.REVISED:
                isolate = revised(isolate, change.choice)
            elif change.kind is ChangeKind.REVERSIONED:
                version += 1
        updated = changes[-1].day if changes else life.first_updated
        for number, segment in enumerate(isolate.virus.segments, start=first_record):
            if number >= self.record_count:
                return
            accession = self._accession(isolate.archive, number)
            first_base, last_base = _reach(accession, segment, version, complete=isolate.is_complete)
            yield Record(isolate, segment, accession, version, life.released, updated, first_base, last_base)

    def _accession(self, archive: str, number: int) -> str:
        if archive == "refseq":
            return f"NC_9{number:05d}"
        prefix = ACCESSION_PREFIXES[archive][number // NUMBERS_PER_PREFIX]
        digits = (250_000 + 7919 * self.seed + number) % NUMBERS_PER_PREFIX
        return f"{prefix}{digits:06d}"


@cache
def _taxa() -> frozenset[Taxon]:
    """The taxa of all viruses, strains aside."""
    return frozenset(taxon for virus in viruses() for taxon in virus.taxa.things)


def _common_or_rare(first_record: int, kinds: int) -> int:
    """One of so many kinds, from 0: the first is as common as the next two, or the next four after those."""
    return int(kinds ** (crc32(first_record.to_bytes(8, "big")) / 2**32)) - 1


@cache
def _slots() -> tuple[Slot, ...]:
    """Mix the viruses' isolates evenly into the block that the world repeats."""
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


def _reach(accession: str, segment: Segment, version: int, *, complete: bool) -> tuple[int, int]:
    """First and last base on the reference; each later version has more of the end."""
    chance = crc32(accession.encode())
    missing_at_start = chance % (segment.most_missing_at_start + 1)
    most_missing_at_end = segment.most_missing_at_end if complete else segment.length // 2
    missing_at_end = 4 + (chance >> 8) % (most_missing_at_end - 3)
    return 1 + missing_at_start, segment.length - (missing_at_end >> (version - 1))
