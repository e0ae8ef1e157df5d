"""Imports go one way, from dags to plugins to include, and there are no cycles within include."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
ABOVE = {"include": {"airflow", "dags", "plugins", "ncbi_virus"}, "plugins": {"dags"}}


def imports(path: Path) -> Iterator[str]:
    """The modules that a file imports, at any place in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", ABOVE)
def test_imports_follow_the_layer_order(folder: str) -> None:
    files = list((CHECKOUT / folder).rglob("*.py"))
    assert len(files) > 10
    wrong = [
        f"{path.relative_to(CHECKOUT)}: {name}"
        for path in files
        for name in imports(path)
        if name.split(".")[0] in ABOVE[folder]
    ]
    assert wrong == []


def parts_of(package: Path) -> dict[str, set[str]]:
    """The other parts that each part of a package imports; a part is a module or a folder directly below it."""
    arrows: dict[str, set[str]] = {}
    for path in package.rglob("*.py"):
        part = path.relative_to(package).with_suffix("").parts[0]
        inner = (name.split(".") for name in imports(path) if name.startswith(f"{package.name}."))
        arrows.setdefault(part, set()).update(names[1] for names in inner if len(names) > 1 and names[1] != part)
    return arrows


@pytest.mark.parametrize("package", ["include/virus_warehouse", "include/ncbi_stand_in", "plugins/ncbi_virus"])
def test_package_parts_have_no_import_cycles(package: str) -> None:
    try:
        list(TopologicalSorter(parts_of(CHECKOUT / package)).static_order())
    except CycleError as circle:
        pytest.fail(f"{package}: {' <- '.join(circle.args[1])}")
