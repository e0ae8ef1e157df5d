"""How large a package may be: a zip from the network may claim, and unfold to, anything."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeVar

MAX_BYTES = "VIRUS_MAX_PACKAGE_BYTES"
MAX_COMPRESSION_RATIO = "VIRUS_MAX_COMPRESSION_RATIO"

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class PackageLimits:
    """What a package may not exceed.

    Attributes:
        bytes: of the package as it arrives, and of all its members unpacked. All of SARS-CoV-2 with every report is
            some hundreds of gigabytes.
        compression_ratio: of the unpacked bytes to the package's own. Reports compress to a tenth or a twentieth,
            and to a hundredth when their lines hardly differ; a deflate bomb to a thousandth.
    """

    bytes: int = 10**12
    compression_ratio: float = 500.0

    @classmethod
    def from_environment(cls) -> Self:
        """The limits that `VIRUS_MAX_PACKAGE_BYTES` and `VIRUS_MAX_COMPRESSION_RATIO` set, or the default ones.

        Raises:
            ValueError: one of them is no positive number.
        """
        return cls(
            bytes=_positive(MAX_BYTES, int, cls.bytes),
            compression_ratio=_positive(MAX_COMPRESSION_RATIO, float, cls.compression_ratio),
        )


def _positive(name: str, read: Callable[[str], Number], default: Number) -> Number:
    text = os.environ.get(name)
    if not text:
        return default
    try:
        number = read(text)
    except ValueError:
        number = read("0")
    if not number > 0:
        raise ValueError(f"{name} is {text!r}; it must be a positive number such as {default}")
    return number
