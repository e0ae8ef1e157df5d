"""The pictures of the documents are there, each in light and in dark, described for who cannot see them, and small."""

import re
from collections import Counter
from pathlib import Path

from scripts.pictures import PICTURES, THEMES

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / "docs" / "screenshots"
README = CHECKOUT / "README.md"
PNG = b"\x89PNG\r\n\x1a\n"


def test_every_picture_exists_in_every_theme_without_leftovers() -> None:
    files = {path.name: path for path in FOLDER.iterdir()}
    assert set(files) == {f"{name}-{theme}.png" for name in PICTURES for theme in THEMES}
    for path in files.values():
        assert path.read_bytes().startswith(PNG)
        assert path.stat().st_size < 250_000, f"{path.name} is too large"


def shown_on(page: Path) -> list[str]:
    """The pictures of a page, each in the reader's theme and with words for what is seen."""
    folder = FOLDER.relative_to(page.parent)
    shown = []
    for picture in re.findall(r"(?s)<picture>(.*?)</picture>", page.read_text(encoding="utf-8")):
        [dark] = re.findall(
            rf'<source media="\(prefers-color-scheme: dark\)" srcset="{folder}/(.*?)-dark\.png">', picture
        )
        [(alt, light)] = re.findall(rf'<img alt="([^"]+)" src="{folder}/(.*?)-light\.png">', picture)
        assert dark == light
        assert len(alt) > 20
        shown.append(light)
    return shown


def test_each_is_shown_once_and_one_of_them_in_the_readme() -> None:
    assert len(shown_on(README)) == 1
    pages = (README, *(CHECKOUT / "docs").glob("*.md"))
    assert Counter(name for page in pages for name in shown_on(page)) == Counter(PICTURES.keys())
