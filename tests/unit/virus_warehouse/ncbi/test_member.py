"""A member inflated by ISA-L gives what `zipfile` gives, wherever it is cut, or says that it is damaged."""

import io
import random
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from virus_warehouse.ncbi.member import open_member

LINES = b"".join(b'{"accession":"PX%06d.1","length":%d}\n' % (number, number * 7919) for number in range(20_000))
NOISE = random.Random(1).randbytes(300_000)
CONTENTS = {"lines": LINES, "noise": NOISE, "zeros": bytes(1_000_000), "nothing": b""}


def zipped(contents: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED, level: int = 6) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression, compresslevel=level) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return target.getvalue()


def read(package: bytes, name: str) -> bytes:
    with (
        zipfile.ZipFile(io.BytesIO(package)) as archive,
        open_member(archive, archive.getinfo(name)) as stream,
    ):
        return stream.read()


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_content_equals_the_packed_data(name: str, level: int) -> None:
    assert read(zipped(CONTENTS, level=level), name) == CONTENTS[name]


def test_stored_member_is_also_read() -> None:
    assert read(zipped(CONTENTS, zipfile.ZIP_STORED), "lines") == LINES


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([*CONTENTS]), st.lists(st.integers(0, 300_000), min_size=1, max_size=5))
def test_content_is_the_same_in_pieces_of_any_size(name: str, sizes: list[int]) -> None:
    content, pieces = CONTENTS[name], []
    with (
        zipfile.ZipFile(io.BytesIO(zipped(CONTENTS))) as archive,
        open_member(archive, archive.getinfo(name)) as stream,
    ):
        for size in sizes:
            pieces += [stream.read(size), stream.readline(1000)]
        pieces.append(stream.read())
        assert stream.read(1) == b""
    assert b"".join(pieces) == content


def test_stream_outlives_the_archive(tmp_path: Path) -> None:
    path = tmp_path / "package.zip"
    path.write_bytes(zipped(CONTENTS))
    with zipfile.ZipFile(path) as archive:
        stream = open_member(archive, archive.getinfo("lines"))
    with stream:
        assert stream.read() == LINES


@pytest.mark.slow
def test_read_uses_no_more_memory_than_requested() -> None:
    with (
        zipfile.ZipFile(io.BytesIO(zipped({"bomb": bytes(200_000_000)}))) as archive,
        open_member(archive, archive.getinfo("bomb")) as stream,
    ):
        tracemalloc.start()
        try:
            assert stream.read(1000) == bytes(1000)
            assert tracemalloc.get_traced_memory()[1] < 1_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(["lines", "noise", "zeros"]), st.floats(0, 1, exclude_max=True), st.integers(1, 255))
def test_damage_is_never_accepted(name: str, where: float, change: int) -> None:
    package = bytearray(zipped({name: CONTENTS[name]}))
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        member = archive.getinfo(name)
    start = 30 + len(name)
    package[start + int(where * member.compress_size)] ^= change
    try:
        content = read(bytes(package), name)
    except zipfile.BadZipFile:
        return
    assert content == CONTENTS[name]


def test_wrong_crc_is_reported() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped(CONTENTS))) as archive:
        member = archive.getinfo("lines")
        member.CRC ^= 1
        with open_member(archive, member) as stream, pytest.raises(zipfile.BadZipFile, match=f"{member.CRC ^ 1:08x}"):
            stream.read()


def test_data_beyond_the_claimed_size_are_not_inflated() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped(CONTENTS))) as archive:
        member = archive.getinfo("zeros")
        member.file_size = 1000
        with open_member(archive, member) as stream, pytest.raises(zipfile.BadZipFile, match="more than 1000 bytes"):
            stream.read(2000)
