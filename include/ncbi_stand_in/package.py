"""A data package as a stream: a zip in NCBI's form, made in memory that does not grow with its size.

The form is that of a package served in June 2026 (contract notes, section 3): deflate, version 4.5, no sizes
in the local headers, 64-bit data descriptors, `md5sum.txt` last.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

DATA_FOLDER = "ncbi_dataset/data/"
DATA_REPORT = "data_report.jsonl"
CHUNK_BYTES = 1 << 16

ZIP64_VERSION = 45
_SIZES = slice(18, 26)
"""The position of both sizes in a local header: PKWARE's APPNOTE.TXT, section 4.3.7."""

README = """# NCBI Datasets stand-in

This package did not come from NCBI. Its records, sequences, people and institutions are made up: they look
like NCBI's virus records so that software can be tried out, and say nothing about any real virus, patient or
place. Do not submit them anywhere, and do not draw conclusions from them.

The data files are under `ncbi_dataset/data/`, in the layout of an NCBI virus data package.
"""


@dataclass(frozen=True)
class DataFile:
    """A file of the package: name, type in the catalog, and content by line."""

    name: str
    file_type: str
    lines: Iterable[bytes]


@dataclass(frozen=True)
class WrittenFile:
    """A data file that has been written to the zip."""

    name: str
    file_type: str
    length: int
    md5: str


class Package:
    """A package of data files. Its bytes are generated while they are read, and can be read only once.

    `data_files` are its contents. `catalog_text` and `md5sum_text` write the two files that describe them; faults
    replace them to write wrong ones.
    """

    def __init__(self, data_files: Iterable[DataFile], written_at: datetime) -> None:
        self.catalog_text: Callable[[list[WrittenFile]], str] = catalog_text
        self.md5sum_text: Callable[[dict[str, str]], str] = md5sum_text
        self.data_files = data_files
        self._written_at = written_at.timetuple()[:6]

    def __iter__(self) -> Iterator[bytes]:
        """The bytes of the zip, in chunks of some tens of kilobytes."""
        sink = _Sink()
        with ZipFile(sink, "w", ZIP_DEFLATED) as archive:
            yield from self._write(archive, sink, "README.md", [README.encode()])
            written = []
            for data_file in self.data_files:
                digest = _Digest(data_file.lines)
                yield from self._write(archive, sink, DATA_FOLDER + data_file.name, digest)
                written.append(WrittenFile(data_file.name, data_file.file_type, digest.length, digest.md5.hexdigest()))
            catalog = self.catalog_text(written).encode()
            catalog_name = "dataset_catalog.json"
            yield from self._write(archive, sink, DATA_FOLDER + catalog_name, [catalog])
            catalog_md5 = hashlib.md5(catalog, usedforsecurity=False).hexdigest()
            md5s = {**{file.name: file.md5 for file in written}, catalog_name: catalog_md5}
            yield from self._write(archive, sink, "md5sum.txt", [self.md5sum_text(md5s).encode()])
        yield sink.take()

    def _write(self, archive: ZipFile, sink: "_Sink", path: str, lines: Iterable[bytes]) -> Iterator[bytes]:
        info = _StreamedZipInfo(path, self._written_at)
        info.create_version = info.extract_version = ZIP64_VERSION
        info.compress_type = ZIP_DEFLATED
        info.external_attr = 0o600 << 16
        info.create_system = 3
        with archive.open(info, "w", force_zip64=True) as member:
            yield from _deflate(member, sink, lines)


def catalog_text(files: list[WrittenFile]) -> str:
    """The text of `dataset_catalog.json`, in NCBI's unusual layout. The catalog does not list itself."""
    entries = ",\n".join(
        "    {\n"
        f'      "filePath": "{file.name}",\n'
        f'      "fileType": "{file.file_type}",\n'
        f'      "uncompressedLengthBytes": "{file.length}"\n'
        "    }"
        for file in files
    )
    return f'{{\n"apiVersion": "V2",\n"assemblies": [\n{{\n  "files": [\n{entries}\n  ]\n}}]}}\n'


def md5sum_text(md5s: dict[str, str]) -> str:
    """The text of `md5sum.txt`: every data file and the catalog, but not the README."""
    return "".join(f"{md5}  {DATA_FOLDER}{name}\n" for name, md5 in md5s.items())


def _deflate(member: IO[bytes], sink: "_Sink", lines: Iterable[bytes]) -> Iterator[bytes]:
    batch: list[bytes] = []
    batch_bytes = 0
    for line in lines:
        batch.append(line)
        batch_bytes += len(line)
        if batch_bytes >= CHUNK_BYTES:
            member.write(b"".join(batch))
            batch, batch_bytes = [], 0
            if sink.size >= CHUNK_BYTES:
                yield sink.take()
    member.write(b"".join(batch))


class _Digest:
    """Counts and hashes lines while they are read."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self.length = 0
        self.md5 = hashlib.md5(usedforsecurity=False)

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.length += len(line)
            self.md5.update(line)
            yield line


class _StreamedZipInfo(ZipInfo):
    """A member whose sizes are in the data descriptor. Its local header has the maximum values instead, as NCBI's do.

    Python does the same from 3.11.4 on, but writes zeros in earlier versions.
    """

    def FileHeader(self, zip64: bool | None = None) -> bytes:  # noqa: N802 (as in zipfile)
        header = super().FileHeader(zip64)
        return header[: _SIZES.start] + b"\xff" * (_SIZES.stop - _SIZES.start) + header[_SIZES.stop :]


class _Sink:
    """The output of the zip. It cannot seek, so that zipfile writes data descriptors, as NCBI does."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: the data is already where the reader takes it."""

    def close(self) -> None:
        """Do nothing: zipfile requires this method."""

    def take(self) -> bytes:
        """Everything written since the last call."""
        data = b"".join(self._parts)
        self._parts, self.size = [], 0
        return data
