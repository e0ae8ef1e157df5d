"""Rare oddities in records: their frequency and their form are those of NCBI's own records."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from random import Random
from typing import Any

import pytest

from ncbi_stand_in.oddities import SHARES, UNSTATED_PLACES, Oddity, draw_oddity, with_oddity
from ncbi_stand_in.query import GenomeRequest
from ncbi_stand_in.records import Record, World
from ncbi_stand_in.reports import data_report_line
from ncbi_stand_in.selection import Selection
from ncbi_stand_in.taxa import TAXONOMY

TODAY = date(2026, 11, 20)
WORLD = World(seed=1, record_count=4000, epoch=TODAY)


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(WORLD.records(TODAY))


def plain(records: list[Record]) -> list[Record]:
    """Records in which every field is set and nothing is odd."""
    return [
        record
        for record in records
        if record.isolate.host
        and record.isolate.place
        and record.isolate.name
        and record.isolate.virus_name == record.isolate.taxon.name
    ]


def report_line(record: Record, oddity: Oddity | None = None) -> dict[str, Any]:
    isolate = with_oddity(record.isolate, oddity, Random(1)) if oddity else record.isolate
    line: dict[str, Any] = json.loads(data_report_line(replace(record, isolate=isolate)))
    return line


def test_oddities_are_as_rare_as_at_ncbi() -> None:
    random, draws = Random(1), 400_000
    found = Counter(draw_oddity(random) for _ in range(draws))
    for oddity, share in SHARES.items():
        assert found[oddity] / draws == pytest.approx(share, rel=0.5), oddity


def test_some_records_have_a_former_taxon_name(records: list[Record]) -> None:
    odd = [record for record in records if record.isolate.virus_name != record.isolate.taxon.name]
    assert len(odd) / len(records) == pytest.approx(SHARES[Oddity.FORMER_VIRUS_NAME], rel=0.4)
    for record in odd:
        virus = json.loads(data_report_line(record))["virus"]
        assert virus["organismName"] == record.isolate.taxon.former_name
        assert virus["lineage"][-1] == {"name": record.isolate.taxon.name, "taxId": virus["taxId"]}


def test_oddity_changes_only_its_own_field(records: list[Record]) -> None:
    for record in plain(records)[:300]:
        normal = report_line(record)
        host = report_line(record, Oddity.FORMER_HOST_NAME)["host"]
        assert host["organismName"] == (record.isolate.host.former_name or record.isolate.host.name)
        assert host["lineage"] == normal["host"]["lineage"]

        without_host_name = report_line(record, Oddity.NAMELESS_HOST)
        assert without_host_name["host"]["lineage"] == [{"taxId": without_host_name["host"]["taxId"]}]
        assert without_host_name["host"]["organismName"] == TAXONOMY[without_host_name["host"]["taxId"]].name
        assert {**without_host_name, "host": 0} == {**normal, "host": 0}

        assert report_line(record, Oddity.NO_UPDATE_DATE) == {**normal, "updateDate": "1900-01-01T00:00:00Z"}

        without_country = report_line(record, Oddity.NO_COUNTRY)
        assert list(without_country["location"]) == ["geographicLocation"]
        assert without_country["location"]["geographicLocation"] in UNSTATED_PLACES

        name = report_line(record, Oddity.BRACKETED_ISOLATE)["isolate"]["name"]
        assert name.startswith(f"[{record.isolate.place.country}:")
        assert name.endswith(f"] {normal['isolate']['name']}")


def test_records_without_an_update_date_come_with_full_loads_only(records: list[Record]) -> None:
    record = plain(records)[0]
    undated = replace(record, isolate=with_oddity(record.isolate, Oddity.NO_UPDATE_DATE, Random(1)))
    for since, comes in ((None, True), (date(2000, 1, 1), False)):
        selection = Selection.from_request(GenomeRequest(taxons=("10239",), updated_since=since))
        assert selection.matches(undated) == comes
