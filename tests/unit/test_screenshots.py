"""The README's pictures exist in a light and a dark theme, have alternative text, and are small files."""

import re
from pathlib import Path

from scripts.pictures import PICTURES, THEMES

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / "docs" / "screenshots"
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
PNG = b"\x89PNG\r\n\x1a\n"


def test_every_picture_exists_in_every_theme_without_leftovers() -> None:
    files = {path.name: path for path in FOLDER.iterdir()}
    assert set(files) == {f"{name}-{theme}.png" for name in PICTURES for theme in THEMES}
    for path in files.values():
        assert path.read_bytes().startswith(PNG)
        assert path.stat().st_size < 250_000, f"{path.name} is too large"


def test_readme_shows_pictures_in_the_readers_theme_with_alternative_text() -> None:
    pictures = re.findall(r"(?s)<picture>(.*?)</picture>", README)
    shown = set()
    for picture in pictures:
        [dark] = re.findall(
            r'<source media="\(prefers-color-scheme: dark\)" srcset="docs/screenshots/(.*?)-dark\.png">', picture
        )
        [(alt, light)] = re.findall(r'<img alt="([^"]+)" src="docs/screenshots/(.*?)-light\.png">', picture)
        assert dark == light
        assert len(alt) > 20
        shown.add(light)
    assert shown == set(PICTURES)
