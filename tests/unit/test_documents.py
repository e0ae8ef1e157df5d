"""The documents fit together: short README, statuses, navigation, links, tables that name what there is."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml
from typer.core import TyperGroup

from virus_warehouse.cli.app import app
from virus_warehouse.publish.gates import GATES, OnFailure
from virus_warehouse.sources import _SOURCE_KEYS

CHECKOUT = Path(__file__).resolve().parents[2]
DOCS = CHECKOUT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
TO_BE_MADE = {
    "include/virus_warehouse/publish/sql/gates/lengths.sql",
    "include/virus_warehouse/cookbook/recipes/NN_hosts_by_virus.sql",
    "NN_name.sql",
}
"""Files that a reader of the pages writes."""

STATUS = re.compile(r"Status: (?:accepted|superseded by \[decision (?P<number>\d+)\]\((?P<file>[^)]+)\))")


def tracked(pattern: str) -> list[Path]:
    listed = subprocess.check_output(["git", "ls-files", "-z", pattern], cwd=CHECKOUT, text=True)
    return [CHECKOUT / name for name in listed.split("\0") if name and (CHECKOUT / name).exists()]


def prose(page: Path) -> str:
    """A page without its code."""
    text = re.sub(r"(?ms)^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"))
    return re.sub(r"`[^`\n]*`", "`code`", text)


def anchors(page: Path) -> set[str]:
    """What a link can point to in a page: its headings, as forges and the site's generator name them."""
    text = re.sub(r"(?ms)^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"))
    headings = re.findall(r"(?m)^#{1,6} (.+)$", text)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower().replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    text = prose(page)
    return re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|srcset|href)="([^"]+)"', text)


def pages_in(nav: object) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, list):
        for entry in nav:
            yield from pages_in(entry)
    elif isinstance(nav, dict):
        for entry in nav.values():
            yield from pages_in(entry)


def rows(page: str, heading: str) -> list[list[str]]:
    """The cells of a section's tables."""
    section = (DOCS / page).read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in re.findall(r"(?m)^\| `.*$", section)]


def test_the_readme_is_short() -> None:
    assert len((CHECKOUT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.name[:4])
def test_a_decision_has_a_status_below_its_title(page: Path) -> None:
    title, blank, status, after, *_ = page.read_text(encoding="utf-8").splitlines()
    assert title.startswith(f"# {int(page.name[:4])}. ")
    assert (blank, after) == ("", "")
    found = STATUS.fullmatch(status)
    assert found, status
    if found["file"]:
        assert (page.parent / found["file"]).exists()
        assert int(found["file"][:4]) == int(found["number"])


def test_the_index_of_decisions_lists_each_with_its_title_and_status() -> None:
    listed = re.findall(r"(?m)^\| (\d+) \| \[(.+?)\]\((.+?)\) \| (.+) \|$", (DOCS / "decisions/index.md").read_text())
    expected = []
    for page in DECISIONS:
        title, _, status, *_ = page.read_text(encoding="utf-8").splitlines()
        number, _, words = title.removeprefix("# ").partition(". ")
        expected.append((number, words, page.name, status.removeprefix("Status: ")))
    assert listed == expected


def test_the_navigation_has_every_page_once_and_no_other() -> None:
    settings = yaml.safe_load((CHECKOUT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert settings["strict"] is True
    assert sorted(pages_in(settings["nav"])) == sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))


def test_the_first_page_leads_to_every_other() -> None:
    linked = {link.split("#")[0] for link in links(DOCS / "index.md")}
    assert linked == {page.name for page in DOCS.glob("*.md")} - {"index.md"} | {"decisions/index.md"}


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_no_relative_link_is_broken(page: Path) -> None:
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{link}: no such file"
        assert target.is_relative_to(CHECKOUT)
        if page.is_relative_to(DOCS):
            assert target.is_relative_to(DOCS), f"{link}: the site has docs/ only; name files of code without a link"
        if anchor:
            assert anchor in anchors(target), f"{link}: no such heading"


def test_the_files_that_a_page_names_exist() -> None:
    file = re.compile(r"`((?:include|plugins|dags|tests|scripts|benchmarks)/[\w./]+)`")
    named = {
        name
        for page in (CHECKOUT / "CONTRIBUTING.md", *DOCS.glob("*.md"))
        if page.name != "adding-a-report.md"  # names files that are to be made; a test follows it
        for name in file.findall(page.read_text(encoding="utf-8"))
    }
    assert {name for name in named - TO_BE_MADE if not (CHECKOUT / name).exists()} == set()


@pytest.mark.parametrize("name", ["architecture.md", "adding-a-field.md", "adding-a-gate.md", "adding-a-recipe.md"])
def test_the_files_of_the_code_that_a_page_names_exist(name: str) -> None:
    text = re.sub(r"(?ms)^```.*?^```$", "", (DOCS / name).read_text(encoding="utf-8"))
    named = set(re.findall(r"`([\w.]+(?:/[\w.]+)*\.(?:py|sql))`", text)) - TO_BE_MADE
    assert named
    folders = [*(CHECKOUT / "include/virus_warehouse").rglob(""), *(CHECKOUT / "tests/unit/virus_warehouse").rglob("")]
    assert {name for name in named if not any((root / name).exists() for root in (CHECKOUT, *folders))} == set()


def test_every_command_line_of_virus_warehouse_is_one() -> None:
    group = typer.main.get_command(app)
    top = group.make_context("virus-warehouse", [], resilient_parsing=True)
    read = set()
    for page in (*tracked("*.md"), CHECKOUT / "README.md"):
        text = page.read_text(encoding="utf-8")
        lines = re.findall(r"`(?:\.venv/bin/)?virus-warehouse ([^`\n]+)`", text)
        lines += re.findall(r"(?m)^ *\$ (?:\.venv/bin/)?virus-warehouse (.+)$", text)
        for line in lines:
            name, *arguments = shlex.split(line, comments=True)
            if name == "--help":
                continue
            command = group.get_command(top, name)
            assert command, f"{page.name}: virus-warehouse {line}"
            read.add(name)
            if isinstance(command, TyperGroup):
                assert arguments[0] in command.list_commands(top), line
            elif arguments:
                command.make_context(name, arguments, parent=top)
    assert read == set(group.list_commands(top))


def test_every_key_of_a_source_is_explained() -> None:
    keys = "".join(first for first, *_ in rows("sources.md", "Keys of a source"))
    assert set(re.findall(r"`([a-z_]+)`", keys)) == _SOURCE_KEYS


def test_every_gate_is_explained_with_its_effect_and_settings() -> None:
    table = rows("publication.md", "The gates")
    explained = [(cells[0].strip("`"), cells[2]) for cells in table]
    assert explained == [(gate.name, "blocks" if gate.on_failure is OnFailure.BLOCKS else "warns") for gate in GATES]
    settings = {cells[0].strip("`"): set(re.findall(r"`(\w+)`", cells[3])) for cells in table}
    same = {"odd_dates": settings["dates_in_range"]}
    assert settings | same == {gate.name: set(gate.settings) for gate in GATES}


def test_every_error_named_is_one_of_ours() -> None:
    named = {first[1:].split("`")[0].split(":")[0] for first, *_ in rows("operations.md", "When a run fails")}
    files = (path for folder in ("include", "plugins") for path in (CHECKOUT / folder).rglob("*.py"))
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    assert named
    assert named <= set(re.findall(r"^class (\w+)\(", source, flags=re.MULTILINE))


def test_every_variable_of_the_environment_is_explained() -> None:
    read = set()
    for folder in ("include/virus_warehouse", "plugins"):
        for path in (CHECKOUT / folder).rglob("*.py"):
            read |= set(re.findall(r'"((?:VIRUS|NCBI|AWS)_[A-Z_]+)"', path.read_text(encoding="utf-8")))
    explained = "".join(first for first, *_ in rows("settings.md", "Environment"))
    assert set(re.findall(r"`(\w+)`", explained)) == read


def test_the_glossary_has_each_word_once() -> None:
    text = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Glossary")[1]
    words = [word.strip() for row in re.findall(r"(?m)^\| ([^|*-]+) \|", text) for word in row.split(",")]
    assert len(words) > 30
    assert len(words) == len(set(words))


def test_the_readme_says_how_many_recipes_there_are() -> None:
    recipes = list((CHECKOUT / "include/virus_warehouse/cookbook/recipes").glob("*.sql"))
    assert f"first of the {len(recipes)} questions" in (CHECKOUT / "README.md").read_text(encoding="utf-8")
