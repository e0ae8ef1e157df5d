"""Several packages become one, in the layout of NCBI's own."""

import json
import zipfile
from pathlib import Path

import pytest

from tests.support import packages
from tests.support.warehouses import line
from virus_warehouse.ncbi.errors import PackageError
from virus_warehouse.ncbi.joined_package import join_packages
from virus_warehouse.ncbi.package import DataPackage

GENOMES = f"{packages.DATA_FOLDER}/genomic.fna"


def part(folder: Path, name: str, content: bytes) -> DataPackage:
    path = folder / f"{name}.zip"
    path.write_bytes(content)
    return DataPackage(path).verify()


def test_every_file_has_the_lines_of_all_parts_in_their_order(tmp_path: Path) -> None:
    first = packages.package([line("PX1.1"), line("PX2.1")], others={GENOMES: b">PX1.1\nAC\n>PX2.1\nG"})
    second = packages.package([line("PX3.1")], ['{"accession":"PX3.1"}'], others={GENOMES: b">PX3.1\nT\n"})
    nothing = packages.package(None)
    parts = [part(tmp_path, str(number), content) for number, content in enumerate((first, second, nothing))]
    joined = tmp_path / "joined.zip"
    join_packages(parts, joined)
    package = DataPackage(joined).verify()
    assert [json.loads(text)["accession"] for text in package.open_report("data_report")] == ["PX1.1", "PX2.1", "PX3.1"]
    assert package.open_report("annotation_report").read() == b'{"accession":"PX3.1"}\n'
    assert package.open_file("genomic.fna").read() == b">PX1.1\nAC\n>PX2.1\nG\n>PX3.1\nT\n"


def test_layout_is_that_of_a_package_that_came_whole(tmp_path: Path) -> None:
    reports = ([line("PX1.1")], ['{"accession":"PX1.1"}'], ['{"accession":"SAM1"}'])
    whole = part(tmp_path, "1", packages.package(*reports, others={GENOMES: b">PX1.1\nACGT\n"}))
    joined = tmp_path / "joined.zip"
    join_packages([whole], joined)
    assert DataPackage(joined).members == whole.members
    with zipfile.ZipFile(whole.path) as theirs, zipfile.ZipFile(joined) as ours:
        assert json.loads(ours.read(packages.CATALOG)) == json.loads(theirs.read(packages.CATALOG))
        for name in whole.members:
            if name not in (packages.CATALOG, packages.MD5_SUMS):
                assert ours.read(name) == theirs.read(name)


def test_damaged_part_is_named(tmp_path: Path) -> None:
    parts = [part(tmp_path, name, packages.package([line(f"PX{name}.1")] * 100)) for name in "12"]
    content = bytearray(parts[1].path.read_bytes())
    with zipfile.ZipFile(parts[1].path) as archive:
        member = archive.getinfo(packages.DATA_REPORT)
    content[member.header_offset + 50 + len(member.filename) + member.compress_size // 2] ^= 0xFF
    parts[1].path.write_bytes(content)
    with pytest.raises(PackageError, match="damaged since it was verified") as damaged:
        join_packages(parts, tmp_path / "joined.zip")
    assert (damaged.value.path, damaged.value.member) == (parts[1].path, packages.DATA_REPORT)
