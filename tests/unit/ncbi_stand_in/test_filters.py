"""Every filter works: the result is exactly the matching records of the unfiltered report."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.stand_in import StandIn
from tests.unit.ncbi_stand_in.helpers import Download, download, get, post

Line = dict[str, Any]


def lineage_ids(line: Line, organism: str) -> set[int]:
    return {taxon["taxId"] for taxon in line.get(organism, {}).get("lineage", [])}


def country(line: Line) -> str:
    return line.get("location", {}).get("geographicLocation", "").split(":")[0]


FILTERS: dict[str, tuple[dict[str, str], Callable[[Line], bool]]] = {
    "refseq_only": ({"refseq_only": "true"}, lambda line: line["sourceDatabase"] == "RefSeq"),
    "annotated_only": ({"annotated_only": "true"}, lambda line: line.get("isAnnotated", False)),
    "complete_only": ({"complete_only": "true"}, lambda line: line["completeness"] == "COMPLETE"),
    "released_since": (
        {"released_since": "2026-11-10T00:00:00Z"},
        lambda line: line["releaseDate"] >= "2026-11-10T00:00:00Z",
    ),
    "updated_since": (
        {"updated_since": "2026-11-18T00:00:00Z"},
        lambda line: line["updateDate"] >= "2026-11-18T00:00:00Z",
    ),
    "host by tax ID": ({"host": "9606"}, lambda line: 9606 in lineage_ids(line, "host")),
    "host by scientific name": ({"host": "Aedes aegypti"}, lambda line: 7159 in lineage_ids(line, "host")),
    "host by common name": ({"host": "human"}, lambda line: 9606 in lineage_ids(line, "host")),
    "host at a higher rank": ({"host": "Aves"}, lambda line: 8782 in lineage_ids(line, "host")),
    "pangolin_classification": (
        {"pangolin_classification": "LP.8.1"},
        lambda line: line["virus"].get("pangolinClassification") == "LP.8.1",
    ),
    "geo_location as a country": ({"geo_location": "USA"}, lambda line: country(line) == "USA"),
    "geo_location without a space": (
        {"geo_location": "united kingdom"},
        lambda line: country(line) == "United Kingdom",
    ),
    "geo_location as a continent": (
        {"geo_location": "Asia"},
        lambda line: line.get("location", {}).get("geographicRegion") == "Asia",
    ),
    "usa_state": ({"usa_state": "WI"}, lambda line: line.get("location", {}).get("usaState") == "WI"),
}


@pytest.mark.parametrize("name", FILTERS)
def test_filter_returns_exactly_the_matching_records(stand_in: StandIn, name: str) -> None:
    params, passes = FILTERS[name]
    everything = download(stand_in).lines()
    expected = {line["accession"] for line in everything if passes(line)}
    assert 0 < len(expected) < len(everything)
    assert download(stand_in, **params).accessions == expected


@pytest.mark.parametrize(
    ("taxon", "tax_id"),
    [
        ("10244", 10244),
        ("Monkeypox virus", 10244),
        ("sars-cov-2", 2697049),
        ("Orthopoxvirus", 10242),
        ("2559587", 2559587),
        ("Influenza A virus", 11320),
        ("H5N1 subtype", 102793),
        ("12637", 12637),
        ("11060", 11060),
        ("1335626", 1335626),
    ],
)
def test_taxon_by_id_or_name_at_any_rank(stand_in: StandIn, taxon: str, tax_id: int) -> None:
    everything = download(stand_in).lines()
    expected = {line["accession"] for line in everything if tax_id in lineage_ids(line, "virus")}
    assert 0 < len(expected) < len(everything)
    assert download(stand_in, taxon).accessions == expected


def test_filters_combine(stand_in: StandIn) -> None:
    both = download(stand_in, "2697049", geo_location="USA", host="human").lines()
    assert both
    assert all(country(line) == "USA" and line["host"]["taxId"] == 9606 for line in both)


def test_updated_since_is_inclusive_and_a_time_of_day_excludes_that_day(stand_in: StandIn) -> None:
    day = max(line["updateDate"] for line in download(stand_in).lines())
    assert download(stand_in, updated_since=day).accessions
    one_second_later = day.replace("00:00:00Z", "00:00:01Z")
    assert download(stand_in, updated_since=one_second_later).accessions == set()


@pytest.mark.parametrize("taxon", ["unheard of", "999999999", "9606"])
def test_unknown_taxon_is_refused_with_ncbi_message(stand_in: StandIn, taxon: str) -> None:
    response = get(stand_in, taxon)
    assert response.status_code == 400
    assert f"The taxonomy name '{taxon}' is not recognized" in response.json()["message"]


def test_unknown_host_matches_nothing(stand_in: StandIn) -> None:
    assert download(stand_in, host="unicorn").accessions == set()


def test_empty_result_is_a_small_valid_package(stand_in: StandIn) -> None:
    empty = Download(get(stand_in, params={"updated_since": "2099-01-01", "aux_report": "ANNOTATION"}))
    assert empty.zip.namelist() == [
        "README.md",
        "ncbi_dataset/data/data_report.jsonl",
        "ncbi_dataset/data/dataset_catalog.json",
        "md5sum.txt",
    ]
    assert empty.text("data_report.jsonl") == ""


def test_post_selects_by_accession_with_and_without_version(stand_in: StandIn) -> None:
    first, second = sorted(download(stand_in).accessions)[:2]
    body = {"accessions": [first, second.split(".")[0]], "include_sequence": ["NONE"]}
    assert Download(post(stand_in, body)).accessions == {first, second}
