"""The made-up genomes resemble each other as those of an outbreak do."""

import hashlib
import itertools
import re
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ncbi_stand_in.records import Record, World
from ncbi_stand_in.sequences import cds_fasta, genome, protein_fasta

EPOCH = date(2026, 11, 20)
LARGEST_SHARE = 0.03
"""Of the FASTA's bytes that their compressed letters have."""


def digest(letters: str) -> bytes:
    return hashlib.sha256(letters.encode()).digest()


class Records(list[Record]):
    """With a short text for messages of failures: that of a record has all of its taxonomy."""

    def __repr__(self) -> str:
        return "the records"


class Genomes(dict[str, str]):
    """The same for letters."""

    def __repr__(self) -> str:
        return "the genomes"


@pytest.fixture(scope="module")
def records() -> Records:
    return Records(World(seed=1, record_count=1500, epoch=EPOCH).records(EPOCH))


@pytest.fixture(scope="module")
def genomes(records: Records) -> Genomes:
    return Genomes({record.accession_version: genome(record) for record in records})


def test_the_same_every_time(records: Records, genomes: Genomes) -> None:
    again = World(seed=1, record_count=1500, epoch=EPOCH).records(EPOCH)
    digests = {name: digest(letters) for name, letters in genomes.items()}
    assert {record.accession_version: digest(genome(record)) for record in again} == digests
    (other, *_) = World(seed=2, record_count=1500, epoch=EPOCH).records(EPOCH)
    assert digest(genome(other)) not in digests.values()


def test_a_quarter_is_identical_to_an_earlier_one(genomes: Genomes) -> None:
    repeated = 1 - len(set(genomes.values())) / len(genomes)
    assert 0.15 < repeated < 0.35


def test_equal_hashes_mean_equal_sequences(records: Records, genomes: Genomes) -> None:
    pairs = {(record.sequence_hash, digest(genomes[record.accession_version])) for record in records}
    hashes, digests = (len({pair[side] for pair in pairs}) for side in (0, 1))
    assert len(pairs) == hashes
    assert digests > 0.95 * hashes


@pytest.mark.slow
def test_neighbours_are_more_alike_than_others(records: Records, genomes: Genomes) -> None:
    of_sars_cov_2 = [record for record in records if record.isolate.virus.name == "sars_cov_2"]
    begin, end = 100, 20_000
    letters = [
        (" " * (record.first_base - 1) + genomes[record.accession_version])[begin:end] for record in of_sars_cov_2
    ]

    def differences(one: str, other: str) -> int:
        return sum(a != b for a, b in zip(one, other, strict=False) if a in "ACGT" and b in "ACGT")

    neighbours = [differences(*pair) for pair in itertools.pairwise(letters)]
    distant = [differences(one, other) for one, other in zip(letters, letters[len(letters) // 2 :], strict=False)]
    assert sorted(neighbours)[len(neighbours) // 2] < 20
    assert sum(distant) / len(distant) > 2 * sum(neighbours) / len(neighbours)


def test_ambiguous_letters_are_as_rare_as_in_genuine_packages(genomes: Genomes) -> None:
    joined = "".join(genomes.values())
    letters = {letter: joined.count(letter) for letter in {*joined}}  # many times as fast as a Counter
    bases = len(joined)
    assert 0.0003 < letters["N"] / bases < 0.0025  # 0.0012 in the genuine packages
    others = {letter: count for letter, count in letters.items() if letter not in "ACGTN"}
    assert set(others) <= set("RYSWKM")
    assert 0 < sum(others.values()) / bases < 0.00016  # 0.00016 there
    runs = [run for text in genomes.values() for run in re.findall("N+", text)]
    assert max(map(len, runs)) > 50
    with_others = sum(bool(re.search("[RYSWKM]", text)) for text in genomes.values()) / len(genomes)
    assert 0.02 < with_others < 0.07  # 0.043 there


def test_coding_regions_can_be_translated(records: Records) -> None:
    """Those that overlap with no other: in the invented reference, the later one replaces the bases of the earlier."""
    translated = 0
    for record in records:
        if not record.genes or record.isolate.virus.name != "mpox":
            continue
        for coding, protein in zip(cds_fasta(record), protein_fasta(record), strict=True):
            bases, residues = (entry.decode().split("\n", 1)[1].replace("\n", "") for entry in (coding, protein))
            assert len(residues) == len(bases) // 3 - 1
            if set(bases) <= set("ACGT"):
                assert (residues[0], bases[-3:], residues.count("X")) == ("M", "TAA", 0)
                translated += 1
    assert translated > 100


def test_the_store_of_an_outbreak_is_small(records: Records, genomes: Genomes) -> None:
    """Compressed like a part of the sequence store, each once and by accession."""
    shares = {}
    for virus in sorted({record.isolate.virus.name for record in records}):
        of_virus = sorted(record.accession_version for record in records if record.isolate.virus.name == virus)
        distinct = {digest(genomes[name]): genomes[name] for name in of_virus}
        sink = pa.BufferOutputStream()
        table = pa.table({"sequence": list(distinct.values())})
        pq.write_table(table, sink, compression="zstd", compression_level=3, use_dictionary=False)
        fasta = sum(len(genomes[name]) * 71 / 70 + 80 for name in of_virus)
        if fasta > 5_000_000:
            shares[virus] = sink.getvalue().size / fasta
    assert {"mpox", "sars_cov_2"} <= shares.keys()
    assert {virus: share for virus, share in shares.items() if share > LARGEST_SHARE} == {}
