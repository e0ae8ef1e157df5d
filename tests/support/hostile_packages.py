"""Hostile packages: each is valid except for the one fault in its name."""

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from typing import Any

from tests.support.packages import CATALOG, DATA_FOLDER, DATA_REPORT, Members, data_members, whole, with_catalog

LINES = ['{"accession":"PX252254.1","length":29903}', '{"accession":"NC_045512.2","length":29903}']
EXTRA = f"{DATA_FOLDER}/extra.jsonl"

_DIRECTORY_ENTRY = b"PK\x01\x02"
_END = b"PK\x05\x06"
# Offsets of the fields of a directory entry: APPNOTE.TXT 4.3.12, https://support.pkware.com/pkzip/appnote
_FLAGS, _PACKED_BYTES, _BYTES, _ATTRIBUTES, _NAME = 8, 20, 24, 38, 46


def plain(members: Members | None = None) -> bytearray:
    """A valid package without data descriptors: its directory entries have the sizes."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (members or whole(data_members(LINES))).items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return bytearray(target.getvalue())


def entry(package: bytes | bytearray, name: str) -> int:
    """The offset of a member's directory entry."""
    return package.rindex(name.encode()) - _NAME


def patched(offset: int, layout: str, *values: Any, member: str = DATA_REPORT) -> bytes:
    """A package with other values in the directory entry of a member."""
    package = plain()
    struct.pack_into(layout, package, entry(package, member) + offset, *values)
    return bytes(package)


def named(name: str) -> bytes:
    """A package with one more member of that name."""
    return bytes(plain(whole(data_members(LINES, others={name: b"{}\n"}))))


def renamed(old: bytes, new: bytes) -> bytes:
    """A package with bytes replaced in all names, which need not be text."""
    assert len(old) == len(new)
    return bytes(plain(whole(data_members(LINES, others={EXTRA: b"{}\n"})))).replace(old, new)


def of_type(kind: int) -> bytes:
    """A package whose data report is a link, a pipe or a device."""
    return patched(_ATTRIBUTES, "<I", (kind | 0o777) << 16)


def with_entry(name: bytes, like: str = DATA_REPORT) -> bytes:
    """A package with one more directory entry, which points at the bytes of another member."""
    package = plain()
    start = entry(package, like)
    length = struct.unpack_from("<H", package, start + 28)[0]
    again = package[start : start + _NAME] + name
    struct.pack_into("<H", again, 28, len(name))
    assert struct.unpack_from("<HH", package, start + 30) == (0, 0), "the entry must have no extra field or comment"
    assert length == len(like)
    end = package.rindex(_END)
    package[end:end] = again
    count, size = struct.unpack_from("<HI", package, end + len(again) + 10)
    struct.pack_into("<HHI", package, end + len(again) + 8, count + 1, count + 1, size + len(again))
    return bytes(package)


def zip64_claim(size: int) -> bytes:
    """A package whose data report declares that many bytes in a zip64 field."""
    package = plain()
    start = entry(package, DATA_REPORT)
    struct.pack_into("<I", package, start + _BYTES, 0xFFFFFFFF)
    field = struct.pack("<HHQ", 1, 8, size)
    struct.pack_into("<H", package, start + 30, len(field))
    name_end = start + _NAME + len(DATA_REPORT)
    package[name_end:name_end] = field
    end = package.rindex(_END)
    (directory,) = struct.unpack_from("<I", package, end + 12)
    struct.pack_into("<I", package, end + 12, directory + len(field))
    return bytes(package)


def zeros(mebibytes: int) -> bytes:
    """A package with a member that compresses to a thousandth."""
    return bytes(plain(whole(data_members(LINES, others={EXTRA: bytes(mebibytes << 20)}))))


def many_entries(count: int) -> bytes:
    """Only a directory of that many members, all at byte 0."""
    entries = b"".join(
        struct.pack("<4s6H3I5H2I", _DIRECTORY_ENTRY, 45, 45, 0, 0, 0, 33, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0)
        + f"{number:07d}".encode()
        for number in range(count)
    )
    declared_count = min(count, 0xFFFF)
    return entries + struct.pack("<4s4H2IH", _END, 0, 0, declared_count, declared_count, len(entries), 0, 0)


def with_index(content: bytes) -> bytes:
    """A package whose catalog is this."""
    return with_catalog(LINES, content)


HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    **{
        f"name leads out: {name}": ("a path out of it", lambda name=name: named(name))
        for name in (
            "../outside",
            "../../../../../../etc/cron.d/outside",
            f"{DATA_FOLDER}/../../../outside",
            f"{DATA_FOLDER}/..",
            "../",
            "/etc/outside",
            "//server/share/outside",
            "..\\outside",
            "C:/outside",
            "C:\\outside",
            "\\\\server\\share",
        )
    },
    **{
        f"roundabout name: {name}": ("a non-normalized one", lambda name=name: named(name))
        for name in (f"{DATA_FOLDER}/./x.jsonl", "ncbi_dataset//data/x.jsonl", f"./{DATA_REPORT}", "x//")
    },
    "name with a NUL byte": ("printable ASCII", lambda: renamed(b"extra.jsonl", b"extra\0jsonl")),
    "name of another with a NUL byte": ("printable ASCII", lambda: with_entry(f"{DATA_REPORT}\0.txt".encode())),
    "name with a line end": ("printable ASCII", lambda: named(f"{DATA_FOLDER}/x\n{'0' * 32}  README.md")),
    "name that colours a terminal": ("printable ASCII", lambda: named(f"{DATA_FOLDER}/\x1b[31mx")),
    "name in UTF-8": ("printable ASCII", lambda: named(f"{DATA_FOLDER}/données.jsonl")),
    "name that reads backwards": ("printable ASCII", lambda: named(f"{DATA_FOLDER}/\u202elnosj.x")),
    "name in an old code page": ("printable ASCII", lambda: renamed(b"extra.jsonl", b"\x81xtra.jsonl")),
    "name that says UTF-8 and is not": ("central directory", lambda: _not_utf8()),
    "name that differs in the local header": ("File name in directory", lambda: _two_names()),
    "symbolic link": ("a symbolic link", lambda: of_type(stat.S_IFLNK)),
    "named pipe": ("expected a plain file", lambda: of_type(stat.S_IFIFO)),
    "device": ("expected a plain file", lambda: of_type(stat.S_IFCHR)),
    "folder that holds bytes": ("expected a folder to hold nothing", lambda: named(f"{DATA_FOLDER}/folder/")),
    "same member twice": ("expected once, found 2 times", lambda: with_entry(DATA_REPORT.encode())),
    "two members with the same bytes": ("expected bytes of its own", lambda: with_entry(EXTRA.encode())),
    "member that reaches into the next": ("bytes of its own", lambda: patched(_PACKED_BYTES, "<I", 200)),
    "member that reaches into the directory": (
        "bytes of its own",
        lambda: patched(_PACKED_BYTES, "<I", 2000, member="md5sum.txt"),
    ),
    "encrypted": ("encrypted", lambda: patched(_FLAGS, "<H", 0x1)),
    "strongly encrypted": ("encrypted", lambda: patched(_FLAGS, "<H", 0x41)),
    "directory encrypted": ("encrypted", lambda: patched(_FLAGS, "<H", 0x2001)),
    "bomb": ("500 times its", lambda: zeros(8)),
    "claims an exabyte": ("bytes unpacked", lambda: zip64_claim(10**18)),
    "claims all that fits": ("bytes unpacked", lambda: zip64_claim(2**64 - 1)),
    "claims less than it has": ("found damage", lambda: patched(_BYTES, "<I", 10)),
    "claims more than it has": ("found", lambda: patched(_BYTES, "<I", 1000)),
    "directory of a million members": ("a directory of more than", lambda: many_entries(1_000_000)),
    "directory of ten thousand members": ("bytes of its own", lambda: many_entries(10_000)),
    "catalog without end": ("expected at most", lambda: with_index(b'{"assemblies":[' + b"{}," * 400_000 + b"{}]}")),
    "catalog that nests": ("something else", lambda: with_index(b"[" * 100_000)),
    "catalog with a path that leads out": (
        "none",
        lambda: with_index(b'{"assemblies":[{"files":[{"filePath":"../../../etc/passwd"}]}]}'),
    ),
}
"""Packages that must be refused, by their fault, each with words of the reason."""


def _not_utf8() -> bytes:
    package = plain(whole(data_members(LINES, others={f"{DATA_FOLDER}/données.jsonl": b"{}\n"})))
    return bytes(package).replace("données".encode(), b"donn\xff\xfees")


def _two_names() -> bytes:
    package = plain()
    at = package.index(DATA_REPORT.encode())
    package[at : at + len(DATA_REPORT)] = CATALOG[: len(DATA_REPORT)].encode()
    return bytes(package)
