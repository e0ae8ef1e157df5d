"""The cookbook: questions about the snapshot, each with the SQL that answers it.

A recipe is a file `recipes/NN_name.sql`. Its comment begins with `topic: question?`, followed by an explanation in
Markdown, up to the SQL. docs/cookbook.md is generated from the recipes, and `virus-warehouse sql` offers them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path

FOLDER = Path(__file__).parent / "recipes"
"""The recipes, and an example of a user's own file that one of them joins."""

_FILE_NAME = re.compile(r"(\d\d)_([a-z_]+)\.sql")


@dataclass(frozen=True)
class Recipe:
    """A question, and the query that answers it.

    Attributes:
        number: its number in the book, from 1.
        name: its name, in snake_case.
        topic: the chapter.
        question: the question.
        explanation: how the query works and what to change, in Markdown.
        sql: the query, without the comment at its head and the semicolon at its end.
    """

    number: int
    name: str
    topic: str
    question: str
    explanation: str
    sql: str


class BrokenRecipe(ValueError):
    """An invalid recipe file; names it and says what is wrong."""


@cache
def recipes() -> tuple[Recipe, ...]:
    """All recipes, in the order of the book.

    Raises:
        BrokenRecipe: when a file does not follow the conventions.
    """
    return tuple(read_recipe(path) for path in sorted(FOLDER.glob("*.sql")))


def chapters() -> Iterator[tuple[str, Iterator[Recipe]]]:
    """The topics, each with its recipes, in the order of the book."""
    return groupby(recipes(), lambda recipe: recipe.topic)


def read_recipe(path: Path) -> Recipe:
    """The recipe of a file.

    Raises:
        BrokenRecipe: as above.
    """
    named = _FILE_NAME.fullmatch(path.name)
    if named is None:
        raise BrokenRecipe(f"{path}: a recipe's file is named NN_name.sql, as in 07_hosts_by_class.sql")
    text = path.read_text(encoding="utf-8")
    head = re.match(r"(?:--.*\n)+", text)
    header = re.sub(r"^-- ?", "", head.group() if head else "", flags=re.MULTILINE)
    title, _, explanation = header.partition("?\n")
    topic, colon, question = title.replace("\n", " ").partition(": ")
    if head is None or not colon or not explanation.strip():
        raise BrokenRecipe(f"{path}: its comment must begin with `topic: question?`, followed by an explanation")
    return Recipe(
        number=int(named[1]),
        name=named[2],
        topic=topic,
        question=f"{question}?",
        explanation=explanation.strip(),
        sql=text[head.end() :].strip().removesuffix(";"),
    )
