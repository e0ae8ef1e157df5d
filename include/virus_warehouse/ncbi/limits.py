"""Size limits for packages, as protection against zip bombs."""

from dataclasses import dataclass, replace
from typing import Self

from virus_warehouse.settings import positive

MAX_BYTES = "VIRUS_MAX_PACKAGE_BYTES"
MAX_COMPRESSION_RATIO = "VIRUS_MAX_COMPRESSION_RATIO"


@dataclass(frozen=True)
class PackageLimits:
    """The limits for a package.

    Attributes:
        bytes: of a package as it arrives, and of all its members unpacked. All of SARS-CoV-2 with every report is
            some hundreds of gigabytes.
        compression_ratio: unpacked bytes divided by the package's own. Reports have ratios of 10 to 20, and up to 100
            when their lines hardly differ; a deflate bomb has 1000.
    """

    bytes: int = 10**12
    compression_ratio: float = 500.0

    @classmethod
    def from_environment(cls) -> Self:
        """The limits that `VIRUS_MAX_PACKAGE_BYTES` and `VIRUS_MAX_COMPRESSION_RATIO` set, or the default ones.

        Raises:
            SettingError: when one of them is not a positive number.
        """
        return cls(
            bytes=positive(MAX_BYTES, cls.bytes),
            compression_ratio=positive(MAX_COMPRESSION_RATIO, cls.compression_ratio),
        )

    def joined(self, parts: int | None) -> Self:
        """The limits for a package that was joined from parts, each of which was within these.

        Args:
            parts: their number; None for a package that came in one piece.
        """
        return replace(self, bytes=self.bytes * (parts or 1))
