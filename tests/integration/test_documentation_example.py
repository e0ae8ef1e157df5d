"""NCBI's documented example URL gets a 400 from NCBI; our own encoding of the same request gets a package.

Two of its values are invalid: `include_sequence` holds the text of a Python list, and `aux_report` a value
(`BIOSAMPLE`) that the API's own list of allowed values does not have.
"""

import pytest
import requests
from pydantic import ValidationError

from tests.support.stand_in import StandIn
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.ncbi.request import VirusGenomeRequest

EXAMPLE = (
    "/virus/taxon/1335626/genome/download?refseq_only=True&annotated_only=True&released_since=2025-01-15"
    "&updated_since=2025-01-15&host=9606&pangolin_classification=LP.8.1&geo_location=USA&usa_state=CA"
    "&complete_only=True&include_sequence=['GENOME', 'CDS', 'PROTEIN']&aux_report=BIOSAMPLE&use_psg=True"
    "&filename=ncbi_dataset.zip"
)

REQUEST = {
    "taxon": "1335626",
    "refseq_only": True,
    "annotated_only": True,
    "released_since": "2025-01-15",
    "updated_since": "2025-01-15",
    "host": "9606",
    "pangolin_classification": "LP.8.1",
    "geo_location": "USA",
    "usa_state": "CA",
    "complete_only": True,
    "include_sequence": ["GENOME", "CDS", "PROTEIN"],
    "aux_report": ["BIOSAMPLE_REPORT"],
    "use_psg": True,
    "filename": "ncbi_dataset.zip",
}


@pytest.fixture(scope="module")
def stand_in():
    with StandIn() as server:
        yield server


def test_unchanged_example_gets_a_400(stand_in):
    answer = requests.get(stand_in.url + EXAMPLE, timeout=10)
    assert answer.status_code == 400
    assert "include_sequence" in answer.json()["message"] or "aux_report" in answer.json()["message"]


@pytest.mark.parametrize(
    ("wrong", "right", "expected_message"),
    [
        ("include_sequence=['GENOME', 'CDS', 'PROTEIN']", "include_sequence=GENOME", 'parsing list "aux_report"'),
        ("aux_report=BIOSAMPLE&", "aux_report=BIOSAMPLE_REPORT&", 'parsing list "include_sequence"'),
    ],
    ids=["the report alone", "the sequences alone"],
)
def test_each_of_its_two_faults_alone_gets_a_400(stand_in, wrong, right, expected_message):
    answer = requests.get(stand_in.url + EXAMPLE.replace(wrong, right), timeout=10)
    assert answer.status_code == 400
    assert expected_message in answer.json()["message"]


@pytest.mark.parametrize(
    ("name", "value", "expected_message"),
    [
        ("aux_report", ["BIOSAMPLE"], "BIOSAMPLE_REPORT"),
        ("include_sequence", "['GENOME', 'CDS', 'PROTEIN']", "GENOME, CDS, PROTEIN, NONE"),
    ],
)
def test_faults_are_rejected_before_sending_and_allowed_values_are_named(name, value, expected_message):
    with pytest.raises(ValidationError, match=expected_message):
        VirusGenomeRequest(**{**REQUEST, name: value})


def test_our_encoding_of_the_same_request_gets_a_package(stand_in, tmp_path):
    with DatasetsClient(stand_in.url) as client:
        download = client.download(VirusGenomeRequest(**REQUEST), tmp_path / "package.zip")
    package = DataPackage(tmp_path / "package.zip").verify()
    assert download.http_status == 200
    assert package.is_empty  # MERS has no Pango lineages: well-formed, the request matches nothing


def test_request_without_lineage_and_place_gets_records(stand_in, tmp_path):
    request = {
        "taxon": "1335626",
        "host": "9606",
        "include_sequence": ["GENOME"],
        "aux_report": ["BIOSAMPLE_REPORT"],
    }
    with DatasetsClient(stand_in.url) as client:
        client.download(VirusGenomeRequest(**request), tmp_path / "package.zip")
    package = DataPackage(tmp_path / "package.zip").verify()
    with package.open_report("data_report") as report:
        assert report.read().count(b'"accession"') > 0
