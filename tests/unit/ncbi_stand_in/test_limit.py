"""The stand-in delivers nothing above a limit, until that is cleared; and lists records that are in no package."""

import subprocess
import sys
from datetime import date

import pytest
import requests

from tests.support.stand_in import StandIn

TODAY = date(2025, 6, 2)


@pytest.fixture(scope="module")
def stand_in():
    with StandIn(today=TODAY, records=60) as server:
        yield server


def download(stand_in: StandIn, **body: object) -> requests.Response:
    asked = {"taxons": ["10239"], "include_sequence": ["NONE"], **body}
    return requests.post(f"{stand_in.url}/virus/genome/download", json=asked, timeout=2)


def test_larger_packages_are_cut_off_until_the_limit_is_cleared(stand_in: StandIn) -> None:
    whole = download(stand_in).content
    control = f"{stand_in.control_url}/limit"
    size = len(whole) - 1
    assert requests.post(control, json={"bytes": size}, timeout=60).json() == {
        "bytes": size, "kind": "cut", "seconds": 60.0
    }  # fmt: skip
    for _ in range(2):
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            download(stand_in)
    assert len(download(stand_in, refseq_only=True).content) < size
    requests.post(control, json={"bytes": len(whole)}, timeout=60)
    assert download(stand_in).content == whole
    requests.post(control, json={"bytes": 1}, timeout=60)
    assert requests.delete(control, timeout=60).status_code == 200
    assert requests.get(control, timeout=60).json() is None
    assert download(stand_in).content == whole


@pytest.mark.slow
def test_larger_packages_time_out(stand_in: StandIn) -> None:
    stand_in.limit(100, kind="stalled")
    with pytest.raises(requests.exceptions.ReadTimeout):
        download(stand_in)
    stand_in.clear_faults()
    assert download(stand_in).ok


def test_unknown_limit_is_refused(stand_in: StandIn) -> None:
    answer = requests.post(f"{stand_in.control_url}/limit", json={"bytes": 1, "kind": "slow"}, timeout=60)
    assert (answer.status_code, answer.text) == (422, "unknown limit 'slow'; known: cut, stalled")


def test_withheld_records_are_listed_but_in_no_package(stand_in: StandIn) -> None:
    def listed() -> list[str]:
        body = {"filter": {"taxons": ["10239"]}, "returned_content": "ACCESSIONS_ONLY", "page_size": 1000}
        page = requests.post(f"{stand_in.url}/virus", json=body, timeout=60).json()
        return [report["accession"] for report in page["reports"]]

    accession = listed()[0]
    alone = len(download(stand_in, accessions=[accession]).content)
    control = f"{stand_in.control_url}/withheld"
    name = accession.partition(".")[0]
    assert requests.post(control, json={"accessions": [name]}, timeout=60).json() == [name]
    assert listed()[0] == accession
    assert len(download(stand_in, accessions=[accession]).content) < alone
    assert requests.post(control, json={"accessions": []}, timeout=60).json() == []
    assert len(download(stand_in, accessions=[accession]).content) == alone


@pytest.mark.slow
def test_limit_is_an_option_of_the_program() -> None:
    options = ["--port", "0", "--records", "60", "--limit-bytes", "100", "--limit-kind", "cut"]
    with subprocess.Popen(
        [sys.executable, "-m", "ncbi_stand_in", *options], stdout=subprocess.PIPE, text=True
    ) as program:
        try:
            assert program.stdout is not None
            url = program.stdout.readline().strip()
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                requests.get(f"{url}/virus/taxon/10239/genome/download", timeout=60)
        finally:
            program.terminate()


def test_bodies_of_requests_are_recorded(stand_in: StandIn) -> None:
    download(stand_in, accessions=["PX1.1"])
    assert '"accessions": ["PX1.1"]' in stand_in.requests[-1].body
