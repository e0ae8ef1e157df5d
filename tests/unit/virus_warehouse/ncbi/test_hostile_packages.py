"""A zip from the network is untrusted input: hostile ones are refused with a reason, in bounded memory."""

import hashlib
import os
import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import hostile_packages as hostile
from tests.support.packages import CATALOG, DATA_REPORT, MD5_SUMS, README, Members, data_members, whole
from tests.support.scripted_server import Answer, ScriptedServer
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.errors import PackageError, RequestRefused
from virus_warehouse.ncbi.limits import PackageLimits
from virus_warehouse.ncbi.package import DataPackage
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.settings import SettingError

INCLUDE = Path(__file__).parents[4] / "include"
MEBIBYTE = 1 << 20
Save = Callable[[bytes], DataPackage]

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="/proc does not report a process's peak memory on this system"
)


@pytest.fixture
def saved(tmp_path: Path) -> Save:
    def save(content: bytes) -> DataPackage:
        path = tmp_path / "ncbi_dataset.zip"
        path.write_bytes(content)
        return DataPackage(path)

    return save


def test_package_before_manipulation_is_valid(saved: Save) -> None:
    assert saved(bytes(hostile.plain())).verify()


@pytest.mark.parametrize("name", hostile.HOSTILE)
def test_hostile_package_is_refused_with_its_reason(saved: Save, name: str, tmp_path: Path) -> None:
    reason, make = hostile.HOSTILE[name]
    package = saved(make())
    with pytest.raises(PackageError) as refused:
        package.verify()
    assert reason in refused.value.reason
    # The reason is shown in logs and in a ledger row.
    assert str(refused.value).isprintable()
    assert str(refused.value).isascii()
    assert [path.name for path in tmp_path.iterdir()] == ["ncbi_dataset.zip"]


@pytest.mark.parametrize(
    "name", ["symbolic link", "encrypted", "member that reaches into the next", "same member twice"]
)
def test_refusal_names_the_member(saved: Save, name: str) -> None:
    with pytest.raises(PackageError) as refused:
        saved(hostile.HOSTILE[name][1]()).verify()
    assert refused.value.member == DATA_REPORT


def test_plain_folders_are_accepted(saved: Save) -> None:
    members: Members = {"ncbi_dataset/": b"", "ncbi_dataset/data/": b""}
    assert saved(bytes(hostile.plain(members | whole(data_members(hostile.LINES))))).verify()


class TestLimits:
    def test_total_is_configurable(self, saved: Save, monkeypatch: pytest.MonkeyPatch) -> None:
        package = saved(bytes(hostile.plain()))
        monkeypatch.setenv("VIRUS_MAX_PACKAGE_BYTES", "300")
        with pytest.raises(
            PackageError, match=r"expected at most 300 bytes unpacked, found .* raise VIRUS_MAX_PACKAGE_BYTES"
        ):
            package.verify()
        monkeypatch.setenv("VIRUS_MAX_PACKAGE_BYTES", "3000")
        package.verify()

    def test_ratio_is_configurable(self, saved: Save, monkeypatch: pytest.MonkeyPatch) -> None:
        package = saved(hostile.zeros(8))
        with pytest.raises(PackageError, match=r"found [89]\d\d times; to allow it, raise VIRUS_MAX_COMPRESSION_RATIO"):
            package.verify()
        monkeypatch.setenv("VIRUS_MAX_COMPRESSION_RATIO", "1000.5")
        package.verify()

    @pytest.mark.parametrize("name", ["VIRUS_MAX_PACKAGE_BYTES", "VIRUS_MAX_COMPRESSION_RATIO"])
    @pytest.mark.parametrize("value", ["0", "-1", "a lot", "nan"])
    def test_invalid_limit_is_refused(self, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
        monkeypatch.setenv(name, value)
        with pytest.raises(SettingError, match=f"{name} is '{value}'; it must be a positive number such as"):
            PackageLimits.from_environment()

    def test_endless_body_is_not_saved(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VIRUS_MAX_PACKAGE_BYTES", str(3 * MEBIBYTE))
        destination = tmp_path / "package.zip"
        answer = Answer(body=[bytes(MEBIBYTE)] * 50, headers={"Ncbi-Phid": "PHID.1"})
        with ScriptedServer(answer) as server:
            monkeypatch.setenv("NCBI_DATASETS_URL", server.url)
            with DatasetsClient.from_environment() as client, pytest.raises(RequestRefused) as refused:
                client.download(VirusGenomeRequest(taxon="10239"), destination)
            assert len(server.requests) == 1
        assert "more than 3145728 bytes. Narrow the source's filters, or raise VIRUS_MAX_PACKAGE_BYTES" in str(
            refused.value
        )
        assert (refused.value.status, refused.value.attempts, refused.value.ncbi_phid) == (200, 1, "PHID.1")
        assert list(tmp_path.iterdir()) == []


VERIFY = """
    import re, resource, sys
    from pathlib import Path
    from virus_warehouse.ncbi.errors import PackageError
    from virus_warehouse.ncbi.package import DataPackage

    # Without it an allocation of all that a hostile file claims would succeed, and be counted only when touched.
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    # Not from getrusage, which reports the memory of the parent process if that was larger.
    peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
    before = peak()
    try:
        DataPackage(Path(sys.argv[1])).verify()
        print("whole")
    except PackageError as error:
        print("refused")
    print((peak() - before) // 1024)
"""


def verify_in_subprocess(path: Path, **environment: str) -> tuple[str, int]:
    """Verify a package in a separate process; the outcome, and by how many MiB its memory grew."""
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(VERIFY), path],
        env={**os.environ, "PYTHONPATH": str(INCLUDE), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    outcome, mebibytes = run.stdout.split()
    return outcome, int(mebibytes)


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize(
    "name",
    [
        "bomb",
        "claims an exabyte",
        "directory of a million members",
        "directory of ten thousand members",
        "catalog without end",
        "catalog that nests",
    ],
)
def test_memory_stays_small_while_it_is_refused(saved: Save, name: str) -> None:
    outcome, mebibytes = verify_in_subprocess(saved(hostile.HOSTILE[name][1]()).path)
    assert outcome == "refused"
    assert mebibytes < 64


@pytest.mark.slow
@needs_proc
def test_memory_stays_small_while_a_bomb_is_read(saved: Save) -> None:
    outcome, mebibytes = verify_in_subprocess(saved(hostile.zeros(256)).path, VIRUS_MAX_COMPRESSION_RATIO="2000")
    assert outcome == "whole"
    assert mebibytes < 32


@needs_proc
@pytest.mark.parametrize(
    ("length", "crc", "md5"),
    [
        pytest.param(MEBIBYTE, 0xA738EA1C, "b6d81b360a5672d80c27430f39153e2c", id="small"),
        pytest.param(
            (1 << 32) + MEBIBYTE,
            0xC6A48B28,
            "bb5f534251d9b95ad40b14d16f88f709",
            id="more than four gibibytes",
            marks=pytest.mark.long,
        ),
    ],
)
def test_member_with_a_zip64_header_is_valid(tmp_path: Path, length: int, crc: int, md5: str) -> None:
    """The member's bytes are zeros that use no disk space: a sparse hole between its header and the next one."""
    name, path = "ncbi_dataset/data/genomic.fna", tmp_path / "ncbi_dataset.zip"
    members = {name: b"", **data_members(hostile.LINES)}
    catalog = whole(members)[CATALOG].replace(b'"0"', b'"%d"' % length)
    sums = {
        DATA_REPORT: hashlib.md5(members[DATA_REPORT]).hexdigest(),
        CATALOG: hashlib.md5(catalog).hexdigest(),
        name: md5,
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(README, b"# NCBI Datasets\n")
        _write_hole(archive, name, length, crc)
        archive.writestr(DATA_REPORT, members[DATA_REPORT])
        archive.writestr(CATALOG, catalog)
        archive.writestr(MD5_SUMS, "".join(f"{sums[one]}  {one}\n" for one in sums))
    assert path.stat().st_size > length
    assert path.stat().st_blocks * 512 < MEBIBYTE
    outcome, mebibytes = verify_in_subprocess(path)
    assert outcome == "whole"
    assert mebibytes < 32


def _write_hole(archive: zipfile.ZipFile, name: str, length: int, crc: int) -> None:
    member = zipfile.ZipInfo(name)
    member.header_offset = archive.fp.tell()  # type: ignore[union-attr]
    member.CRC, member.file_size, member.compress_size = crc, length, length
    archive.fp.write(member.FileHeader(zip64=True))  # type: ignore[union-attr]
    archive.fp.seek(length, os.SEEK_CUR)  # type: ignore[union-attr]
    archive.start_dir = archive.fp.tell()  # type: ignore[union-attr]
    archive.filelist.append(member)
    archive.NameToInfo[name] = member
