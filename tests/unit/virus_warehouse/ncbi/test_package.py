import random
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import packages
from virus_warehouse.ncbi.errors import PackageError
from virus_warehouse.ncbi.package import DataPackage

GENUINE = Path(__file__).parents[5] / "shared/ncbi/samples/package_2026-06/ncbi_dataset.zip"
Save = Callable[[bytes], DataPackage]

LINES = ['{"accession":"PX252254.1","length":29903}', '{"accession":"NC_045512.2","length":29903}']


@pytest.fixture
def saved(tmp_path: Path) -> Save:
    def save(content: bytes) -> DataPackage:
        path = tmp_path / "ncbi_dataset.zip"
        path.write_bytes(content)
        return DataPackage(path)

    return save


def test_genuine_package_is_whole() -> None:
    if not GENUINE.exists():
        pytest.skip("NCBI's genuine package is not beside this checkout (../shared/ncbi/samples)")
    package = DataPackage(GENUINE).verify()
    assert package.report_names == ("data_report",)
    assert not package.is_empty
    with package.open_report("data_report") as report:
        assert report.read().startswith(b'{"accession":"NC_045512.2"')


@pytest.mark.parametrize("streamed", [True, False])
def test_whole_package_is_read_as_streams(saved: Save, streamed: bool) -> None:
    package = saved(packages.package(LINES, ["{}"], ["{}", "{}"], streamed=streamed)).verify()
    assert package.report_names == ("data_report", "annotation_report", "biosample_report")
    assert not package.is_empty
    with package.open_report("data_report") as report:
        assert [line.decode().rstrip() for line in report] == LINES


def test_package_of_2025_with_its_description_is_whole(saved: Save) -> None:
    members = packages.data_members(LINES, others={"ncbi_dataset/data/virus_dataset.md": b"# Virus\n"})
    assert saved(packages.zipped(packages.whole(members))).verify().report_names == ("data_report",)


def test_catalog_without_lengths_is_accepted(saved: Save) -> None:
    catalog = b'{"assemblies": [{"files": [{"filePath": "data_report.jsonl"}]}]}'
    assert saved(packages.with_catalog(LINES, catalog)).verify()


@pytest.mark.parametrize("nasty", packages.NASTY)
def test_malformed_package_is_refused(saved: Save, nasty: str) -> None:
    package = saved(packages.NASTY[nasty](LINES))
    with pytest.raises(PackageError) as refused:
        package.verify()
    assert str(package.path) in str(refused.value)
    assert "expected" in refused.value.reason
    assert refused.value.path == package.path


@pytest.mark.parametrize(
    ("nasty", "member"),
    [
        ("bad CRC", packages.DATA_REPORT),
        ("damaged data", packages.DATA_REPORT),
        ("MD5 off", packages.DATA_REPORT),
        ("MD5 sum of an absent member", packages.DATA_REPORT),
        ("catalog length off", packages.DATA_REPORT),
        ("duplicate member", packages.DATA_REPORT),
        ("no MD5 sums", packages.MD5_SUMS),
        ("no catalog", packages.CATALOG),
        ("catalog lists an absent member", packages.BIOSAMPLE_REPORT),
        ("member name leads out", "../../outside.jsonl"),
        ("encrypted", packages.README),
    ],
)
def test_refusal_names_the_member(saved: Save, nasty: str, member: str) -> None:
    with pytest.raises(PackageError) as refused:
        saved(packages.NASTY[nasty](LINES)).verify()
    assert refused.value.member == member
    assert member in str(refused.value)


def test_refusal_names_both_md5_sums(saved: Save) -> None:
    with pytest.raises(PackageError, match=r"expected MD5 [0-9a-f]{32} \(md5sum.txt\), found [0-9a-f]{32}"):
        saved(packages.NASTY["MD5 off"](LINES)).verify()


@pytest.mark.parametrize("empty", packages.EMPTY)
def test_package_without_records_is_whole_and_empty(saved: Save, empty: str) -> None:
    assert saved(packages.EMPTY[empty]()).verify().is_empty


GENE = '{"annotations":[],"description":"phosphofructokinase","geneId":"17252077","proteinCount":1,"taxId":"280463"}'
ANNOTATION = '{"accession":"PX252254.1","genes":[]}'
FASTA = {f"{packages.DATA_FOLDER}/genomic.fna": b">PX252254.1\nACGT\n"}

NO_VIRUS_PACKAGE: dict[str, tuple[bytes, str]] = {
    "genes": (packages.package([GENE] * 10), "found lines of annotations, description, geneId"),
    "annotation without its genomes": (packages.package(None, [ANNOTATION]), "none beside .*annotation_report.jsonl"),
    "annotation beside no records": (packages.package([], [ANNOTATION]), "none beside .*annotation_report.jsonl"),
    "sequences alone": (packages.package(None, others=FASTA), "none beside .*genomic.fna"),
    "an assembly": (
        packages.package(None, others={f"{packages.DATA_FOLDER}/assembly_data_report.jsonl": b"{}\n", **FASTA}),
        "none beside .*assembly_data_report.jsonl",
    ),
}


@pytest.mark.parametrize("kind", NO_VIRUS_PACKAGE)
def test_valid_zip_that_is_not_a_virus_package_is_refused(saved: Save, kind: str) -> None:
    content, reason = NO_VIRUS_PACKAGE[kind]
    with pytest.raises(PackageError, match=reason):
        saved(content).verify()


@pytest.mark.parametrize("lines", [["{"], ["{}"], ["5", "[]"], [GENE, LINES[0]], ['{"virus":{}}']])
def test_odd_lines_are_not_a_reason_to_refuse(saved: Save, lines: list[str]) -> None:
    assert not saved(packages.package(lines)).verify().is_empty


def test_absent_report_is_named(saved: Save) -> None:
    package = saved(packages.package(LINES))
    assert not package.has_report("biosample_report")
    with pytest.raises(PackageError, match=r"biosample_report\.jsonl: no such file"):
        package.open_report("biosample_report")


def test_absent_file_is_not_a_damaged_package(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        DataPackage(tmp_path / "absent.zip").verify()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "ncbi_dataset.zip"


WHOLE = packages.package([f'{{"accession":"PX{number}.1"}}' for number in range(100)], ["{}"])


@settings(max_examples=300, deadline=None)
@given(position=st.integers(0, len(WHOLE) - 1), value=st.integers(0, 255), length=st.sampled_from([1, 1, 2, 8]))
def test_overwritten_bytes_are_never_read_as_other_data(scratch: Path, position: int, value: int, length: int) -> None:
    scratch.write_bytes((WHOLE[:position] + bytes([value]) * length + WHOLE[position + length :])[: len(WHOLE)])
    package = DataPackage(scratch)
    try:
        package.verify()
    except PackageError:
        return
    with package.open_report("data_report") as report:
        assert report.read().count(b"\n") == 100


@settings(max_examples=100, deadline=None)
@given(length=st.integers(0, len(WHOLE) - 1))
def test_truncated_package_is_never_accepted(scratch: Path, length: int) -> None:
    scratch.write_bytes(WHOLE[:length])
    with pytest.raises(PackageError):
        DataPackage(scratch).verify()


@pytest.mark.slow
def test_memory_does_not_grow_with_the_package(saved: Save) -> None:
    noise = random.Random(2).randbytes(1024 * 1024) * 64
    members = packages.data_members(LINES, others={"ncbi_dataset/data/genomic.fna": noise})
    package = saved(packages.zipped(packages.whole(members)))
    del noise, members
    tracemalloc.start()
    try:
        package.verify()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 1024 * 1024
