"""The lineages of a data report, each stored once; the lines get short references to them.

Two thirds of a data report are lineages, often the same few, repeated hundreds of thousands of times. Folded before
parsing, each is parsed only once, while every record still refers to its exact lineage.
"""

import re
import secrets

MOST_KEPT, LONGEST_KEPT = 32 << 20, 16 << 10
"""Limits in bytes, for all stored lineages and for one: those of nine thousand real taxa are six MiB. Lineages beyond
them stay in their lines, which are only slower to read."""

# Fast, but imprecise: the match ends at the first plausible end. Only exact matches are stored.
_LINEAGE = re.compile(rb'"lineage":(\[[^\]]*\}\])')
_STEP = rb'\{"name":"[^"\\\x00-\x1f]*","taxId":(?:0|[1-9][0-9]{0,17})\}'
_EXACT_LINEAGE = re.compile(rb"\[%b(?:,%b)*\]" % (_STEP, _STEP))

_SUFFIX_BYTES = 48


class Lineages:
    """The lineages of one report.

    A lineage is folded if it has NCBI's format: a list of `{"name": ..., "taxId": ...}`, without spaces or escapes.
    References begin with a few random letters, so that they cannot occur in a report.
    """

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(3).encode()
        self._bytes_kept = 0
        self._reference = re.compile(rb'"lineage":"%b(\d+)"' % self._prefix)
        self._kept: list[bytes] = []
        self._references: list[bytes] = []
        self._by_end: dict[bytes, int] = {}
        self._by_text: dict[bytes, int] = {}
        self._taken = 0

    def fold(self, lines: bytes) -> bytes:
        """Complete lines of a report, less than a MiB, with references in place of lineages."""
        return _LINEAGE.sub(self._refer, lines)

    def fold_again(self, lines: bytes) -> bytes:
        """The lines with references in place of lineages that were folded before; thread-safe."""
        return _LINEAGE.sub(self._refer_again, lines)

    @property
    def beginning(self) -> str:
        """The beginning of each reference, as JSON."""
        return f'"{self._prefix.decode()}'

    def unfold(self, folded: bytes) -> bytes:
        """The original lines."""
        return self._reference.sub(self._give, folded)

    def take_new(self) -> dict[str, str]:
        """The lineages folded since the last call: JSON arrays by their references."""
        new = range(self._taken, len(self._kept))
        self._taken = new.stop
        return {f"{self._prefix.decode()}{number}": self._kept[number].decode() for number in new}

    def _refer(self, found: re.Match[bytes]) -> bytes:
        text = found[1]
        # The suffix names the taxon itself. Looking up the whole text would require hashing all of it.
        number = self._by_end.get(text[-_SUFFIX_BYTES:])
        if number is None or self._kept[number] != text:
            number = self._keep(text)
        return found[0] if number is None else self._references[number]

    def _refer_again(self, found: re.Match[bytes]) -> bytes:
        number = self._by_text.get(found[1])
        return found[0] if number is None else self._references[number]

    def _keep(self, text: bytes) -> int | None:
        number = self._by_text.get(text)
        if number is None:
            if self._bytes_kept + len(text) > MOST_KEPT or len(text) > LONGEST_KEPT or not _is_exact(text):
                return None
            self._bytes_kept += len(text)
            number = len(self._kept)
            self._references.append(b'"lineage":"%b%d"' % (self._prefix, number))
            self._kept.append(text)
            self._by_text[text] = number
        self._by_end[text[-_SUFFIX_BYTES:]] = number
        return number

    def _give(self, found: re.Match[bytes]) -> bytes:
        return b'"lineage":' + self._kept[int(found[1])]


def _is_exact(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _EXACT_LINEAGE.fullmatch(text) is not None
