"""Identical genome sequences, and the completeness of sequences by source."""

import hashlib
from datetime import date
from pathlib import Path

import pytest

from tests.support import packages
from tests.support.genuine import Site, site_in
from tests.support.warehouses import dicts, line

pytestmark = pytest.mark.slow
GENOME = ("GENOME",)
SHARED = "ACGTNNRACG"
OTHER = "ACGTACGTAC"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_in(tmp_path / "data")


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


def test_records_with_the_same_letters_are_listed_once_each(site: Site) -> None:
    lines = [
        genome("PX1.1", "Ghana: Accra", "2025-03"),
        genome("PX2.1", "Togo", "2025-01-05"),
        genome("PX3.1"),
        genome("PX4.1", "Benin", "2025-02-01"),
    ]
    load(site, "mpox", lines, {"PX1.1": SHARED, "PX2.1": SHARED, "PX3.1": SHARED, "PX4.1": OTHER})
    load(site, "mpox_too", lines[:1], {"PX1.1": SHARED})
    site.publish()
    (row,) = dicts(site.data.snapshot, "FROM mart.identical_sequence")
    assert row == {
        "sequence_sha256": hashlib.sha256(SHARED.encode()).hexdigest(),
        "length": 10,
        "ambiguous_share": 0.3,
        "records": 3,
        "accessions": ["PX1", "PX2", "PX3"],
        "sources": ["mpox", "mpox_too"],
        "virus_names": row["virus_names"],
        "countries": ["Ghana", "Togo"],
        "collection_date_min": date(2025, 1, 5),
        "collection_date_max": date(2025, 3, 31),
    }
    assert len(row["virus_names"]) == 1


def test_record_of_two_sources_is_not_identical_to_itself(site: Site) -> None:
    for source in ("mpox", "mpox_too"):
        load(site, source, [genome("PX1.1")], {"PX1.1": SHARED})
    site.publish()
    assert dicts(site.data.snapshot, "FROM mart.identical_sequence") == []


def test_past_versions_do_not_count(site: Site) -> None:
    load(site, "mpox", [genome("PX1.1"), genome("PX2.1")], {"PX1.1": SHARED, "PX2.1": SHARED})
    load(site, "mpox", [genome("PX1.2", updated="2025-05-02")], {"PX1.2": OTHER})
    site.publish()
    assert dicts(site.data.snapshot, "FROM mart.identical_sequence") == []
    (row,) = dicts(site.data.snapshot, "FROM mart.sequence_completeness")
    assert (row["records_with_sequence"], row["sequences"], row["share_identical"]) == (2, 2, 0.0)


def test_each_source_has_a_row_for_each_molecule(site: Site) -> None:
    lines = [genome(f"PX{number}.1") for number in (1, 2, 3, 4)]
    load(site, "mpox", lines, {"PX1.1": SHARED, "PX2.1": SHARED, "PX3.1": OTHER, "PX9.1": OTHER})
    load(site, "empty_handed", lines[:1], {})
    site.run("silent", packages.package(lines[:1]))
    site.publish()
    rows = dicts(site.data.snapshot, "FROM mart.sequence_completeness ORDER BY source DESC")
    assert all(row.pop("last_requested_at") for row in rows)
    mean = rows[0].pop("mean_ambiguous_share")
    assert mean == pytest.approx(0.2)
    assert rows[0].pop("share_identical") == pytest.approx(2 / 3)
    assert rows == [
        {
            "source": "mpox",
            "molecule": "genome",
            "records": 4,
            "records_with_sequence": 3,
            "records_without_sequence": 1,
            "mismatches_open": 2,
            "sequences": 3,
            "distinct_sequences": 2,
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
