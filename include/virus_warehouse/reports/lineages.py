"""The lineages of a data report, each kept once; in the lines stands a short reference to it.

Two thirds of a data report are lineages, the same few hundreds of thousands of times. Folded before the report is
parsed, they are not parsed again and again, and a record that was read still says exactly which one it gave.
"""

import re
import secrets

MOST_KEPT, LONGEST_KEPT = 32 << 20, 16 << 10
"""Bytes of all lineages kept, and of one: those of nine thousand genuine taxa are six MiB. What is beyond stays in its
line, which is read all the same, only slower."""

# Fast, and so roughly right: the end is the first that looks like one. What comes out is kept in the exact form alone.
_LINEAGE = re.compile(rb'"lineage":(\[[^\]]*\}\])')
_STEP = rb'\{"name":"[^"\\\x00-\x1f]*","taxId":(?:0|[1-9][0-9]{0,17})\}'
_EXACT_LINEAGE = re.compile(rb"\[%b(?:,%b)*\]" % (_STEP, _STEP))

_TELLING_BYTES = 48


class Lineages:
    """The lineages of one report.

    A lineage is folded if it is written as NCBI writes it: a list of `{"name": ..., "taxId": ...}`, without spaces or
    escapes. References begin with a few random letters, so that no report can hold one by itself.
    """

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(3).encode()
        self._bytes_kept = 0
        self._reference = re.compile(rb'"lineage":"%b(\d+)"' % self._prefix)
        self._kept: list[bytes] = []
        self._references: list[bytes] = []
        self._by_end: dict[bytes, int] = {}
        self._by_text: dict[bytes, int] = {}
        self._told = 0

    def fold(self, lines: bytes) -> bytes:
        """Whole lines of a report, of less than a MiB, with references in place of lineages."""
        return _LINEAGE.sub(self._refer, lines)

    def fold_again(self, lines: bytes) -> bytes:
        """The lines with references in place of lineages that were folded before; another thread may fold meanwhile."""
        return _LINEAGE.sub(self._refer_again, lines)

    @property
    def beginning(self) -> str:
        """How each reference begins, as JSON."""
        return f'"{self._prefix.decode()}'

    def unfold(self, folded: bytes) -> bytes:
        """The lines as the report has them."""
        return self._reference.sub(self._give, folded)

    def take_new(self) -> dict[str, str]:
        """Those that were folded since this was last asked: JSON arrays, by the texts that stand for them."""
        new = range(self._told, len(self._kept))
        self._told = new.stop
        return {f"{self._prefix.decode()}{number}": self._kept[number].decode() for number in new}

    def _refer(self, found: re.Match[bytes]) -> bytes:
        text = found[1]
        # The end names the taxon itself. To look the whole text up, all of it had to be hashed.
        number = self._by_end.get(text[-_TELLING_BYTES:])
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
        self._by_end[text[-_TELLING_BYTES:]] = number
        return number

    def _give(self, found: re.Match[bytes]) -> bytes:
        return b'"lineage":' + self._kept[int(found[1])]


def _is_exact(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _EXACT_LINEAGE.fullmatch(text) is not None
