"""The calls that NCBI's command line client makes around a download, with the bodies it sends (contract notes, 7)."""

from typing import Any

import pytest
import requests

from tests.support.stand_in import StandIn
from tests.unit.ncbi_stand_in.helpers import Download, download, post

NO_FILTER = {
    "annotated_only": False,
    "complete_only": False,
    "geo_location": "",
    "host": "",
    "pangolin_classification": "",
    "refseq_only": False,
    "released_since": "0001-01-01T00:00:00Z",
    "updated_since": "0001-01-01T00:00:00Z",
    "usa_state": "",
}
"""The values that the client sends for unset filters."""


def ask(stand_in: StandIn, path: str, body: Any) -> requests.Response:
    return requests.post(stand_in.url + path, json=body, timeout=60)


def answer(stand_in: StandIn, path: str, body: Any) -> dict[str, Any]:
    response = ask(stand_in, path, body)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "application/json"
    return dict(response.json())


def pages(stand_in: StandIn, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Every page, requested as the client does: with the token of the previous page, until there is none."""
    answers = [answer(stand_in, path, body)]
    while token := answers[-1].get("next_page_token"):
        answers.append(answer(stand_in, path, {**body, "page_token": token}))
    return answers


def reports(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [report for page in answers for report in page["reports"]]


def test_taxon_suggest(stand_in: StandIn) -> None:
    query = {
        "exact_match": True,
        "tax_rank_filter": "higher_taxon",
        "taxon_query": "10244",
        "taxon_resource_filter": "TAXON_RESOURCE_FILTER_ALL",
    }
    # NCBI gives 10244 no rank since its species is called Orthopoxvirus monkeypox; the default is left out.
    mpox = {"sci_name": "Monkeypox virus", "tax_id": "10244", "matched_term": "10244"}
    assert answer(stand_in, "/taxonomy/taxon_suggest", query) == {"sci_name_and_ids": [mpox]}
    assert answer(stand_in, "/taxonomy/taxon_suggest", {**query, "taxon_query": "no such virus"}) == {}
    named = answer(stand_in, "/taxonomy/taxon_suggest", {**query, "taxon_query": "mpox virus"})
    assert named == {"sci_name_and_ids": [{**mpox, "matched_term": "mpox virus"}]}
    beginning = {**query, "taxon_query": "Orthopox", "exact_match": False}
    assert {
        one["tax_id"]: one["rank"] for one in answer(stand_in, "/taxonomy/taxon_suggest", beginning)["sci_name_and_ids"]
    } == {
        "10242": "GENUS",
        "3431483": "SPECIES",
    }
    assert ask(stand_in, "/taxonomy/taxon_suggest", {}).status_code == 400


def test_taxonomy_dataset_report(stand_in: StandIn) -> None:
    body = {"returned_content": "METADATA", "taxons": ["2697049", "Flaviviridae", "no such virus"]}
    page = answer(stand_in, "/taxonomy/dataset_report", body)
    sars2, family, unknown = page["reports"]
    assert sars2["query"] == ["2697049"]
    assert sars2["taxonomy"]["tax_id"] == 2697049
    assert sars2["taxonomy"]["parents"][:3] == [1, 10239, 2559587]
    assert sars2["taxonomy"]["current_scientific_name"]["name"].startswith("Severe acute respiratory")
    assert (family["taxonomy"]["rank"], family["taxonomy"]["children"]) == ("FAMILY", [11051])
    assert unknown["query"] == ["no such virus"]
    assert "taxonomy" not in unknown
    assert unknown["errors"][0]["message"] == "The taxonomy name 'no such virus' is not recognized."
    assert page["total_count"] == 3
    assert ask(stand_in, "/taxonomy/dataset_report", {}).status_code == 400


@pytest.mark.parametrize("page_size", [1, 7, 1000])
def test_pages_of_data_reports_hold_the_records_of_the_package(stand_in: StandIn, page_size: int) -> None:
    body = {
        "filter": {**NO_FILTER, "taxons": ["10244"]},
        "page_size": page_size,
        "returned_content": "COMPLETE",
    }
    answers = pages(stand_in, "/virus", body)
    lines = download(stand_in, "10244").lines()
    assert [report["accession"] for report in reports(answers)] == [line["accession"] for line in lines]
    assert len(answers) == -(-len(lines) // page_size)
    assert {page["total_count"] for page in answers} == {len(lines)}
    assert all(len(page["reports"]) == page_size for page in answers[:-1])


def test_reports_have_snake_case_names_and_the_packages_values(stand_in: StandIn) -> None:
    body = {"filter": {"taxons": ["2697049"], "refseq_only": True}}
    (report,) = answer(stand_in, "/virus", body)["reports"]
    (line,) = download(stand_in, "2697049", refseq_only="true").lines()
    assert report["release_date"] == line["releaseDate"]
    assert report["virus"]["organism_name"] == line["virus"]["organismName"]
    assert report["virus"]["lineage"][0] == {"name": "Viruses", "tax_id": 10239}
    assert not any(letter.isupper() for name in report for letter in name)


@pytest.mark.slow
def test_page_has_20_reports_by_default_and_1000_at_most(stand_in: StandIn) -> None:
    everything = {"filter": {"taxons": ["10239"]}}
    total = len(download(stand_in).lines())
    assert 20 < total < 1000
    assert len(answer(stand_in, "/virus", everything)["reports"]) == 20
    assert len(answer(stand_in, "/virus", {**everything, "page_size": 10**6})["reports"]) == total
    with StandIn(records=1500) as larger:
        assert len(answer(larger, "/virus", {**everything, "page_size": 10**6})["reports"]) == 1000


def test_accessions_only(stand_in: StandIn) -> None:
    body = {"filter": {"taxons": ["10244"]}, "page_size": 1000, "returned_content": "ACCESSIONS_ONLY"}
    found = answer(stand_in, "/virus", body)["reports"]
    assert {tuple(report) for report in found} == {("accession",)}
    assert {report["accession"] for report in found} == download(stand_in, "10244").accessions


def test_pages_of_annotation_reports(stand_in: StandIn) -> None:
    body = {"filter": {**NO_FILTER, "taxons": ["12637"]}, "page_size": 3}
    answers = pages(stand_in, "/virus/annotation_report", body)
    lines = download(stand_in, "12637", aux_report="ANNOTATION").lines("annotation_report.jsonl")
    assert [report["accession"] for report in reports(answers)] == [line["accession"] for line in lines] != []
    assert {page["total_count"] for page in answers} == {len(lines)}
    first = answers[0]["reports"][0]["genes"][0]["cds"][0]
    assert first["nucleotide"]["range"][0]["begin"] == lines[0]["genes"][0]["cds"][0]["nucleotide"]["range"][0]["begin"]
    assert "protein_completeness" in first


def test_filters_are_those_of_the_download(stand_in: StandIn) -> None:
    filters = {"taxons": ["10239"], "host": "human", "complete_only": True, "updated_since": "2026-11-01T00:00:00Z"}
    found = reports(pages(stand_in, "/virus", {"filter": filters, "page_size": 1000}))
    by_get = download(stand_in, host="human", complete_only="true", updated_since="2026-11-01T00:00:00Z")
    assert {report["accession"] for report in found} == by_get.accessions != set()


def test_empty_result_is_an_empty_message(stand_in: StandIn) -> None:
    body = {"filter": {"taxons": ["1335626"], "pangolin_classification": "LP.8.1"}}
    assert answer(stand_in, "/virus", body) == {}
    assert answer(stand_in, "/virus/annotation_report", body) == {}


def test_unknown_fields_and_enum_texts_are_dropped_and_camel_case_works(stand_in: StandIn) -> None:
    plain = answer(stand_in, "/virus", {"filter": {"taxons": ["10244"]}, "page_size": 2})
    body = {"filter": {"taxons": ["10244"], "colour": "red"}, "pageSize": 2, "returned_content": "ALL", "sort": []}
    assert answer(stand_in, "/virus", body) == plain


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"filter": {"taxons": ["no such virus"]}}, "The taxonomy name 'no such virus' is not recognized."),
        ({"filter": {"taxons": ["10244"]}, "page_token": "next, please"}, "invalid page_token"),
        ({"filter": {"taxons": ["10244"]}, "page_size": "many"}, "field page_size"),
        ({"filter": {"taxons": ["10244"], "released_since": "soon"}}, "parsing time"),
        ({"filter": ["10244"]}, "field filter"),
        ({}, "taxons or accessions must be given"),
        ([], "a message is an object"),
    ],
)
@pytest.mark.parametrize("path", ["/virus", "/virus/annotation_report"])
def test_malformed_request_is_refused_in_ncbi_format(stand_in: StandIn, path: str, body: Any, message: str) -> None:
    response = ask(stand_in, path, body)
    assert response.status_code == 400
    assert response.json()["error"] == "Bad Request"
    assert response.json()["code"] == 400
    assert message in response.json()["message"]


def test_non_json_body_is_refused(stand_in: StandIn) -> None:
    for body in (b"", b"{", b"[" * 100_000):
        response = requests.post(f"{stand_in.url}/virus", data=body, timeout=60)
        assert (response.status_code, response.json()["code"]) == (400, 400)


def test_download_with_the_clients_own_bodies(stand_in: StandIn) -> None:
    unset = {**NO_FILTER, "format": "tsv", "taxons": ["2697049"]}
    bare = Download(post(stand_in, {**unset, "include_sequence": ["NONE"], "updated_since": "2026-01-01T00:00:00Z"}))
    by_get = download(stand_in, "2697049", updated_since="2026-01-01T00:00:00Z")
    assert bare.accessions == by_get.accessions != set()
    assert len(bare.zip.namelist()) == 4
    rich = {**unset, "aux_report": ["ANNOTATION", "BIOSAMPLE_REPORT"], "include_sequence": ["GENOME"]}
    members = Download(post(stand_in, rich)).zip.namelist()
    for name in ("annotation_report.jsonl", "biosample_report.jsonl", "genomic.fna"):
        assert f"ncbi_dataset/data/{name}" in members
