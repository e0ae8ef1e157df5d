"""The files of the cookbook are valid recipes, and invalid ones are refused."""

import re
from collections import Counter
from pathlib import Path

import pytest

from virus_warehouse.cookbook import BrokenRecipe, read_recipe, recipes
from virus_warehouse.cookbook.prompt import listing

GOOD = (
    "-- Counting right: How many\n-- are there?\n-- A line.\n-- Another `line`.\nSELECT count(*)\nFROM virus_genome;\n"
)


def recipe_file(folder: Path, text: str, name: str = "07_how_many.sql") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_file_is_parsed(tmp_path: Path) -> None:
    recipe = read_recipe(recipe_file(tmp_path, GOOD))
    assert (recipe.number, recipe.name, recipe.topic) == (7, "how_many", "Counting right")
    assert recipe.question == "How many are there?"
    assert recipe.explanation == "A line.\nAnother `line`."
    assert recipe.sql == "SELECT count(*)\nFROM virus_genome"


@pytest.mark.parametrize("name", ["how_many.sql", "7_how_many.sql", "07-how-many.sql"])
def test_invalid_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BrokenRecipe, match=rf"{re.escape(name)}: a recipe's file is named NN_name.sql"):
        read_recipe(recipe_file(tmp_path, GOOD, name))


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1;",
        "-- How many are there?\n-- A line.\nSELECT 1;",
        "-- Counting right: How many are there\nSELECT 1;",
        "-- Counting right: How many are there?\nSELECT 1;",
    ],
    ids=["no comment", "no topic", "no question", "no explanation"],
)
def test_incomplete_header_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BrokenRecipe, match="its comment must begin with `topic: question"):
        read_recipe(recipe_file(tmp_path, text))


def test_recipes_are_numbered_and_grouped_by_topic() -> None:
    book = recipes()
    assert len(book) >= 24
    assert [recipe.number for recipe in book] == list(range(1, len(book) + 1))
    assert len({recipe.name for recipe in book}) == len(book)
    topics = [recipe.topic for recipe in book]
    chapters = [topic for topic, before in zip(topics, [None, *topics], strict=False) if topic != before]
    assert max(Counter(chapters).values()) == 1, "the recipes of a topic are consecutive"


def test_no_recipe_depends_on_the_clock_or_changes_anything() -> None:
    for recipe in recipes():
        assert "ORDER BY" in recipe.sql, recipe.name
        assert not re.search(r"\b(now\(|current_|today\(|random\(|run_id)", recipe.sql, re.IGNORECASE), recipe.name
        assert ";" not in recipe.sql, "one statement"


def test_listing_has_every_question() -> None:
    text = listing()
    assert all(f"{recipe.number:4}  {recipe.question}\n" in text for recipe in recipes())
