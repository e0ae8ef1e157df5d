"""Made-up sequences of records, generated on request, and their FASTA files.

Each segment has one invented reference sequence with translatable coding regions. A few ancestors descend from it, an
outbreak from one of these, and from an outbreak the genotypes of some dozen isolates, each with a few mutations of its
own. Some have runs of N and other ambiguous letters.
"""

from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import product
from random import Random

from ncbi_stand_in.genes import Location
from ncbi_stand_in.records import Record
from ncbi_stand_in.reports import AnnotatedFeatures
from ncbi_stand_in.viruses import Segment

FASTA_LINE = 70

ANCESTORS = 4
"""Of each segment."""

MUTATED_SHARE = 0.004
"""Share of an ancestor's bases in which it differs from the reference."""

GENOTYPES_PER_OUTBREAK = 24
MUTATIONS_OF_OUTBREAK = 8
MAX_MUTATIONS = 5
"""Of a genotype, and in addition of each later version of a record."""

SHARE_WITH_GAPS = 0.1
MAX_GAPS = 3
MAX_GAP_SHARE = 0.012
"""Of the bases of the segment. With these, one base in a thousand is N, as in NCBI's own packages."""

SHARE_WITH_AMBIGUOUS = 0.043
MAX_AMBIGUOUS = 9
"""One in 25 of NCBI's own records has ambiguous letters other than N, and then four on average."""

_AMINO_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
_GENETIC_CODE = dict(zip(("".join(codon) for codon in product("TCAG", repeat=3)), _AMINO_ACIDS, strict=True))
_SENSE_CODONS = [codon for codon, amino_acid in _GENETIC_CODE.items() if amino_acid != "*"]
_STOP = "TAA"
_COMPLEMENT = str.maketrans("ACGTRYSWKMN", "TGCAYRSWMKN")
_MUTATED = {ord("A"): ord("G"), ord("T"): ord("C")}
"""The mutations: on neither strand does any of them turn a codon into a stop codon."""

_AMBIGUOUS = {"A": "RRWM", "C": "YYSM", "G": "RRSK", "T": "YYWK"}


def genomic_fasta(record: Record) -> Iterator[bytes]:
    """The record's entry of `genomic.fna`."""
    isolate, segment = record.isolate, record.segment.name
    parts = [isolate.taxon.name]
    if isolate.name:
        parts.append(f"isolate {isolate.name}")
    if segment:
        parts.append(f"segment {segment}")
    extent = ("complete " if isolate.is_complete else "partial ") + isolate.virus.molecule
    yield _fasta(f"{record.accession_version} {' '.join(parts)}, {extent}", genome(record))


def cds_fasta(record: Record) -> Iterator[bytes]:
    """The record's entries of `cds.fna`, one for each coding region."""
    features = AnnotatedFeatures(record)
    letters = genome(record)
    for region in features:
        header = f"{features.nucleotide_id(region)} {features.title(region)}"
        yield _fasta(header, extract(letters, features.on_record(region.location)))


def protein_fasta(record: Record) -> Iterator[bytes]:
    """The record's entries of `protein.faa`, one for each coding region."""
    features = AnnotatedFeatures(record)
    letters = genome(record)
    for region in features:
        residues = translate(extract(letters, features.on_record(region.location)))
        accession = features.protein_accession(region)
        yield _fasta(f"{accession}:1-{len(residues)} {features.title(region)}", residues)


def genome(record: Record) -> str:
    """The nucleotides of the record, `length` of them."""
    letters = _letters(record.segment, record.genotype, record.version)
    return letters[record.first_base - 1 : record.last_base].decode()


def extract(letters: str, location: Location) -> str:
    """The bases of a location: its ranges joined, reverse-complemented if it is on the other strand."""
    bases = "".join(letters[begin - 1 : end] for begin, end in location.ranges)
    return bases.translate(_COMPLEMENT)[::-1] if location.complement else bases


def translate(bases: str) -> str:
    """Translate a coding region with the standard code, without its stop codon.

    An early stop, or a codon with an ambiguous letter, becomes X.
    """
    codons = (bases[start : start + 3] for start in range(0, len(bases) - 3, 3))
    return "".join(_GENETIC_CODE.get(codon, "X") for codon in codons).replace("*", "X")


@lru_cache(maxsize=8)
def _letters(segment: Segment, genotype: int, version: int) -> bytes:
    outbreak = genotype // GENOTYPES_PER_OUTBREAK
    letters = bytearray(_outbreak(segment, outbreak))
    for number in range(version):
        random = _random(segment, "genotype", genotype, number)
        _mutate(random, letters, segment, random.randint(0, MAX_MUTATIONS) + number)
    random = _random(segment, "letters", genotype)
    if random.random() < SHARE_WITH_GAPS:
        for _ in range(random.randint(1, MAX_GAPS)):
            bases = random.randint(1, int(MAX_GAP_SHARE * segment.length))
            begin = random.randrange(segment.length - bases)
            letters[begin : begin + bases] = b"N" * bases
    if random.random() < SHARE_WITH_AMBIGUOUS:
        for _ in range(random.randint(1, MAX_AMBIGUOUS)):
            place = random.randrange(segment.length)
            letters[place] = ord(random.choice(_AMBIGUOUS.get(chr(letters[place]), "N")))
    return bytes(letters)


@lru_cache(maxsize=32)
def _outbreak(segment: Segment, number: int) -> bytes:
    random = _random(segment, "outbreak", number)
    letters = bytearray(_ancestor(segment, random.randrange(ANCESTORS)))
    _mutate(random, letters, segment, MUTATIONS_OF_OUTBREAK)
    return bytes(letters)


@cache
def _ancestor(segment: Segment, number: int) -> bytes:
    letters = bytearray(_reference(segment), "ascii")
    _mutate(_random(segment, "ancestor", number), letters, segment, int(MUTATED_SHARE * segment.length))
    return bytes(letters)


def _mutate(random: Random, letters: bytearray, segment: Segment, mutations: int) -> None:
    for _ in range(mutations):
        place = random.randrange(len(letters))
        if place not in _conserved(segment):
            letters[place] = _MUTATED.get(letters[place], letters[place])


def _random(segment: Segment, *names: object) -> Random:
    return Random(f"{segment.name} {segment.length} {names}")  # noqa: S311 - nothing here is secret


@cache
def _conserved(segment: Segment) -> frozenset[int]:
    """The places, from 0, of the start and stop codons."""
    locations = [region.location for gene in segment.genes for region in gene.coding_regions]
    codons = [first for place in locations for first in (place.begin - 1, place.end - 3)]
    return frozenset(place for first in codons for place in range(first, first + 3))


@cache
def _reference(segment: Segment) -> str:
    random = Random(f"{segment.name} {segment.length}")  # noqa: S311 - nothing here is secret
    letters = random.choices("ACGT", k=segment.length)
    for gene in segment.genes:
        for region in gene.coding_regions:
            _write_coding_region(random, letters, region.location)
    return "".join(letters)


def _write_coding_region(random: Random, letters: list[str], location: Location) -> None:
    codons = random.choices(_SENSE_CODONS, k=location.length // 3 - 2)
    coding = "".join(["ATG", *codons, _STOP])
    if location.complement:
        coding = coding.translate(_COMPLEMENT)[::-1]
    for begin, end in location.ranges:
        bases = end - begin + 1
        letters[begin - 1 : end] = coding[:bases]
        coding = coding[bases:]


def _fasta(header: str, letters: str) -> bytes:
    lines = [letters[start : start + FASTA_LINE] for start in range(0, len(letters), FASTA_LINE)]
    return "\n".join([f">{header}", *lines, ""]).encode()
