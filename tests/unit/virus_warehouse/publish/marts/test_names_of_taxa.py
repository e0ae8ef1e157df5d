"""A taxon with several names is one taxon and is shown under its current name."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.snapshots import marts_of, store_with_marts
from tests.support.warehouses import Store, line, lineage, query

pytestmark = pytest.mark.slow

STEPS = lineage((10239, "Viruses"), (291484, "Paslahepevirus balayani"))
FORMER = {"taxId": 291484, "organismName": "Hepatitis E virus", "lineage": STEPS}
FAMILY = {"taxId": 291484, "organismName": "Hepeviridae", "lineage": STEPS}
UNTAXED = {"organismName": "virus of no taxon"}
HUMAN = {"taxId": 9606, "organismName": "human", "lineage": lineage((9606, "Homo sapiens"))}
MAN = {**HUMAN, "organismName": "man"}

NAMES = {("Paslahepevirus balayani",)}


def piece(accession: str, virus: dict[str, Any], **fields: Any) -> str:
    isolate = {"collectionDate": "2025-03-05", "name": "HE-1"}
    return line(accession, virus=virus, isolate=isolate, segment=accession[-3], **fields)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store: Store = store_with_marts(tmp_path_factory.mktemp("names"))
    store.load(piece("PX1.1", FORMER, host=HUMAN), piece("PX2.1", FAMILY, host=MAN), piece("PX3.1", UNTAXED))
    return marts_of(store)


def test_record_keeps_its_stated_name(snapshot: Path) -> None:
    assert query(snapshot, "SELECT virus_name, host_name FROM virus_genome ORDER BY accession") == [
        ("Hepatitis E virus", "human"),
        ("Hepeviridae", "man"),
        ("virus of no taxon", None),
    ]


def test_counts_have_one_row_for_the_taxon(snapshot: Path) -> None:
    counted = query(snapshot, "SELECT virus_name, host_name, records FROM mart.weekly_count ORDER BY records DESC")
    assert counted == [("Paslahepevirus balayani", "Homo sapiens", 2), ("virus of no taxon", None, 1)]


@pytest.mark.parametrize("mart", ["submission_lag", "segment_completeness", "change_since('2000-01-01')"])
def test_marts_show_the_current_name(snapshot: Path, mart: str) -> None:
    names = set(query(snapshot, f"SELECT DISTINCT virus_name FROM mart.{mart}"))
    assert names == {*NAMES, ("virus of no taxon",)}


def test_isolate_is_one_under_all_its_taxon_names(snapshot: Path) -> None:
    found = "SELECT segments FROM mart.segment_completeness WHERE virus_tax_id = 291484"
    assert query(snapshot, found) == [(["1", "2"],)]


def test_name_can_be_queried(snapshot: Path) -> None:
    named = "SELECT DISTINCT taxon_name(virus_tax_id) FROM virus_genome WHERE virus_tax_id IS NOT NULL"
    assert set(query(snapshot, named)) == NAMES
    assert query(snapshot, "SELECT taxon_name(5), taxon_name(NULL)") == [(None, None)]
