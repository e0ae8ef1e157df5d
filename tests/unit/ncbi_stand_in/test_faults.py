"""Each fault breaks what its name says, for the requested number of downloads only."""

import io
import json
import zipfile
from itertools import islice

import pytest
import requests

from ncbi_stand_in.faults import FAULT_KINDS, Fault
from tests.support.stand_in import StandIn
from tests.unit.ncbi_stand_in.helpers import DATA, Download, get

REPORT = DATA + "data_report.jsonl"


def faulty(stand_in: StandIn) -> requests.Response:
    return get(stand_in, "1335626", {"include_sequence": "NONE"})


def valid_package(stand_in: StandIn) -> bytes:
    return Download(faulty(stand_in)).response.content


def test_status_with_body_and_headers_for_the_next_downloads_only(stand_in: StandIn) -> None:
    stand_in.fault("status", times=2, status=429, body="slow down", headers={"Retry-After": "3"})
    for _ in range(2):
        response = faulty(stand_in)
        assert (response.status_code, response.text) == (429, "slow down")
        assert response.headers["Retry-After"] == "3"
        assert "Ncbi-Phid" in response.headers
    assert faulty(stand_in).status_code == 200


def test_cut_closes_the_connection_mid_body(stand_in: StandIn) -> None:
    whole = valid_package(stand_in)
    stand_in.fault("cut", fraction=0.4)
    with get(stand_in, "1335626", {"include_sequence": "NONE"}, stream=True) as response:
        assert response.status_code == 200
        assert "Content-Length" not in response.headers
        received: list[bytes] = []
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            received.extend(response.iter_content(1))
    assert 0 < len(received) < len(whole)
    assert whole.startswith(b"".join(received))


@pytest.mark.parametrize("fraction", [0.0, 0.5])
def test_reset_breaks_the_connection(stand_in: StandIn, fraction: float) -> None:
    stand_in.fault("reset", fraction=fraction)
    with pytest.raises(requests.exceptions.RequestException, match="reset by peer"):
        faulty(stand_in)
    assert faulty(stand_in).status_code == 200


@pytest.mark.parametrize("fraction", [0.0, 0.5])
def test_stalled_sends_nothing_until_the_client_times_out(stand_in: StandIn, fraction: float) -> None:
    stand_in.fault("stalled", fraction=fraction)
    with pytest.raises(requests.exceptions.RequestException, match="timed out"):
        get(stand_in, "1335626", {"include_sequence": "NONE"}, timeout=0.5)
    assert faulty(stand_in).status_code == 200


def test_stalled_finally_closes_the_connection(stand_in: StandIn) -> None:
    stand_in.fault("stalled", fraction=0.5, seconds=0.1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        faulty(stand_in)


def test_drip_is_complete_but_slow(stand_in: StandIn) -> None:
    whole = valid_package(stand_in)
    stand_in.fault("drip", seconds=0.0)
    assert faulty(stand_in).content == whole
    stand_in.fault("drip", seconds=0.05)
    with get(stand_in, "1335626", {"include_sequence": "NONE"}, stream=True) as response:
        pieces = list(islice(response.raw.stream(1000), 3))
    assert pieces == [whole[:1], whole[1:2], whole[2:3]]


def test_packages_without_records_are_valid(stand_in: StandIn) -> None:
    stand_in.fault("empty_report")
    assert Download(faulty(stand_in)).lines() == []
    stand_in.fault("absent_report")
    package = Download(faulty(stand_in))
    assert package.zip.testzip() is None
    assert REPORT not in package.zip.namelist()
    assert f"{DATA}dataset_catalog.json" in package.zip.namelist()


def test_extra_headers_come_with_a_valid_package(stand_in: StandIn) -> None:
    whole = valid_package(stand_in)
    stand_in.fault("more_headers", headers={"X-Datasets-User-Message": "An update is due"})
    response = faulty(stand_in)
    assert response.headers["X-Datasets-User-Message"] == "An update is due"
    assert response.content == whole


def test_truncated_ends_cleanly_but_is_not_a_zip(stand_in: StandIn) -> None:
    whole = valid_package(stand_in)
    stand_in.fault("truncated", fraction=0.5)
    response = faulty(stand_in)
    assert response.content == whole[: len(whole) // 2]
    assert not zipfile.is_zipfile(io.BytesIO(response.content))


def test_not_zip_is_a_web_page(stand_in: StandIn) -> None:
    stand_in.fault("not_zip")
    response = faulty(stand_in)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")


def test_bad_crc_is_detected_by_the_central_directory_and_the_descriptor(stand_in: StandIn) -> None:
    whole = valid_package(stand_in)
    stand_in.fault("bad_crc")
    broken = Download(faulty(stand_in))
    assert broken.zip.testzip() == REPORT
    right = zipfile.ZipFile(io.BytesIO(whole)).getinfo(REPORT).CRC.to_bytes(4, "little")
    assert right in whole
    assert right not in broken.response.content
    assert len(broken.response.content) == len(whole)


def test_md5_mismatch_leaves_the_zip_valid(stand_in: StandIn) -> None:
    stand_in.fault("md5_mismatch")
    package = Download(faulty(stand_in))
    assert package.zip.testzip() is None
    assert f"{'0' * 32}  {REPORT}\n" in package.zip.read("md5sum.txt").decode()


def test_catalog_mismatch_leaves_the_zip_valid(stand_in: StandIn) -> None:
    stand_in.fault("catalog_mismatch")
    package = Download(faulty(stand_in))
    assert package.zip.testzip() is None
    (assembly,) = json.loads(package.text("dataset_catalog.json"))["assemblies"]
    claimed = int(assembly["files"][0]["uncompressedLengthBytes"])
    assert claimed == package.zip.getinfo(REPORT).file_size + 1


def test_empty_404_has_ncbi_json(stand_in: StandIn) -> None:
    stand_in.fault("empty_404")
    response = faulty(stand_in)
    assert response.status_code == 404
    assert response.json()["code"] == 404
    assert "does not match any items" in response.json()["message"]


def test_refused_request_consumes_no_fault(stand_in: StandIn) -> None:
    stand_in.fault("not_zip")
    assert get(stand_in, "nobody knows").status_code == 400
    assert faulty(stand_in).headers["Content-Type"].startswith("text/html")


def test_unknown_kinds_and_fractions_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown fault 'gremlins'; known: absent_report, "):
        Fault("gremlins")
    with pytest.raises(ValueError, match="fraction"):
        Fault("cut", fraction=1)


def test_control_calls_queue_list_and_clear_faults(stand_in: StandIn) -> None:
    url = f"{stand_in.control_url}/faults"
    order = {"kind": "status", "times": 2, "status": 500}
    assert len(requests.post(url, json=order, timeout=60).json()) == 2
    assert [one["status"] for one in requests.get(url, timeout=60).json()] == [500, 500]
    assert faulty(stand_in).status_code == 500
    assert requests.delete(url, timeout=60).json() == []
    assert faulty(stand_in).status_code == 200
    assert requests.post(url, json={"kind": "gremlins"}, timeout=60).status_code == 422


@pytest.mark.parametrize("kind", sorted(FAULT_KINDS))
def test_every_fault_kind_is_described(kind: str) -> None:
    assert FAULT_KINDS[kind].__doc__


def test_fewer_records_leave_a_valid_package_with_the_first_of_them(stand_in: StandIn) -> None:
    whole = Download(faulty(stand_in)).zip.read(REPORT).splitlines()
    stand_in.fault("fewer_records", fraction=0.7)
    package = Download(faulty(stand_in))
    assert package.zip.testzip() is None
    assert package.zip.read(REPORT).splitlines() == whole[: int(len(whole) * 0.7)] != []


def test_odd_lines_truncates_one_and_adds_an_unknown_field_to_all(stand_in: StandIn) -> None:
    whole = Download(faulty(stand_in)).zip.read(REPORT).splitlines()
    stand_in.fault("odd_lines")
    *lines, broken = Download(faulty(stand_in)).zip.read(REPORT).splitlines()
    assert [{**json.loads(line), "depthOfCoverage": 31.5} for line in whole] == [json.loads(line) for line in lines]
    assert whole[-1].startswith(broken)
    assert 0 < len(broken) < len(whole[-1])


def test_odd_lines_leave_the_fasta_files_as_they_are(stand_in: StandIn) -> None:
    params = {"include_sequence": ["GENOME", "CDS", "PROTEIN"], "aux_report": "ANNOTATION"}
    whole = Download(get(stand_in, "1335626", params))
    stand_in.fault("odd_lines")
    odd = Download(get(stand_in, "1335626", params))
    for name in ("genomic.fna", "cds.fna", "protein.faa"):
        assert odd.text(name) == whole.text(name), name
