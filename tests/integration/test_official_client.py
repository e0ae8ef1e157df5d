"""Independent check: NCBI's own Python client sends requests to the stand-in and reads every report and line."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from ncbi.datasets.openapi import ApiClient, Configuration
from ncbi.datasets.openapi.api.taxonomy_api import TaxonomyApi
from ncbi.datasets.openapi.api.virus_api import VirusApi
from ncbi.datasets.openapi.exceptions import BadRequestException
from ncbi.datasets.openapi.models import (
    V2OrganismQueryRequest,
    V2OrganismQueryRequestTaxRankFilter,
    V2reportsBioSampleDescriptor,
    V2reportsRankType,
    V2reportsVirusAnnotationReport,
    V2reportsVirusAssembly,
    V2TaxonomyMetadataRequest,
    V2TaxonomyMetadataRequestContentType,
    V2ViralSequenceType,
    V2VirusAnnotationFilter,
    V2VirusAnnotationReportRequest,
    V2VirusDataReportRequest,
    V2VirusDataReportRequestContentType,
    V2VirusDatasetFilter,
    V2VirusDatasetReportType,
    V2VirusDatasetRequest,
)
from pydantic import BaseModel

from tests.support.stand_in import StandIn

MODELS: dict[str, type[BaseModel]] = {
    "data_report.jsonl": V2reportsVirusAssembly,
    "annotation_report.jsonl": V2reportsVirusAnnotationReport,
    "biosample_report.jsonl": V2reportsBioSampleDescriptor,
}


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with StandIn() as running:
        yield running


@pytest.fixture(scope="module")
def virus_api(stand_in: StandIn) -> Iterator[VirusApi]:
    with ApiClient(Configuration(host=stand_in.url)) as client:
        yield VirusApi(client)


@pytest.fixture(scope="module")
def taxonomy_api(stand_in: StandIn) -> Iterator[TaxonomyApi]:
    with ApiClient(Configuration(host=stand_in.url)) as client:
        yield TaxonomyApi(client)


@pytest.fixture(scope="module")
def package(virus_api: VirusApi) -> zipfile.ZipFile:
    content = virus_api.virus_genome_download(
        taxon="10239",
        include_sequence=[V2ViralSequenceType.NONE],
        aux_report=[V2VirusDatasetReportType.ANNOTATION, V2VirusDatasetReportType.BIOSAMPLE_REPORT],
    )
    return zipfile.ZipFile(io.BytesIO(content))


@pytest.mark.parametrize("report", MODELS)
def test_reads_every_line_and_loses_nothing(package: zipfile.ZipFile, report: str) -> None:
    model = MODELS[report]
    lines = package.read(f"ncbi_dataset/data/{report}").decode().splitlines()
    assert lines
    for text in lines:
        line = in_rest_names(json.loads(text))
        read = model.from_json(json.dumps(line))  # type: ignore[attr-defined]
        assert is_part_of(line, json.loads(read.to_json()))


def in_rest_names(value: Any) -> Any:
    """The client's models know the snake_case names of REST answers; packages have them in camelCase."""
    if isinstance(value, dict):
        return {re.sub("[A-Z]", "_\\g<0>", key).lower(): in_rest_names(one) for key, one in value.items()}
    return [in_rest_names(one) for one in value] if isinstance(value, list) else value


def is_part_of(part: object, whole: object) -> bool:
    """Whether every field of `part` is in `whole`: the client's models add defaults of their own."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(key in whole and is_part_of(value, whole[key]) for key, value in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(is_part_of, part, whole))
    return part == whole


def test_sends_filters_that_the_stand_in_understands(virus_api: VirusApi) -> None:
    content = virus_api.virus_genome_download(
        taxon="dengue virus",
        host="human",
        complete_only=True,
        include_sequence=[V2ViralSequenceType.GENOME],
        filename="dengue.zip",
    )
    archive = zipfile.ZipFile(io.BytesIO(content))
    lines = [json.loads(line) for line in archive.open("ncbi_dataset/data/data_report.jsonl")]
    assert lines
    assert all(line["host"]["taxId"] == 9606 and line["completeness"] == "COMPLETE" for line in lines)
    assert "ncbi_dataset/data/genomic.fna" in archive.namelist()


def test_posts_a_request_that_the_stand_in_understands(virus_api: VirusApi) -> None:
    request = V2VirusDatasetRequest(taxons=["11320"], refseq_only=True, include_sequence=[V2ViralSequenceType.NONE])
    content = virus_api.virus_genome_download_post(v2_virus_dataset_request=request)
    archive = zipfile.ZipFile(io.BytesIO(content))
    lines = [json.loads(line) for line in archive.open("ncbi_dataset/data/data_report.jsonl")]
    assert len(lines) == 8


def every_report(ask: Callable[[str | None], Any]) -> list[Any]:
    """The reports of all pages, each requested with the token of the previous page."""
    page = ask(None)
    reports = list(page.reports)
    while page.next_page_token:
        page = ask(page.next_page_token)
        reports += page.reports
    assert len(reports) == page.total_count
    return reports


def lines_of(package: zipfile.ZipFile, report: str) -> list[Any]:
    return [in_rest_names(json.loads(line)) for line in package.open(f"ncbi_dataset/data/{report}")]


def test_pages_of_data_reports_are_the_packages_records(virus_api: VirusApi, package: zipfile.ZipFile) -> None:
    def ask(token: str | None) -> Any:
        return virus_api.virus_reports_by_post(
            V2VirusDataReportRequest(filter=V2VirusDatasetFilter(taxons=["10239"]), page_size=90, page_token=token)
        )

    reports = every_report(ask)
    lines = lines_of(package, "data_report.jsonl")
    assert len(reports) == len(lines) > 2 * 90
    for report, line in zip(reports, lines, strict=True):
        assert is_part_of(line, json.loads(report.to_json()))


def test_pages_of_annotation_reports_are_the_packages(virus_api: VirusApi, package: zipfile.ZipFile) -> None:
    def ask(token: str | None) -> Any:
        filters = V2VirusAnnotationFilter(taxons=["10239"])
        return virus_api.virus_annotation_reports_by_post(
            V2VirusAnnotationReportRequest(filter=filters, page_size=50, page_token=token)
        )

    reports = every_report(ask)
    lines = lines_of(package, "annotation_report.jsonl")
    assert len(reports) == len(lines) > 50
    for report, line in zip(reports, lines, strict=True):
        assert is_part_of(line, json.loads(report.to_json()))


def test_unset_filters_are_no_filters(virus_api: VirusApi) -> None:
    year_one = datetime(1, 1, 1, tzinfo=UTC)
    unset = V2VirusDatasetFilter(
        taxons=["10244"],
        host="",
        geo_location="",
        usa_state="",
        pangolin_classification="",
        released_since=year_one,
        updated_since=year_one,
        refseq_only=False,
    )
    plain = V2VirusDatasetFilter(taxons=["10244"])
    counts = [
        virus_api.virus_reports_by_post(V2VirusDataReportRequest(filter=one)).total_count for one in (unset, plain)
    ]
    assert counts[0] == counts[1] > 0
    narrowed = V2VirusDatasetFilter(taxons=["10244"], updated_since=datetime(2026, 11, 10, tzinfo=UTC))
    fewer = virus_api.virus_reports_by_post(V2VirusDataReportRequest(filter=narrowed)).total_count
    assert 0 < fewer < counts[1]


def test_accessions_only(virus_api: VirusApi) -> None:
    page = virus_api.virus_reports_by_post(
        V2VirusDataReportRequest(
            filter=V2VirusDatasetFilter(taxons=["10244"]),
            returned_content=V2VirusDataReportRequestContentType.ACCESSIONS_ONLY,
        )
    )
    assert all(report.accession and report.virus is None for report in page.reports)


def suggestions(taxonomy_api: TaxonomyApi, text: str) -> list[Any]:
    query = V2OrganismQueryRequest(
        taxon_query=text, exact_match=True, tax_rank_filter=V2OrganismQueryRequestTaxRankFilter.HIGHER_TAXON
    )
    return taxonomy_api.tax_name_query_by_post(query).sci_name_and_ids or []


def test_taxa_are_found_with_their_lineage(taxonomy_api: TaxonomyApi) -> None:
    (found,) = suggestions(taxonomy_api, "SARS-CoV-2")
    assert found.tax_id == "2697049"
    # NCBI's command line client looks for 10239 among the parents before it downloads.
    page = taxonomy_api.taxonomy_data_report_post(
        V2TaxonomyMetadataRequest(
            taxons=[found.tax_id, "11308"], returned_content=V2TaxonomyMetadataRequestContentType.METADATA
        )
    )
    sars2, family = (report.taxonomy for report in page.reports)
    assert sars2.tax_id == 2697049
    assert 10239 in sars2.parents
    assert (family.rank, family.current_scientific_name.name) == (V2reportsRankType.FAMILY, "Orthomyxoviridae")


def test_an_unknown_taxon_is_ncbis_400(virus_api: VirusApi, taxonomy_api: TaxonomyApi) -> None:
    assert not suggestions(taxonomy_api, "no such virus")
    request = V2VirusDataReportRequest(filter=V2VirusDatasetFilter(taxons=["no such virus"]))
    with pytest.raises(BadRequestException) as refused:
        virus_api.virus_reports_by_post(request)
    answer = json.loads(refused.value.body)
    assert (answer["error"], answer["code"]) == ("Bad Request", 400)
    assert "'no such virus' is not recognized" in answer["message"]
