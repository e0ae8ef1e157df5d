"""The outside witness: NCBI's own Python client downloads from the stand-in and reads every report line."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from ncbi.datasets.openapi import ApiClient, Configuration
from ncbi.datasets.openapi.api.virus_api import VirusApi
from ncbi.datasets.openapi.models import (
    V2reportsBioSampleDescriptor,
    V2reportsVirusAnnotationReport,
    V2reportsVirusAssembly,
    V2ViralSequenceType,
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
        taxon="Monkeypox virus",
        host="human",
        complete_only=True,
        include_sequence=[V2ViralSequenceType.GENOME],
        filename="mpox.zip",
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
