"""Genuine packages with FASTA: each sequence comes back letter for letter, and little is stored."""

import io
import zipfile

import duckdb
import pytest

from tests.support.genuine import (
    FASTA,
    PACKAGES_2025,
    Site,
    fasta_of,
    needs_genuine_packages,
    site_in,
    some_records,
)
from tests.support.warehouses import query
from virus_warehouse.sequences.fasta_writer import write_fasta

pytestmark = needs_genuine_packages

LATER = "_2025-01-05"
"""Ending of the names of packages of a taxon that is there twice, 27 days apart."""

EARLIER = "_2024-12-09"

SMALL = (
    "abisko_single_line",
    "blackfly_genomovirus_2",
    "phage_phi6",
    "phage_phix174",
    "thogoto",
    "tobacco_streak" + EARLIER,
    "tobacco_streak" + LATER,
)
"""Packages that `make test` has as they are."""

LARGE = (
    "ahsv" + LATER,
    "cchf_orthonairovirus_haemorrhagiae",
    "fiv",
    "gb_virus_c",
    "hepatitis_e",
    "peach_latent_mosaic_viroid",
    "puumala",
    "rift_valley_fever",
    "tolcndv",
)
"""Packages of which `make test` has one record in so many, all in one package."""

MIXED = "some_of_the_large_ones"

STORED_OF_LATER = {"ahsv": 0, "grapevine_fanleaf": 0, "tobacco_streak": 1}
"""New sequences of the later package of each pair."""

LARGEST_SHARE = 0.10
"""Of the bytes of a package's FASTA file that its part of the store may have."""

FEW_SEQUENCES = 400_000
"""Bytes of FASTA below which a package is too small for that: four bases in a byte are a quarter."""


def source_of(package: str) -> str:
    return package.removesuffix(LATER).removesuffix(EARLIER)


@pytest.fixture(scope="module", params=["some", pytest.param("all", marks=pytest.mark.long)])
def given(request: pytest.FixtureRequest) -> dict[str, bytes]:
    """The packages by their names, the earlier of a pair first."""
    if request.param == "all":
        return {path.stem: path.read_bytes() for path in sorted(PACKAGES_2025.glob("*.zip"))}
    small = {name: (PACKAGES_2025 / f"{name}.zip").read_bytes() for name in SMALL}
    return {**small, MIXED: some_records(LARGE, one_in=20)}


@pytest.fixture(scope="module")
def loaded(
    given: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Site, dict[str, dict[str, int]], dict[str, int]]:
    """The packages loaded and published: outcomes and bytes stored, of each."""
    site = site_in(tmp_path_factory.mktemp("genuine"))
    outcomes, stored = {}, {}
    for name, content in given.items():
        before = sum(part.stat().st_size for part in site.data.sequences.iterdir())
        result = site.run(source_of(name), content, "full", sequences=("GENOME",))
        outcomes[name] = result.sequences["genome"]
        stored[name] = sum(part.stat().st_size for part in site.data.sequences.iterdir()) - before
    site.publish()
    return site, outcomes, stored


Loaded = tuple[Site, dict[str, dict[str, int]], dict[str, int]]


def test_every_sequence_comes_back_letter_for_letter(given: dict[str, bytes], loaded: Loaded) -> None:
    site, _, _ = loaded
    newest = {source_of(name): name for name in given}
    with duckdb.connect(site.data.snapshot, read_only=True) as snapshot:
        for source, package in newest.items():
            written = io.BytesIO()
            query = f"SELECT accession_version FROM virus_genome WHERE source = '{source}' ORDER BY ALL"
            result = write_fasta(snapshot, query, written)
            genomes = fasta_of(given[package])
            assert (result.written, result.missing) == (len(genomes), []), package
            entries = (entry.partition("\n") for entry in written.getvalue().decode()[1:].split("\n>"))
            assert {header: letters.replace("\n", "") for header, _, letters in entries} == genomes, package


def test_each_package_has_exactly_one_sequence_a_record(loaded: Loaded) -> None:
    site, outcomes, _ = loaded
    assert query(site.data.warehouse, "FROM ops.sequence_mismatch") == []
    assert all(counts["records"] == counts["stored"] + counts["unchanged"] for counts in outcomes.values())


def test_pair_27_days_apart_stores_only_what_changed(loaded: Loaded) -> None:
    _, outcomes, size = loaded
    pairs = [taxon for taxon in STORED_OF_LATER if taxon + EARLIER in outcomes]
    assert "tobacco_streak" in pairs
    for taxon in pairs:
        later, stored = outcomes[taxon + LATER], STORED_OF_LATER[taxon]
        assert later["stored"] == stored, taxon
        assert later["unchanged"] == later["records"] - stored, taxon
        assert size[taxon + LATER] < 5000 * stored + 1, taxon


def test_store_is_small(given: dict[str, bytes], loaded: Loaded) -> None:
    _, _, stored = loaded
    shares = {
        name: stored[name] / size
        for name, content in given.items()
        # The records of a mixture are less similar than those of one virus.
        if name != MIXED and (size := zipfile.ZipFile(io.BytesIO(content)).getinfo(FASTA).file_size) > FEW_SEQUENCES
    }
    assert len(shares) > 3
    assert {name: share for name, share in shares.items() if share > LARGEST_SHARE} == {}


def test_repeated_sequences_are_stored_once(given: dict[str, bytes], loaded: Loaded) -> None:
    site, _, _ = loaded
    ((records, stored),) = query(
        site.data.warehouse,
        "SELECT (SELECT count(*) FROM ops.sequence), (SELECT count(*) FROM ops.sequence_letters)",
    )
    assert stored == len({letters for content in given.values() for letters in fasta_of(content).values()})
    assert stored < 0.95 * records
