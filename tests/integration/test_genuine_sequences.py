"""Every genuine package with FASTA: each sequence comes back letter for letter, and little is stored."""

import io
import zipfile
from pathlib import Path

import duckdb
import pytest

from tests.support.genuine import PACKAGES_2025, Site, needs_genuine_packages, site_in
from tests.support.warehouses import query
from virus_warehouse.sequences.fasta_writer import write_fasta

pytestmark = needs_genuine_packages

FASTA = "ncbi_dataset/data/genomic.fna"

LATER = "_2025-01-05"
"""Ending of the names of packages of a taxon that is there twice, 27 days apart."""

LARGEST_SHARE = 0.10
"""Of the bytes of a package's FASTA file that its part of the store may have."""

FEW_SEQUENCES = 400_000
"""Bytes of FASTA below which a package is too small for that: four bases in a byte are a quarter."""


def fasta_of(package: Path) -> dict[str, str]:
    """The letters of each genome, by the header: read in the plainest way."""
    with zipfile.ZipFile(package) as archive:
        text = archive.read(FASTA).decode()
    entries = (entry.partition("\n") for entry in text[1:].split("\n>"))
    return {header: letters.replace("\n", "") for header, _, letters in entries}


def source_of(package: Path) -> str:
    return package.stem.removesuffix(LATER).removesuffix("_2024-12-09")


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Site, dict[str, dict[str, int]], dict[str, int]]:
    """All packages loaded and published: outcomes and bytes stored, of each."""
    site = site_in(tmp_path_factory.mktemp("genuine"))
    outcomes, stored = {}, {}
    for package in sorted(PACKAGES_2025.glob("*.zip")):
        before = sum(part.stat().st_size for part in site.data.sequences.iterdir())
        result = site.run(source_of(package), package.read_bytes(), "full", sequences=("GENOME",))
        outcomes[package.stem] = result.sequences["genome"]
        stored[package.stem] = sum(part.stat().st_size for part in site.data.sequences.iterdir()) - before
    site.publish()
    return site, outcomes, stored


Loaded = tuple[Site, dict[str, dict[str, int]], dict[str, int]]


def test_every_sequence_comes_back_letter_for_letter(loaded: Loaded) -> None:
    site, _, _ = loaded
    newest = {source_of(package): package for package in sorted(PACKAGES_2025.glob("*.zip"))}
    with duckdb.connect(site.data.snapshot, read_only=True) as snapshot:
        for source, package in newest.items():
            written = io.BytesIO()
            query = f"SELECT accession_version FROM virus_genome WHERE source = '{source}' ORDER BY ALL"
            result = write_fasta(snapshot, query, written)
            given = fasta_of(package)
            assert (result.written, result.missing) == (len(given), []), package.name
            entries = (entry.partition("\n") for entry in written.getvalue().decode()[1:].split("\n>"))
            assert {header: letters.replace("\n", "") for header, _, letters in entries} == given, package.name


def test_each_package_has_exactly_one_sequence_a_record(loaded: Loaded) -> None:
    site, outcomes, _ = loaded
    assert query(site.data.warehouse, "FROM ops.sequence_mismatch") == []
    assert all(counts["records"] == counts["stored"] + counts["unchanged"] for counts in outcomes.values())


@pytest.mark.parametrize(("package", "stored"), [("ahsv", 0), ("grapevine_fanleaf", 0), ("tobacco_streak", 1)])
def test_pair_27_days_apart_stores_only_what_changed(loaded: Loaded, package: str, stored: int) -> None:
    _, outcomes, size = loaded
    later = outcomes[package + LATER]
    assert later["stored"] == stored
    assert later["unchanged"] == later["records"] - stored
    assert size[package + LATER] < 5000 * stored + 1


def test_store_is_small(loaded: Loaded) -> None:
    _, _, stored = loaded
    shares = {
        package.stem: stored[package.stem] / size
        for package in PACKAGES_2025.glob("*.zip")
        if (size := zipfile.ZipFile(package).getinfo(FASTA).file_size) > FEW_SEQUENCES
    }
    assert {name: share for name, share in shares.items() if share > LARGEST_SHARE} == {}


def test_repeated_sequences_are_stored_once(loaded: Loaded) -> None:
    site, _, _ = loaded
    ((records, letters),) = query(
        site.data.warehouse,
        "SELECT (SELECT count(*) FROM ops.sequence), (SELECT count(*) FROM ops.sequence_letters)",
    )
    assert letters < 0.85 * records
