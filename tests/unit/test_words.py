"""Plain words: words and phrases that names, comments, messages and documents avoid."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PARTS = frozenset({"told", "tell", "tells", "telling", "wish", "wishes", "anew", "amiss", "heed", "sound", "whoever"})
"""Forbidden as words, and as parts of identifiers in snake_case or CamelCase."""

WORDS = re.compile(r"\b(lie|lies)\b", re.IGNORECASE)
"""Forbidden as whole words only."""

PHRASES = re.compile(
    r"held elsewhere|nobody's business|became of|comes? to the same|(?:kept|keeps?) (?:\w+ ){0,2}back", re.IGNORECASE
)

SUFFIXES = (".py", ".sql", ".html", ".js", ".md")
OTHER_FILES = {"Makefile", "docker-compose.yaml", "include/sources.yaml"}
EXCLUDED = ("docs/decisions/", "CHANGELOG.md", "tests/unit/test_words.py")

NOT_CHECKED = ("include/virus_warehouse/warehouse/migrations/",)
"""A migration is not changed once warehouses have it."""

PYTHON_API = re.compile(r"\.tell\(\)|\bwish=")
"""Method of file objects; and the argument of `ingest`, which other programs use."""

ALLOWED = {
    ("include/virus_warehouse/ingest.py", "wish"): "argument name of `ingest`, which other programs use",
    ("docs/api.md", "wish"): "that argument, described",
    ("include/virus_warehouse/windows.py", "wish"): "the alias `WindowWish`, which other programs use",
}
"""Allowed words by file, with the reason."""

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def forbidden(line: str) -> Iterator[str]:
    """The forbidden words and phrases of a line, in lower case."""
    line = PYTHON_API.sub("", line)
    yield from (part.lower() for part in _PART.findall(line) if part.lower() in PARTS)
    yield from (found[0].lower() for pattern in (WORDS, PHRASES) for found in pattern.finditer(line))


def tracked_files() -> list[str]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    output = subprocess.run([git, "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [
        name
        for name in output.splitlines()
        if (name.endswith(SUFFIXES) or name in OTHER_FILES) and not name.startswith(EXCLUDED) and (ROOT / name).exists()
    ]


def test_files_use_plain_words() -> None:
    findings = [
        f"{name}:{number}: {word}"
        for name in tracked_files()
        if not name.startswith(NOT_CHECKED)
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1)
        for word in forbidden(line)
        if (name, word) not in ALLOWED
    ]
    assert not findings, "\n".join(findings)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("hotel intelligent satellite relies families applies soundness threshold believe", []),
        ("response.raw.tell()", []),
        ("ingest(source, wish=request)", []),
        ("_FIRST_TOLD, toldWeek, is_sound, WindowWish", ["told", "told", "sound", "wish"]),
        ("It lies there, and lies_within does not count.", ["lies"]),
        ("What became of it; the check keeps the snapshot back.", ["became of", "keeps the snapshot back"]),
    ],
)
def test_forbidden_words(line: str, words: list[str]) -> None:
    assert list(forbidden(line)) == words
