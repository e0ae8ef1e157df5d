"""A data package from NCBI: verified, then read as streams."""

import hashlib
import io
import json
import posixpath
import re
import stat
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any, Self

from virus_warehouse.ncbi.errors import PackageError
from virus_warehouse.ncbi.limits import MAX_BYTES, MAX_COMPRESSION_RATIO, PackageLimits
from virus_warehouse.ncbi.member import open_member

DATA_FOLDER = "ncbi_dataset/data"
CATALOG = f"{DATA_FOLDER}/dataset_catalog.json"
MD5_SUMS = "md5sum.txt"
README = "README.md"
DATA_REPORT = "data_report"
CONTENT = (".jsonl", ".fna", ".faa", ".gff", ".gtf", ".gbff", ".pdb")
"""Name endings of reports and sequence files, in packages of any kind."""

VIRUS_FIELDS = {"accession", "virus"}
"""Every line of a virus data report has one of these; NCBI's other reports have none."""

_CHUNK_BYTES = 1024 * 1024
_LONGEST_INDEX = 1024 * 1024
_LONGEST_READ = 1024 * 1024
_FIRST_LINES_BYTES = 256 * 1024

# Of a local header before its member's name; APPNOTE.TXT 4.3.7, https://support.pkware.com/pkzip/appnote
_LOCAL_HEADER_BYTES = 30
# Encrypted, strongly encrypted, central directory encrypted; APPNOTE.TXT 4.4.4.
_ENCRYPTED = 0x1 | 0x40 | 0x2000

# What zipfile raises on invalid zip files, in some cases unintentionally.
_UNREADABLE = (zipfile.BadZipFile, EOFError, NotImplementedError, OverflowError, ValueError)


class DataPackage:
    """A virus genome data package in a zip file. Nothing is extracted: members are read as streams.

    Args:
        path: the zip file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"DataPackage({str(self.path)!r})"

    def verify(self, *, parts: int | None = None) -> Self:
        """Verify the package, in one pass over its members' bytes and in constant memory.

        NCBI has served truncated zips with a successful status (NCBI issues #277, #360) and valid zips whose CRCs were
        wrong for days (NCBI issue #440). So this checks the central directory, every member's CRC, `md5sum.txt` for
        every data member, and the lengths in the catalog.

        The package is also untrusted input. Members that lead out of the package, are hidden or overlap, are not plain
        files, or exceed `PackageLimits.from_environment()` are rejected before decompression. Intact packages of
        another kind, of genes or of a bacterium, or without a data report are rejected too.

        Args:
            parts: the number of parts that it was joined from; None if it came in one piece. The limits are for a part.

        Returns:
            This package.

        Raises:
            PackageError: for a damaged package or another kind of package; names the member, what was expected and what
                was found.
            OSError: when the file cannot be read.
        """
        with _BoundedFile(self.path) as file, self._archive(file) as archive:
            members = self._checked_directory(archive, PackageLimits.from_environment().joined(parts))
            actual_md5 = {name: self._md5(archive, member) for name, member in members.items()}
            self._check_md5_sums(self._index(archive, members, MD5_SUMS), actual_md5)
            self._check_catalog(self._index(archive, members, CATALOG), members)
            self._check_kind(archive, members)
        return self

    @property
    def report_names(self) -> tuple[str, ...]:
        """The reports of the package, such as `data_report`, including unsupported ones."""
        with self._archive() as archive:
            members = map(PurePosixPath, archive.namelist())
        return tuple(path.stem for path in members if path == PurePosixPath(_report_member(path.stem)))

    def has_report(self, name: str) -> bool:
        """Whether the package holds this one."""
        return name in self.report_names

    def open_report(self, name: str) -> IO[bytes]:
        """The bytes of a report, as a stream to be closed by the caller.

        Args:
            name: one of `report_names`.

        Raises:
            PackageError: the package has no such report.
        """
        return self.open_file(f"{name}.jsonl")

    def has_file(self, name: str) -> bool:
        """Whether the package holds a data file of this name, such as `genomic.fna`."""
        with self._archive() as archive:
            return f"{DATA_FOLDER}/{name}" in archive.namelist()

    def open_file(self, name: str) -> IO[bytes]:
        """The bytes of a data file, as a stream to be closed by the caller.

        Args:
            name: such as `genomic.fna`.

        Raises:
            PackageError: the package has no such file.
        """
        return self.open_member(f"{DATA_FOLDER}/{name}")

    @property
    def members(self) -> tuple[str, ...]:
        """The names of all files of the package, such as `README.md` and `ncbi_dataset/data/genomic.fna`."""
        with self._archive() as archive:
            return tuple(entry.filename for entry in archive.infolist() if not entry.is_dir())

    def open_member(self, name: str) -> IO[bytes]:
        """The bytes of any file of the package, as a stream to be closed by the caller.

        Args:
            name: one of `members`.

        Raises:
            PackageError: the package has no such file.
        """
        with self._archive() as archive:
            try:
                return open_member(archive, archive.getinfo(name))
            except KeyError:
                raise self._error(f"no such file; its reports are {self.report_names}", name) from None

    @property
    def is_empty(self) -> bool:
        """Whether the package is empty: its data report is missing or has no bytes.

        NCBI sends both kinds when no record matches. Only for verified packages, which then have no other report and no
        sequence either.
        """
        with self._archive() as archive:
            lengths = {member.filename: member.file_size for member in archive.infolist()}
        return lengths.get(_report_member(DATA_REPORT), 0) == 0

    def _error(self, reason: str, member: str | None = None) -> PackageError:
        return PackageError(reason, path=self.path, member=member)

    @contextmanager
    def _archive(self, file: IO[bytes] | None = None) -> Iterator[zipfile.ZipFile]:
        try:
            archive = zipfile.ZipFile(file or self.path)
        except _UNREADABLE as error:
            raise self._error(
                f"expected a whole zip file, found {self.path.stat().st_size} bytes without"
                f" a valid central directory ({error})"
            ) from error
        with archive:
            yield archive

    def _checked_directory(self, archive: zipfile.ZipFile, limits: PackageLimits) -> dict[str, zipfile.ZipInfo]:
        """The members by name, after all checks that are possible before decompression."""
        entries = archive.infolist()
        for entry in entries:
            self._check_name(entry)
            self._check_form(entry)
        for name, count in Counter(entry.filename for entry in entries).items():
            if count > 1:
                raise self._error(f"expected once, found {count} times", name)
        self._check_places(archive, entries)
        self._check_size(entries, limits)
        return {entry.filename: entry for entry in entries if not entry.is_dir()}

    def _check_name(self, entry: zipfile.ZipInfo) -> None:
        """Names are used as they are: none may be ambiguous, here or where it is shown."""
        name = entry.filename
        # zipfile ends a name at a NUL byte, and takes another from an extra field.
        if entry.orig_filename != name or not (name.isascii() and name.isprintable()):
            raise self._error("expected a name in printable ASCII, found another", ascii(entry.orig_filename)[1:-1])
        if (
            PurePosixPath(name).is_absolute()
            or PureWindowsPath(name).drive
            or ".." in PurePosixPath(name).parts
            or "\\" in name
        ):
            raise self._error("expected a name inside the package, found a path out of it", name)
        if posixpath.normpath(name) != name.removesuffix("/"):
            raise self._error("expected a plain name, found a non-normalized one", name)

    def _check_form(self, entry: zipfile.ZipInfo) -> None:
        name, kind = entry.filename, stat.S_IFMT(entry.external_attr >> 16)
        if entry.flag_bits & _ENCRYPTED:
            raise self._error("expected plain data, found an encrypted member", name)
        if entry.compress_type not in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
            raise self._error(f"expected a stored or deflated member, found method {entry.compress_type}", name)
        if kind not in (0, stat.S_IFDIR if entry.is_dir() else stat.S_IFREG):
            link = "a symbolic link" if stat.S_ISLNK(kind) else f"one of type {kind:#o}"
            raise self._error(f"expected a plain file, found {link}", name)
        if entry.is_dir() and entry.file_size:
            raise self._error(f"expected a folder to hold nothing, found {entry.file_size} bytes", name)

    def _check_places(self, archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
        """Members may not overlap: zip bombs without nesting are made of members that share bytes.

        David Fifield, "A better zip bomb", https://www.bamsoftware.com/hacks/zipbomb/
        """
        ordered = sorted(entries, key=lambda entry: entry.header_offset)
        starts = [*(entry.header_offset for entry in ordered), archive.start_dir]
        for entry, (start, next_start) in zip(ordered, pairwise(starts), strict=True):
            end = start + _LOCAL_HEADER_BYTES + len(entry.filename) + entry.compress_size
            if start < 0 or end > next_start:
                raise self._error(
                    f"expected bytes of its own, found it at bytes {start} to {end} and what follows at {next_start}",
                    entry.filename,
                )

    def _check_size(self, entries: list[zipfile.ZipInfo], limits: PackageLimits) -> None:
        unpacked = sum(entry.file_size for entry in entries)
        if unpacked > limits.bytes:
            raise self._error(
                f"expected at most {limits.bytes} bytes unpacked, found {unpacked}; to allow it, raise {MAX_BYTES}"
            )
        packed = self.path.stat().st_size
        if unpacked > packed * limits.compression_ratio:
            raise self._error(
                f"expected at most {limits.compression_ratio:g} times its {packed} bytes unpacked, found"
                f" {unpacked / packed:.0f} times; to allow it, raise {MAX_COMPRESSION_RATIO}"
            )

    def _chunks(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
        """The member's bytes; at the end its length and CRC have been checked."""
        length = 0
        try:
            with open_member(archive, member) as stream:
                while chunk := stream.read(_CHUNK_BYTES):
                    length += len(chunk)
                    yield chunk
        except _UNREADABLE as error:
            raise self._error(
                f"expected {member.file_size} bytes with CRC {member.CRC:08x}, found damage ({error})",
                member.filename,
            ) from error
        # Data may end early with a correct CRC.
        if length != member.file_size:
            raise self._error(f"expected {member.file_size} bytes, found {length}", member.filename)

    def _md5(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
        md5 = hashlib.md5(usedforsecurity=False)
        for chunk in self._chunks(archive, member):
            md5.update(chunk)
        return md5.hexdigest()

    def _index(self, archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], name: str) -> str:
        """The text of one of the two small members that list the package's contents."""
        if name not in members:
            raise self._error("expected in every package, found none", name)
        if members[name].file_size > _LONGEST_INDEX:
            raise self._error(f"expected at most {_LONGEST_INDEX} bytes, found {members[name].file_size}", name)
        try:
            return b"".join(self._chunks(archive, members[name])).decode("utf-8")
        except UnicodeDecodeError as error:
            raise self._error(f"expected UTF-8 text, found other bytes ({error})", name) from error

    def _check_md5_sums(self, text: str, actual: Mapping[str, str]) -> None:
        expected: dict[str, str] = {}
        for line in filter(str.strip, text.splitlines()):
            entry = re.fullmatch(r"([0-9a-fA-F]{32}) [ *](.+)", line)
            if entry is None:
                raise self._error(f"expected lines of an MD5 sum and a name, found {line[:200]!r}", MD5_SUMS)
            expected[entry[2]] = entry[1].lower()
        for name in sorted(actual.keys() - expected.keys() - {README, MD5_SUMS}):
            raise self._error(f"expected a line in {MD5_SUMS} for it, found none", name)
        for name, md5 in expected.items():
            if name not in actual:
                raise self._error(f"expected a member, as {MD5_SUMS} lists it, found none", name)
            if actual[name] != md5:
                raise self._error(f"expected MD5 {md5} ({MD5_SUMS}), found {actual[name]}", name)

    def _check_catalog(self, text: str, members: Mapping[str, zipfile.ZipInfo]) -> None:
        try:
            listed = [
                (posixpath.normpath(posixpath.join(DATA_FOLDER, file["filePath"])), _length(file))
                for assembly in json.loads(text)["assemblies"]
                for file in assembly["files"]
            ]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self._error(
                f"expected a JSON catalog of assemblies and their files, found something else ({error!r})",
                CATALOG,
            ) from error
        for name, length in listed:
            if name not in members:
                raise self._error(f"expected a member, as {CATALOG} lists it, found none", name)
            if length is not None and length != members[name].file_size:
                raise self._error(f"expected {length} bytes ({CATALOG}), found {members[name].file_size}", name)

    def _check_kind(self, archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo]) -> None:
        """Check that it is a virus package with a data report: otherwise it could be mistaken for an empty one."""
        name = _report_member(DATA_REPORT)
        report = members.get(name)
        if report is None or report.file_size == 0:
            content = [other for other, member in members.items() if member.file_size and other.endswith(CONTENT)]
            if content:
                raise self._error(f"expected the data report of a virus package, found none beside {content[0]}", name)
            return
        with open_member(archive, report) as stream:
            first = [set(record) for record in _records(stream.read(_FIRST_LINES_BYTES)) if record]
        if first and not any(names & VIRUS_FIELDS for names in first):
            raise self._error(
                f"expected records of virus genomes, found lines of {', '.join(sorted(first[0])[:5])}: this is not a "
                f"virus package",
                name,
            )


class _BoundedFile(io.BufferedReader):
    """A file that is never read in large pieces: zipfile would load a directory of any size."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = _LONGEST_READ + 1 if size is None or size < 0 else min(size, _LONGEST_READ + 1)
        content = super().read(wanted)
        if len(content) > _LONGEST_READ:
            raise zipfile.BadZipFile(f"a directory of more than {_LONGEST_READ} bytes")
        return content


def _report_member(name: str) -> str:
    return f"{DATA_FOLDER}/{name}.jsonl"


def _records(lines: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects among these lines, the last of which may be truncated."""
    for line in lines.splitlines():
        with suppress(ValueError, RecursionError):
            record = json.loads(line)
            if isinstance(record, dict):
                yield record


def _length(file: Mapping[str, Any]) -> int | None:
    """A catalog entry's length in bytes; None where it is left out, as NCBI's JSON does for zeros."""
    length = file.get("uncompressedLengthBytes")
    return None if length is None else int(length)
