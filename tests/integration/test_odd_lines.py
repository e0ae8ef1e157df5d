"""Genuine lines, each odd in one way: each is loaded with the expected values."""

import csv
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from tests.support import packages
from tests.support.genuine import GENUINE_2025, Site, needs_genuine_packages, site_in
from tests.support.warehouses import dicts, query

pytestmark = needs_genuine_packages

Given = dict[str, Any]
Row = dict[str, Any]


def reasons() -> dict[str, str]:
    """The oddity of each line, by its accession.version."""
    if not GENUINE_2025.exists():
        return {"no line": "the samples are not beside the checkout"}
    with (GENUINE_2025 / "odd_lines.tsv").open(encoding="utf-8", newline="") as table:
        return dict(csv.reader(table, delimiter="\t"))


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return (GENUINE_2025 / "odd_lines.jsonl").read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> Site:
    """A source of these lines alone, loaded and published with default settings."""
    site = site_in(tmp_path_factory.mktemp("odd"))
    site.run("odd", packages.package(lines))
    site.publish()
    return site


@pytest.fixture(scope="module")
def rows(site: Site) -> dict[str, Row]:
    found = dicts(
        site.data.snapshot,
        "SELECT *, taxon_name(virus_tax_id) AS current_virus, taxon_name(host_tax_id) AS current_host "
        "FROM virus_genome_distinct",
    )
    return {row["accession_version"]: row for row in found}


@pytest.fixture(scope="module")
def given(lines: list[str]) -> dict[str, Given]:
    return {record["accession"]: record for record in map(json.loads, lines)}


def day(text: str) -> date:
    return date.fromisoformat(text[:10])


def collected(given: Given) -> str:
    return str(given["isolate"]["collectionDate"])


def place(given: Given) -> str:
    return str(given["location"]["geographicLocation"])


def no_country(given: Given, row: Row) -> bool:
    return (row["geo_location"], row["country"], row["country_code"], row["division"], row["geo_region"]) == (
        place(given),
        *(None,) * 4,
    )


def in_country(name: str, code: str) -> Callable[[Given, Row], bool]:
    return lambda given, row: (row["geo_location"], row["country"], row["country_code"]) == (place(given), name, code)


def isolate_as_given(given: Given, row: Row) -> bool:
    return bool(row["isolate_name"] == given["isolate"]["name"])


def named_by_its_lineage(organism: str) -> Callable[[Given, Row], bool]:
    return lambda given, row: (
        (row[f"{organism}_name"], row[f"current_{organism}"])
        == (given[organism]["organismName"], given[organism]["lineage"][-1]["name"])
    )


def version(number: int) -> Callable[[Given, Row], bool]:
    return lambda given, row: (row["accession"], row["version"]) == (given["accession"][:-2], number)


def reads(prefix: str) -> Callable[[Given, Row], bool]:
    return lambda given, row: (
        row["sra_accessions"] == given["sraAccessions"] and any(one.startswith(prefix) for one in row["sra_accessions"])
    )


EXPECTATIONS: dict[str, Callable[[Given, Row], bool]] = {
    "WGS-like accession": lambda given, row: f"{row['accession']}.{row['version']}" == given["accession"],
    "affiliation begins with a quote": lambda given, row: (
        row["submitter_affiliation"].startswith('"')
        and row["submitter_affiliation"] == given["submitter"]["affiliation"]
    ),
    "collected after its release": lambda given, row: (
        row["collection_date"] == collected(given) and row["collection_date_min"] > row["release_date"]
    ),
    "collected before 1900 (typing error)": lambda given, row: (
        row["collection_date"] == collected(given)
        and row["collection_date_min"].year == int(collected(given)[:4]) < 1900
    ),
    "host lineage name with brackets": lambda given, row: (
        "[" in row["current_host"] and row["current_host"] == given["host"]["lineage"][-1]["name"]
    ),
    "host lineage step without a name": lambda given, row: (
        row["host_name"] == row["current_host"] == given["host"]["organismName"]
    ),
    "host organismName is not the taxon's current name": named_by_its_lineage("host"),
    "isolate name NA": isolate_as_given,
    "isolate name begins with [": isolate_as_given,
    "isolate name with backslash": isolate_as_given,
    "labHost is a list": lambda given, row: row["lab_host"] == given["labHost"] and row["is_lab_host"],
    "more than 100 submitters": lambda given, row: (
        row["submitter_names"] == given["submitter"]["names"] and len(row["submitter_names"]) > 100
    ),
    "no submitter": lambda _, row: row["submitter_names"] is row["submitter_affiliation"] is None,
    "place with two colons": lambda given, row: (
        [row["country"], row["division"]] == [part.strip() for part in place(given).replace(",", ":").split(":")[:2]]
    ),
    "place without a region: Cote d' Ivoire": in_country("Cote d'Ivoire", "CI"),
    "place without a region: Isle of Man": in_country("Isle of Man", "IM"),
    "place without a region: North Macedonia": in_country("North Macedonia", "MK"),
    "place without a region: Missing": no_country,
    "place without a region: missing": no_country,
    "place without a region: not determined": no_country,
    "place: no space after the colon": lambda given, row: (
        [row["country"], row["division"]] == place(given).split(",")[0].split(":")
    ),
    "region without a place": lambda given, row: (
        row["geo_region"] == given["location"]["geographicRegion"]
        and row["geo_location"] is row["country"] is row["country_code"] is None
    ),
    "several BioProjects": lambda given, row: (
        row["bioprojects"] == given["bioprojects"] and len(row["bioprojects"]) > 1
    ),
    "sraAccessions hold ERZ": reads("ERZ"),
    "sraAccessions hold SRA": reads("SRA"),
    "sraAccessions hold SRS": reads("SRS"),
    "updateDate 1900-01-01": lambda given, row: (
        given["updateDate"] == "1900-01-01T00:00:00Z" and row["update_date"] is None
    ),
    "updateDate before releaseDate": lambda given, row: (
        row["update_date"] == day(given["updateDate"]) < row["release_date"]
    ),
    "vaccine strain": lambda _, row: row["is_vaccine_strain"] is True,
    "version 4": version(4),
    "version 5": version(5),
    "virus lineage name with brackets": lambda given, row: (
        "[" in row["current_virus"] and row["current_virus"] == given["virus"]["lineage"][-1]["name"]
    ),
    "virus organismName is not the taxon's current name": named_by_its_lineage("virus"),
}


@pytest.mark.parametrize("accession", reasons())
def test_row_of_an_odd_line_is_as_expected(accession: str, rows: dict[str, Row], given: dict[str, Given]) -> None:
    row, record = rows[accession], given[accession]
    assert EXPECTATIONS[reasons()[accession]](record, row)
    # The fields that every line has are loaded as usual.
    assert (row["length"], row["release_date"], row["completeness"], row["virus_tax_id"], row["virus_name"]) == (
        record["length"],
        day(record["releaseDate"]),
        record["completeness"],
        record["virus"]["taxId"],
        record["virus"]["organismName"],
    )


def test_no_line_is_refused_and_only_dates_are_reported(site: Site, rows: dict[str, Row]) -> None:
    assert len(rows) == len(reasons())
    for table in ("quarantine", "schema_drift"):
        assert query(site.data.snapshot, f"FROM ops.{table}") == []
    found = query(site.data.snapshot, "SELECT DISTINCT name FROM _about WHERE topic = 'finding' ORDER BY ALL")
    assert found == [("freshness",), ("odd_dates",)]


def test_every_oddity_has_an_expectation() -> None:
    assert set(reasons().values()) == set(EXPECTATIONS)
