"""Data packages in NCBI's layout, valid and broken, made from report lines."""

import hashlib
import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping

DATA_FOLDER = "ncbi_dataset/data"
DATA_REPORT = f"{DATA_FOLDER}/data_report.jsonl"
ANNOTATION_REPORT = f"{DATA_FOLDER}/annotation_report.jsonl"
BIOSAMPLE_REPORT = f"{DATA_FOLDER}/biosample_report.jsonl"
CATALOG = f"{DATA_FOLDER}/dataset_catalog.json"
MD5_SUMS = "md5sum.txt"
README = "README.md"

_FILE_TYPES = {
    DATA_REPORT: "DATA_REPORT",
    ANNOTATION_REPORT: "ANNOTATION_REPORT",
    BIOSAMPLE_REPORT: "BIOSAMPLE_REPORT",
    f"{DATA_FOLDER}/genomic.fna": "GENOMIC_NUCLEOTIDE_FASTA",
}

Members = dict[str, bytes]


def data_members(
    data_report: Iterable[str] | None,
    annotation_report: Iterable[str] | None = None,
    biosample_report: Iterable[str] | None = None,
    others: Mapping[str, bytes] | None = None,
    **new_reports: Iterable[str],
) -> Members:
    """The data members that hold these lines; None leaves a report out, no lines make it empty."""
    reports = {
        DATA_REPORT: data_report,
        ANNOTATION_REPORT: annotation_report,
        BIOSAMPLE_REPORT: biosample_report,
        **{f"{DATA_FOLDER}/{name}.jsonl": lines for name, lines in new_reports.items()},
    }
    members = {
        name: "".join(f"{line}\n" for line in lines).encode() for name, lines in reports.items() if lines is not None
    }
    return members | dict(others or {})


def catalog(members: Mapping[str, bytes]) -> bytes:
    files = [
        {
            "filePath": name.removeprefix(f"{DATA_FOLDER}/"),
            "fileType": _FILE_TYPES.get(name, "README"),
            "uncompressedLengthBytes": str(len(content)),
        }
        for name, content in members.items()
    ]
    return json.dumps({"apiVersion": "V2", "assemblies": [{"files": files}]}, indent=2).encode()


def md5_sums(members: Mapping[str, bytes]) -> bytes:
    return "".join(f"{hashlib.md5(content).hexdigest()}  {name}\n" for name, content in members.items()).encode()


def whole(members: Mapping[str, bytes]) -> Members:
    """These data members with the other members of a package, in NCBI's order."""
    data = {**members, CATALOG: catalog(members)}
    return {README: b"# NCBI Datasets\n", **data, MD5_SUMS: md5_sums(data)}


def zipped(members: Mapping[str, bytes] | Iterable[tuple[str, bytes]], *, streamed: bool = True) -> bytes:
    """A zip of these members; if streamed, with data descriptors and zip64 fields, as NCBI's packages have."""
    target = io.BytesIO()
    pairs = members.items() if isinstance(members, Mapping) else members
    with (
        warnings.catch_warnings(action="ignore"),
        zipfile.ZipFile(_Unseekable(target) if streamed else target, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, content in pairs:
            with archive.open(_member(name), "w", force_zip64=streamed) as stream:
                stream.write(content)
    return target.getvalue()


def package(*args: Iterable[str] | None, streamed: bool = True, **kwargs: Iterable[str] | None) -> bytes:
    """A complete package of these report lines, with the arguments of `data_members`."""
    return zipped(whole(data_members(*args, **kwargs)), streamed=streamed)  # type: ignore[arg-type]


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, date_time=(2026, 6, 1, 12, 0, 0))
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = 0o600 << 16
    return member


class _Unseekable(io.RawIOBase):
    """A file that zipfile must write to like to a network connection."""

    def __init__(self, target: io.BytesIO) -> None:
        self._target = target

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        return self._target.write(content)


def _bad_crc(lines: list[str]) -> bytes:
    content = package(lines)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        crc = archive.getinfo(DATA_REPORT).CRC
    return content.replace(struct.pack("<I", crc), struct.pack("<I", crc ^ 0x2A))


def _damaged_data(lines: list[str]) -> bytes:
    content = bytearray(package(lines))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        member = archive.getinfo(DATA_REPORT)
    # The local header is 30 bytes, the name and a zip64 field of 20.
    middle = member.header_offset + 50 + len(DATA_REPORT) + member.compress_size // 2
    content[middle] ^= 0xFF
    return bytes(content)


def _changed(lines: list[str], change: Callable[[Members], object]) -> bytes:
    members = whole(data_members(lines))
    change(members)
    return zipped(members)


def with_catalog(lines: list[str], content: bytes) -> bytes:
    """A package whose catalog is this, with an MD5 sum that agrees."""
    members = whole(data_members(lines))
    members[CATALOG] = content
    data = {name: members[name] for name in (DATA_REPORT, CATALOG)}
    return zipped({**members, MD5_SUMS: md5_sums(data)})


def _encrypted(lines: list[str]) -> bytes:
    content = bytearray(package(lines))
    entry = content.index(b"PK\x01\x02")
    content[entry + 8] |= 0x01
    return bytes(content)


def _wrong_length_in_catalog(lines: list[str]) -> bytes:
    longer = data_members([*lines, "{}"])
    return with_catalog(lines, catalog(longer))


NASTY: dict[str, Callable[[list[str]], bytes]] = {
    "nothing at all": lambda lines: b"",
    "not a zip": lambda lines: b"<html><body>Service unavailable</body></html>",
    "truncated": lambda lines: package(lines)[:-100],
    "half": lambda lines: package(lines)[: len(package(lines)) // 2],
    "bad CRC": _bad_crc,
    "damaged data": _damaged_data,
    "encrypted": _encrypted,
    "MD5 off": lambda lines: _changed(lines, lambda members: members.update({DATA_REPORT: members[DATA_REPORT][::-1]})),
    "no MD5 sums": lambda lines: _changed(lines, lambda members: members.pop(MD5_SUMS)),
    "MD5 sums of nothing": lambda lines: _changed(lines, lambda members: members.update({MD5_SUMS: b""})),
    "garbled MD5 sums": lambda lines: _changed(lines, lambda members: members.update({MD5_SUMS: b"\xff garbage"})),
    "MD5 sum of an absent member": lambda lines: _changed(lines, lambda members: members.pop(DATA_REPORT)),
    "unlisted member": lambda lines: _changed(
        lines, lambda members: members.update({f"{DATA_FOLDER}/extra.jsonl": b"{}\n"})
    ),
    "no catalog": lambda lines: zipped(
        {**data_members(lines), MD5_SUMS: md5_sums(data_members(lines)), README: b"# NCBI Datasets\n"}
    ),
    "catalog is no JSON": lambda lines: with_catalog(lines, b"{"),
    "catalog of another shape": lambda lines: with_catalog(lines, b'{"assemblies": [{"files": "all"}]}'),
    "catalog lists an absent member": lambda lines: with_catalog(
        lines, catalog(data_members(lines, biosample_report=["{}"]))
    ),
    "catalog length off": _wrong_length_in_catalog,
    "member name leads out": lambda lines: zipped(whole(data_members(lines, others={"../../outside.jsonl": b"{}\n"}))),
    "absolute member name": lambda lines: zipped(whole(data_members(lines, others={"/etc/outside": b"{}\n"}))),
    "duplicate member": lambda lines: zipped(
        [*whole(data_members(lines)).items(), (DATA_REPORT, data_members(lines)[DATA_REPORT])]
    ),
}
"""Packages that must be refused, by their fault; each is made from the lines of a data report."""

EMPTY: dict[str, Callable[[], bytes]] = {
    "empty report": lambda: package([]),
    "absent report": lambda: package(None),
}
"""Valid packages without matching records."""
