"""A member of a zip file, inflated with ISA-L: twice as fast as zlib, its CRC three times."""

import copy
import io
import zipfile
from typing import IO

from isal import isal_zlib

_DEFLATED_AT_ONCE = 64 << 10
_INFLATED_AT_ONCE = 128 << 10
_RAW_DEFLATE = -15
"""A window of 32 KiB, and neither header nor checksum around it."""


def open_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    """The bytes of a member, as a stream to be closed by the caller; it outlives the archive object.

    Args:
        archive: read by `zipfile`, which knows the format and checks what stands before a member's bytes.
        member: one of its entries.

    Raises:
        zipfile.BadZipFile: here or at any read, what is no sound deflated data, or more than the directory tells; at
            the last, another CRC.
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
            raise zipfile.BadZipFile(f"no sound deflated data: {error}") from error
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
        """At most so many bytes more; none at the end."""
        while not self._inflating.eof:
            given = self._given or self._deflated.read(_DEFLATED_AT_ONCE)
            inflated = self._inflating.decompress(given, most)
            self._given = self._inflating.unconsumed_tail
            if inflated or not given:
                return inflated
        return b""
