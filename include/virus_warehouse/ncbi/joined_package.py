"""One package made of the parts that NCBI delivered, in the layout of NCBI's own."""

import hashlib
import json
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from virus_warehouse.ncbi.errors import PackageError
from virus_warehouse.ncbi.package import CATALOG, CONTENT, DATA_FOLDER, MD5_SUMS, README, DataPackage

_ORDER = ("data_report.jsonl", "annotation_report.jsonl", "biosample_report.jsonl", "genomic.fna", "cds.fna")
"""NCBI's order of the data files; `protein.faa` and others follow."""

_CHUNK_BYTES = 1024 * 1024


def join_packages(parts: Sequence[DataPackage], destination: Path) -> None:
    """Join verified packages into one: each data file has the lines of all parts, in the order of the parts.

    They are copied from disk to disk in pieces. A file that is no report and no FASTA file is taken from the first part
    that has it.

    Args:
        parts: the packages, one at least.
        destination: the file to write.

    Raises:
        PackageError: when a part was damaged since it was verified; its `path` is the part's.
    """
    having = _parts_by_member(parts)
    with destination.open("wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as joined:
            if README in having:
                _write(joined, README, _contents(having[README][:1], README))
            lengths, sums = {}, {}
            for name in sorted(having.keys() - {README, CATALOG, MD5_SUMS}, key=_rank):
                sources = having[name] if name.endswith(CONTENT) else having[name][:1]
                lengths[name], sums[name] = _write(joined, name, _contents(sources, name))
            catalog = _catalog_text(lengths, _file_types(parts))
            _, sums[CATALOG] = _write(joined, CATALOG, [catalog.encode()])
            _write(joined, MD5_SUMS, [f"{md5}  {name}\n".encode() for name, md5 in sums.items()])
        # The ledger will refer to this file: it must survive a power cut.
        file.flush()
        os.fsync(file.fileno())


def _parts_by_member(parts: Sequence[DataPackage]) -> dict[str, list[DataPackage]]:
    """The parts that have a member, by its name."""
    having: dict[str, list[DataPackage]] = {}
    for part in parts:
        for name in part.members:
            having.setdefault(name, []).append(part)
    return having


def _rank(name: str) -> tuple[int, str]:
    """The place of a data file in NCBI's order."""
    file = name.removeprefix(f"{DATA_FOLDER}/")
    return (_ORDER.index(file) if file in _ORDER else len(_ORDER), file)


def _contents(parts: Sequence[DataPackage], name: str) -> Iterator[bytes]:
    """The bytes of a member of these parts, each of which ends with a line end."""
    for part in parts:
        try:
            with part.open_member(name) as stream:
                chunk = b"\n"
                while more := stream.read(_CHUNK_BYTES):
                    yield (chunk := more)
        except (zipfile.BadZipFile, EOFError) as error:
            raise PackageError(f"damaged since it was verified ({error})", path=part.path, member=name) from error
        if not chunk.endswith(b"\n"):
            yield b"\n"


def _write(archive: zipfile.ZipFile, name: str, chunks: Iterator[bytes] | Sequence[bytes]) -> tuple[int, str]:
    """Write a member; returns its length and its MD5 sum, in hex."""
    info = zipfile.ZipInfo(name, datetime.now(UTC).timetuple()[:6])
    info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
    length, md5 = 0, hashlib.md5(usedforsecurity=False)
    with archive.open(info, "w", force_zip64=True) as member:
        for chunk in chunks:
            member.write(chunk)
            md5.update(chunk)
            length += len(chunk)
    return length, md5.hexdigest()


def _file_types(parts: Sequence[DataPackage]) -> dict[str, str]:
    """The types of data files that the catalogs of the parts give."""
    types: dict[str, str] = {}
    for part in parts:
        for assembly in json.loads(b"".join(_contents([part], CATALOG)))["assemblies"]:
            types |= {file["filePath"]: file["fileType"] for file in assembly["files"] if file.get("fileType")}
    return types


def _catalog_text(lengths: Mapping[str, int], types: Mapping[str, str]) -> str:
    """The catalog of data files of these lengths in bytes, with NCBI's names; the catalog does not list itself."""
    files = [
        {
            "filePath": (file := name.removeprefix(f"{DATA_FOLDER}/")),
            **({"fileType": types[file]} if file in types else {}),
            "uncompressedLengthBytes": str(length),
        }
        for name, length in lengths.items()
    ]
    return json.dumps({"apiVersion": "V2", "assemblies": [{"files": files}]}, indent=2) + "\n"
