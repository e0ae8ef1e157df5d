"""A data set with a requested number of taxa: strains below the viruses' taxa, few of them common and most rare."""

import json
from collections import Counter
from datetime import date

import pytest

from ncbi_stand_in.query import GenomeRequest
from ncbi_stand_in.records import World
from ncbi_stand_in.reports import data_report_line
from ncbi_stand_in.selection import Selection
from ncbi_stand_in.taxa import TAXONOMY

TODAY = date(2026, 11, 20)
TAXA = 1200
WORLD = World(1, 20_000, TODAY, TAXA)


@pytest.fixture(scope="module")
def found() -> Counter[int]:
    return Counter(record.isolate.taxon.tax_id for record in WORLD.records(TODAY))


def test_most_requested_taxa_have_records_and_no_others_do(found: Counter[int]) -> None:
    assert 0.6 * TAXA < len(found) <= TAXA


def test_a_tenth_of_the_taxa_has_most_of_the_records(found: Counter[int]) -> None:
    common = sum(count for _, count in found.most_common(len(found) // 10))
    assert 0.5 < common / sum(found.values()) < 0.8


def test_a_strain_has_the_lineage_of_its_species_and_itself() -> None:
    strain = next(record for record in WORLD.records(TODAY) if "strain" in record.isolate.virus_name)
    line = json.loads(data_report_line(strain))
    lineage = [step["name"] for step in line["virus"]["lineage"]]
    assert line["virus"]["organismName"] == lineage[-1]
    assert lineage[-1].startswith(f"{lineage[-2]} strain ")
    assert line["virus"]["taxId"] == line["virus"]["lineage"][-1]["taxId"] < 2**31


def test_a_strain_is_found_by_its_tax_id_and_with_its_species() -> None:
    strain = next(record for record in WORLD.records(TODAY) if "strain" in record.isolate.virus_name).isolate.taxon
    assert TAXONOMY.find(str(strain.tax_id)) is strain
    species = str(strain.ancestors[-1].tax_id)
    for taxon in (str(strain.tax_id), species):
        selected = Selection.from_request(GenomeRequest(taxons=(taxon,))).records(WORLD, TODAY)
        assert strain in {record.isolate.taxon for record in selected}
    assert TAXONOMY.find("10000000") is TAXONOMY.find("19999999") is None


def test_strains_change_nothing_else() -> None:
    small, varied = World(1, 400, TODAY), World(1, 400, TODAY, TAXA)
    for one, other in zip(small.records(TODAY), varied.records(TODAY), strict=True):
        assert (one.accession_version, one.isolate.place, one.updated) == (
            other.accession_version,
            other.isolate.place,
            other.updated,
        )
    assert {record.isolate.taxon.tax_id for record in small.records(TODAY)} & {10244, 2697049}
