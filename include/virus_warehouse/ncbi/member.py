"""A zip member, decompressed with ISA-L: twice as fast as zlib, and three times for its CRC."""

import copy
import io
import zipfile
from typing import IO

from isal import isal_zlib

_DEFLATED_AT_ONCE = 64 << 10
_INFLATED_AT_ONCE = 128 << 10
_RAW_DEFLATE = -15
"""A 32 KiB window, without header and checksum."""


def open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    """The bytes of a member, as a stream to be closed by the caller; it outlives the archive object.

    Args:
        archive: opened by `zipfile`, which checks everything before a member's bytes.
        member: one of its entries.

    Raises:
        zipfile.BadZipFile: here or at any read, for invalid deflate data or more bytes than declared; at the end, for
            a wrong CRC.
    """
    if member.compress_type != zipfile.ZIP_DEFLATED:
        return archive.open(member)
    deflated = copy.copy(member)
    deflated.compress_type, deflated.file_size = zipfile.ZIP_STORED, member.compress_size
    deflated.CRC = None  # type: ignore[assignment] # of the inflated bytes: not for zipfile to check
    return io.BufferedReader(_Inflated(archive.open(deflated), member), _INFLATED_AT_ONCE)


class _Inflated(io.RawIOBase):
    def __init__(self, deflated: IO[bytes], member: zipfile.ZipInfo) -> None:
        self._deflated, self._member = deflated, member
        self._inflating = isal_zlib.decompressobj(_RAW_DEFLATE)
        self._given, self._crc, self._length = b"", 0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            inflated = self._inflate(len(buffer))
        except isal_zlib.error as error:  # type: ignore[misc] # its stubs take it for no class
            raise zipfile.BadZipFile(f"invalid deflate data: {error}") from error
        self._length += len(inflated)
        if self._length > self._member.file_size:
            raise zipfile.BadZipFile(f"more than {self._member.file_size} bytes")
        self._crc = isal_zlib.crc32(inflated, self._crc)
        if not inflated and self._crc != self._member.CRC:
            raise zipfile.BadZipFile(f"the CRC is {self._crc:08x}")
        buffer[: len(inflated)] = inflated
        return len(inflated)

    def close(self) -> None:
        self._deflated.close()
        super().close()

    def _inflate(self, most: int) -> bytes:
        """Up to this many more bytes; none at the end."""
        while not self._inflating.eof:
            given = self._given or self._deflated.read(_DEFLATED_AT_ONCE)
            inflated = self._inflating.decompress(given, most)
            self._given = self._inflating.unconsumed_tail
            if inflated or not given:
                return inflated
        return b""
