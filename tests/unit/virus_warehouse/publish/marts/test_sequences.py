"""Identical genome sequences, and the completeness of sequences by source."""

import hashlib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.support import packages
from tests.support.genuine import Site, site_in
from tests.support.warehouses import dicts, line

pytestmark = pytest.mark.slow
GENOME = ("GENOME",)
SHARED = "ACGTNNRACG"
COUNTED = "ACGTNNRACA"


def load(site: Site, source: str, lines: list[str], genomes: dict[str, str], mode: str | None = None) -> None:
    fasta = "".join(f">{name} Some virus\n{letters}\n" for name, letters in genomes.items())
    content = packages.package(lines, others={"ncbi_dataset/data/genomic.fna": fasta.encode()})
    site.run(source, content, mode, sequences=GENOME)


def genome(name: str, country: str | None = None, collected: str | None = None, updated: str = "2025-05-01") -> str:
    return line(
        name,
        updated,
        length=10,
        location={"geographicLocation": country} if country else {},
        isolate={"name": "A1", "collectionDate": collected} if collected else {},
    )


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One publication of the sources of all tests; each has accessions and letters of its own."""
    site = site_in(tmp_path_factory.mktemp("sequences") / "data")
    same = [
        genome("PX1.1", "Ghana: Accra", "2025-03"),
        genome("PX2.1", "Togo", "2025-01-05"),
        genome("PX3.1"),
        genome("PX4.1", "Benin", "2025-02-01"),
    ]
    load(site, "same", same, {"PX1.1": SHARED, "PX2.1": SHARED, "PX3.1": SHARED, "PX4.1": "ACGTACGTAC"})
    load(site, "same_too", [same[0], genome("PY1.1")], {"PX1.1": SHARED, "PY1.1": "CCCCCCCCCC"})
    load(site, "revised", [genome("PZ1.1"), genome("PZ2.1")], {"PZ1.1": "GGGGGGGGGG", "PZ2.1": "GGGGGGGGGG"})
    load(site, "revised", [genome("PZ1.2", updated="2025-05-02")], {"PZ1.2": "GGGGGGGGGT"})
    counted = [*(genome(f"PW{number}.1") for number in (1, 2, 3, 4)), genome("PY1.1")]
    letters = {"PW1.1": COUNTED, "PW2.1": COUNTED, "PW3.1": "TTTTTTTTTT", "PW9.1": "TTTTTTTTTT", "PY1.1": "CCCCCCCCCC"}
    load(site, "counted", counted, letters)
    load(site, "empty_handed", counted[:1], {})
    site.run("silent", packages.package(counted[:1]))
    site.publish()
    return site.data.snapshot


def identical(snapshot: Path, accession: str) -> list[dict[str, Any]]:
    """The rows that list a record."""
    return dicts(snapshot, f"FROM mart.identical_sequence WHERE list_contains(accessions, '{accession}')")


def test_records_with_the_same_letters_are_listed_once_each(snapshot: Path) -> None:
    (row,) = identical(snapshot, "PX1")
    assert row == {
        "sequence_sha256": hashlib.sha256(SHARED.encode()).hexdigest(),
        "length": 10,
        "ambiguous_share": 0.3,
        "records": 3,
        "accessions": ["PX1", "PX2", "PX3"],
        "sources": ["same", "same_too"],
        "virus_names": row["virus_names"],
        "countries": ["Ghana", "Togo"],
        "collection_date_min": date(2025, 1, 5),
        "collection_date_max": date(2025, 3, 31),
    }
    assert len(row["virus_names"]) == 1


def test_others_are_not_listed(snapshot: Path) -> None:
    rows = dicts(snapshot, "SELECT accessions FROM mart.identical_sequence ORDER BY ALL")
    assert [row["accessions"] for row in rows] == [["PW1", "PW2"], ["PX1", "PX2", "PX3"]]


def test_record_of_two_sources_is_not_identical_to_itself(snapshot: Path) -> None:
    assert dicts(snapshot, "SELECT source FROM virus_sequence WHERE accession = 'PY1' ORDER BY ALL") == [
        {"source": "counted"},
        {"source": "same_too"},
    ]
    assert identical(snapshot, "PY1") == []


def test_past_versions_do_not_count(snapshot: Path) -> None:
    assert identical(snapshot, "PZ1") == identical(snapshot, "PZ2") == []
    (row,) = dicts(snapshot, "FROM mart.sequence_completeness WHERE source = 'revised'")
    assert (row["records_with_sequence"], row["sequences"], row["share_identical"]) == (2, 2, 0.0)


def test_each_source_has_a_row_for_each_molecule(snapshot: Path) -> None:
    rows = dicts(
        snapshot,
        "FROM mart.sequence_completeness WHERE source IN ('counted', 'empty_handed', 'silent') ORDER BY source",
    )
    assert all(row.pop("last_requested_at") for row in rows)
    assert rows[0].pop("mean_ambiguous_share") == pytest.approx(0.15)
    assert rows[0].pop("share_identical") == pytest.approx(2 / 4)
    assert rows == [
        {
            "source": "counted",
            "molecule": "genome",
            "records": 5,
            "records_with_sequence": 4,
            "records_without_sequence": 1,
            "mismatches_open": 2,
            "sequences": 4,
            "distinct_sequences": 3,
        },
        {
            "source": "empty_handed",
            "molecule": "genome",
            "records": 1,
            "records_with_sequence": 0,
            "records_without_sequence": 1,
            "mismatches_open": 1,
            "sequences": 0,
            "distinct_sequences": 0,
            "share_identical": None,
            "mean_ambiguous_share": None,
        },
    ]
