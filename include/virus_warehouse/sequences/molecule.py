"""The kinds of sequence of a package, each with its FASTA file and its letters."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from virus_warehouse.ncbi.request import SequenceType

_NUCLEOTIDES = b"ACGTUacgtu"
_AMBIGUOUS_NUCLEOTIDES = b"RYSWKMBDHVNryswkmbdhvn-"
_AMINO_ACIDS = b"ACDEFGHIKLMNOPQRSTUVWYacdefghiklmnopqrstuvwy*"
_AMBIGUOUS_AMINO_ACIDS = b"BJXZbjxz-"


@dataclass(frozen=True)
class Molecule:
    """A kind of sequence.

    The letters are those of IUPAC and INSDC, https://www.insdc.org/submitting-standards/feature-table/, appendix 7.4.

    Attributes:
        name: its name in tables and commands.
        requested_as: the value of `include_sequence` that requests it.
        file_name: its file in a package.
        letters: the letters for one nucleotide or amino acid each.
        ambiguous_letters: the letters for several possible ones, and gaps.
    """

    name: str
    requested_as: SequenceType
    file_name: str
    letters: bytes
    ambiguous_letters: bytes


GENOME = Molecule("genome", SequenceType.GENOME, "genomic.fna", _NUCLEOTIDES, _AMBIGUOUS_NUCLEOTIDES)
CDS = Molecule("cds", SequenceType.CDS, "cds.fna", _NUCLEOTIDES, _AMBIGUOUS_NUCLEOTIDES)
PROTEIN = Molecule("protein", SequenceType.PROTEIN, "protein.faa", _AMINO_ACIDS, _AMBIGUOUS_AMINO_ACIDS)

MOLECULES = (GENOME, CDS, PROTEIN)


def molecules_of(include_sequence: Collection[str]) -> list[Molecule]:
    """The molecules that a request asks for.

    Args:
        include_sequence: the values of the request's parameter.
    """
    return [molecule for molecule in MOLECULES if molecule.requested_as in include_sequence]


def molecules_requested(request_url: str | None) -> list[Molecule]:
    """The molecules that a sent request asked for.

    Args:
        request_url: its URL; None for none.
    """
    return molecules_of(parse_qs(urlsplit(request_url or "").query).get("include_sequence", []))
