"""The package has NCBI's binary format; only the content is synthetic."""

import hashlib
import io
import json
import struct
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ncbi_stand_in.package import DataFile, Package
from tests.support.stand_in import StandIn
from tests.unit.ncbi_stand_in.helpers import DATA, Download, get

GENUINE = Path(__file__).parents[4] / "shared/ncbi/samples/package_2026-06/ncbi_dataset.zip"

EVERYTHING = {
    "include_sequence": ["GENOME", "CDS", "PROTEIN"],
    "aux_report": ["ANNOTATION", "BIOSAMPLE_REPORT"],
}


@pytest.fixture(scope="module")
def mers(shared: StandIn) -> Download:
    """A small package with every file."""
    return Download(get(shared, "1335626", EVERYTHING))


def local_headers(package: bytes) -> list[tuple[Any, ...]]:
    """The local header of each member: signature, version, flags, method, CRC, sizes, extra field."""
    headers = []
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        for member in archive.infolist():
            start = member.header_offset
            fields = struct.unpack_from("<4sHHHHHLLLHH", package, start)
            name_length, extra_length = fields[-2:]
            extra = package[start + 30 + name_length : start + 30 + name_length + extra_length]
            end = start + 30 + name_length + extra_length + member.compress_size
            signature, crc, compressed, size = struct.unpack_from("<4sLQQ", package, end)
            assert (signature, crc) == (b"PK\x07\x08", member.CRC)
            assert (compressed, size) == (member.compress_size, member.file_size)
            headers.append((*fields[:4], *fields[6:9], extra))
    return headers


def central_entries(package: bytes) -> list[tuple[Any, ...]]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return [
            (one.create_system, one.create_version, one.extract_version, one.flag_bits, one.external_attr)
            for one in archive.infolist()
        ]


def test_members_are_in_ncbi_order(mers: Download) -> None:
    assert mers.zip.namelist() == [
        "README.md",
        *(
            DATA + name
            for name in (
                "data_report.jsonl",
                "annotation_report.jsonl",
                "biosample_report.jsonl",
                "genomic.fna",
                "cds.fna",
                "protein.faa",
                "dataset_catalog.json",
            )
        ),
        "md5sum.txt",
    ]


def test_zip_fields_are_those_of_a_streamed_archive(mers: Download) -> None:
    for signature, version, flags, method, crc, compressed, size, extra in local_headers(mers.response.content):
        assert (signature, version, flags, method) == (b"PK\x03\x04", 45, 0x0008, zipfile.ZIP_DEFLATED)
        assert (crc, compressed, size) == (0, 0xFFFFFFFF, 0xFFFFFFFF)
        assert extra == struct.pack("<HHQQ", 1, 16, 0, 0)
    assert set(central_entries(mers.response.content)) == {(3, 45, 45, 0x0008, 0o600 << 16)}


@pytest.mark.skipif(not GENUINE.exists(), reason="the genuine package is not available")
def test_structure_matches_the_genuine_package(stand_in: StandIn) -> None:
    genuine = GENUINE.read_bytes()
    ours = Download(get(stand_in, "2697049", {"refseq_only": "true"}))
    package = ours.response.content
    with zipfile.ZipFile(io.BytesIO(genuine)) as archive:
        assert ours.zip.namelist() == archive.namelist()
        genuine_catalog = archive.read(DATA + "dataset_catalog.json").decode()
        genuine_md5 = archive.read("md5sum.txt").decode()
        genuine_line = json.loads(archive.read(DATA + "data_report.jsonl"))
    assert local_headers(package) == local_headers(genuine)
    assert central_entries(package) == central_entries(genuine)
    assert without_values(ours.text("dataset_catalog.json")) == without_values(genuine_catalog)
    assert [line[32:] for line in ours.zip.read("md5sum.txt").decode().splitlines()] == [
        line[32:] for line in genuine_md5.splitlines()
    ]
    (line,) = ours.lines()
    assert line["virus"]["lineage"] == genuine_line["virus"]["lineage"]
    assert line["segment"] == genuine_line["segment"]
    counts = ("geneCount", "proteinCount", "maturePeptideCount")
    assert [line[count] for count in counts] == [genuine_line[count] for count in counts]


def without_values(catalog: str) -> str:
    return "".join("#" if letter.isdigit() else letter for letter in catalog).replace("#", "")


def test_catalog_lists_every_data_file_with_its_length(mers: Download) -> None:
    (assembly,) = json.loads(mers.text("dataset_catalog.json"))["assemblies"]
    described = {one["filePath"]: one["uncompressedLengthBytes"] for one in assembly["files"]}
    there = {
        member.filename.removeprefix(DATA): str(member.file_size)
        for member in mers.zip.infolist()
        if member.filename.startswith(DATA) and not member.filename.endswith("catalog.json")
    }
    assert described == there


def test_md5sum_covers_all_but_readme_and_itself(mers: Download) -> None:
    expected = "".join(
        f"{hashlib.md5(mers.zip.read(name)).hexdigest()}  {name}\n"
        for name in mers.zip.namelist()
        if name.startswith(DATA)
    )
    assert mers.zip.read("md5sum.txt").decode() == expected


def test_readme_says_records_are_synthetic(mers: Download) -> None:
    assert "made up" in mers.zip.read("README.md").decode()


def test_body_is_chunked_without_length_or_etag(mers: Download) -> None:
    headers = mers.response.headers
    assert headers["Transfer-Encoding"] == "chunked"
    assert headers["Content-Type"] == "application/zip"
    assert headers["Content-Disposition"] == "attachment; filename=ncbi_dataset.zip"
    assert not any(name in headers for name in ("Content-Length", "ETag", "Accept-Ranges"))
    for name in ("Ncbi-Phid", "X-Datasets-Version", "X-Ratelimit-Limit", "X-Ratelimit-Remaining"):
        assert headers[name]


def test_an_api_key_doubles_the_rate_limit(stand_in: StandIn) -> None:
    params = {"include_sequence": "NONE"}
    without = get(stand_in, "1335626", params)
    with_key = get(stand_in, "1335626", params, headers={"api-key": "k"})
    assert (without.headers["X-Ratelimit-Limit"], with_key.headers["X-Ratelimit-Limit"]) == ("5", "10")


def test_filename_is_used_only_in_the_header(stand_in: StandIn) -> None:
    params = {"include_sequence": "NONE", "filename": 'a"b;c\r\nX-Evil: 1.zip'}
    response = get(stand_in, "1335626", params)
    assert response.headers["Content-Disposition"] == "attachment; filename=abcX-Evil: 1.zip"
    assert "X-Evil" not in response.headers


def test_same_request_gives_the_same_bytes(stand_in: StandIn, mers: Download) -> None:
    assert get(stand_in, "1335626", EVERYTHING).content == mers.response.content


@pytest.mark.slow
def test_memory_stays_flat_while_a_package_streams() -> None:
    megabytes = 40

    def lines() -> Iterator[bytes]:
        for number in range(megabytes * 1000):
            yield hashlib.sha512(str(number).encode()).digest() * 16

    package = Package([DataFile("data_report.jsonl", "DATA_REPORT", lines())], datetime(2026, 1, 1))  # noqa: DTZ001
    tracemalloc.start()
    size = sum(len(chunk) for chunk in package)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size > 1_000_000
    assert peak < 4_000_000
