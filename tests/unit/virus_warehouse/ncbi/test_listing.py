"""The accessions of a request's records, from the stand-in and from answers that are none of NCBI's."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from ncbi.datasets.openapi.models import V2VirusDataReportRequest, V2VirusDatasetFilter, V2VirusDatasetRequest

from tests.support.scripted_server import Answer, ReceivedRequest, ScriptedServer
from tests.support.stand_in import StandIn
from virus_warehouse.ncbi import listing
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.errors import DatasetsUnavailable, RequestRefused
from virus_warehouse.ncbi.listing import list_accessions
from virus_warehouse.ncbi.request import AccessionsRequest, VirusGenomeRequest

EVERY_FILTER = VirusGenomeRequest(
    taxon="10244",
    refseq_only=True,
    annotated_only=True,
    complete_only=True,
    released_since="2020-01-01",
    updated_since="2020-01-02",
    host="9606",
    pangolin_classification="LP.8.1",
    geo_location="Africa",
    usa_state="CA",
    include_sequence=("GENOME",),
    aux_report=("ANNOTATION",),
    use_psg=True,
    filename="x.zip",
)


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with StandIn(today=date(2025, 6, 2), records=150) as server:
        yield server


def test_every_filter_has_the_name_and_type_of_ncbis_own_client() -> None:
    filters = EVERY_FILTER.filters()
    read = V2VirusDatasetFilter.from_dict(filters)
    assert read is not None
    written = {name: value for name, value in read.to_dict().items() if value is not None}
    assert written.keys() == filters.keys()
    assert written["taxons"] == ["10244"]
    assert written["updated_since"] == datetime(2020, 1, 2, tzinfo=UTC)
    assert filters.keys() == V2VirusDatasetFilter.model_fields.keys() - {"taxon", "accessions"} | {"taxons"}
    assert VirusGenomeRequest(taxon="10244").filters() == {"taxons": ["10244"]}


def test_download_of_accessions_has_the_names_of_ncbis_own_client() -> None:
    body = AccessionsRequest(("PX1.1", "PX2.1"), EVERY_FILTER).body
    read = V2VirusDatasetRequest.from_dict(body)
    assert read is not None
    assert {name: value for name, value in read.to_dict().items() if name in body} == body
    assert body.keys() == {"accessions", "include_sequence", "aux_report", "use_psg"}
    assert AccessionsRequest(("PX1.1",), VirusGenomeRequest(taxon="1")).body == {
        "accessions": ["PX1.1"],
        "include_sequence": ["NONE"],
    }


def test_all_pages_are_read(stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_RECORDS", 20)
    begun, before, pages = len(stand_in.requests), datetime.now(UTC), list[tuple[int, int]]()
    with DatasetsClient(stand_in.url) as client:
        listed = list_accessions(
            client, VirusGenomeRequest(taxon="10239"), tmp_path / "list", lambda *page: pages.append(page)
        )
    accessions = (tmp_path / "list").read_text().splitlines()
    assert len(set(accessions)) == len(accessions) == listed.records > 60
    assert pages[-1] == (listed.records, listed.records)
    assert len(pages) == -(-listed.records // 20)
    assert before < listed.requested_at < datetime.now(UTC)
    for request in stand_in.requests[begun:]:
        body = json.loads(request.body)
        read = V2VirusDataReportRequest.from_dict(body)
        assert read is not None
        assert {name: value for name, value in read.to_dict().items() if name in body} == body


def test_nothing_matches(stand_in: StandIn, tmp_path: Path) -> None:
    with DatasetsClient(stand_in.url) as client:
        request = VirusGenomeRequest(taxon="10244", updated_since="2030-01-01")
        assert list_accessions(client, request, tmp_path / "list").records == 0


def test_refusal_is_no_list(stand_in: StandIn, tmp_path: Path) -> None:
    with DatasetsClient(stand_in.url) as client, pytest.raises(RequestRefused, match="is not recognized"):
        list_accessions(client, VirusGenomeRequest(taxon="Monkeypocks"), tmp_path / "list")


def reports(*accessions: str, **others: Any) -> dict[str, Any]:
    return {"reports": [{"accession": accession} for accession in accessions], **others}


class InTurn(ScriptedServer):
    """Sends its responses in turn, again and again."""

    def next_answer(self, request: ReceivedRequest) -> Answer:
        super().next_answer(request)
        return self._answers[(len(self.requests) - 1) % len(self._answers)]


ODD = {
    "no accession": ([{"reports": [{"name": "x"}], "total_count": 1}], "no list of accessions"),
    "another's line": ([reports("PX1.1\nPX2.1", total_count=1)], "no list of accessions"),
    "no object": ([{"reports": "x", "total_count": 1}], "no list of accessions"),
    "no list": ([["x"]], "an answer that is no JSON object"),
    "fewer than said": ([reports("PX1.1", total_count=2)], "1 listed of 2 in all"),
    "more than said": ([reports("PX1.1", "PX2.1", total_count=1)], "2 listed of 1 in all"),
    "endless": ([reports(total_count=9, next_page_token="x")], "0 listed of 9 in all"),
    "another total": (
        [reports("PX1.1", total_count=2, next_page_token="x"), reports("PX2.1", "PX3.1", total_count=3)],
        "first 2 in all, then 3",
    ),
    "one on two pages": (
        [reports("PX1.1", "PX2.1", total_count=4, next_page_token="x"), reports("PX2.1", "PX3.1", total_count=4)],
        "PX2.1 on two pages",
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD)
def test_odd_answers_are_refused(name: str, tmp_path: Path) -> None:
    pages, reason = ODD[name]
    with (
        InTurn(*(Answer(body=json.dumps(page).encode()) for page in pages)) as ncbi,
        DatasetsClient(ncbi.url, attempts=2, backoff_factor=0.0) as client,
        pytest.raises(DatasetsUnavailable, match=reason),
    ):
        list_accessions(client, VirusGenomeRequest(taxon="10244"), tmp_path / "list")
