"""Made-up sequences of records, generated on request, and their FASTA files.

Each segment has one invented reference sequence with translatable coding regions. A record is a part of it with a few
point mutations, so that records of one virus resemble each other as real ones do.
"""

from collections.abc import Iterator
from functools import cache
from itertools import product
from random import Random

from ncbi_stand_in.genes import Location
from ncbi_stand_in.records import Record
from ncbi_stand_in.reports import AnnotatedFeatures
from ncbi_stand_in.viruses import Segment

FASTA_LINE = 70
MUTATIONS = 20

_AMINO_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
_GENETIC_CODE = dict(zip(("".join(codon) for codon in product("TCAG", repeat=3)), _AMINO_ACIDS, strict=True))
_SENSE_CODONS = [codon for codon, amino_acid in _GENETIC_CODE.items() if amino_acid != "*"]
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


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
    random = Random(record.accession_version)  # noqa: S311 - nothing here is secret
    letters = bytearray(_reference(record.segment), "ascii")[record.first_base - 1 : record.last_base]
    for _ in range(MUTATIONS):
        letters[random.randrange(len(letters))] = ord(random.choice("ACGT"))
    return letters.decode()


def extract(letters: str, location: Location) -> str:
    """The bases of a location: its ranges joined, reverse-complemented if it is on the other strand."""
    bases = "".join(letters[begin - 1 : end] for begin, end in location.ranges)
    return bases.translate(_COMPLEMENT)[::-1] if location.complement else bases


def translate(bases: str) -> str:
    """Translate a coding region with the standard code, without its stop codon. An early stop becomes X."""
    codons = (bases[start : start + 3] for start in range(0, len(bases) - 3, 3))
    return "".join(_GENETIC_CODE[codon] for codon in codons).replace("*", "X")


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
    coding = "".join(["ATG", *codons, "TAA"])
    if location.complement:
        coding = coding.translate(_COMPLEMENT)[::-1]
    for begin, end in location.ranges:
        bases = end - begin + 1
        letters[begin - 1 : end] = coding[:bases]
        coding = coding[bases:]


def _fasta(header: str, letters: str) -> bytes:
    lines = [letters[start : start + FASTA_LINE] for start in range(0, len(letters), FASTA_LINE)]
    return "\n".join([f">{header}", *lines, ""]).encode()
