"""The data dictionary: what a snapshot's comments say of its tables, views, macros and columns, as Markdown."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from virus_warehouse.sql_file import read_sql

_SCHEMAS = {
    "main": "What NCBI shows, and what it showed. Named without a schema.",
    "mart": "What is asked most, with the traps seen to.",
    "ops": "What was loaded and when, and what could not be.",
}

_HEAD = """\
# Tables

What is in the published snapshot, as its own comments tell. In brackets stands where NCBI says it: the report, and the
path in one of its lines. Made by `make tables`: to change a word, change the comment, in `warehouse/schema.py` with a
migration, or in the view's `.sql` file.
"""


@dataclass(frozen=True)
class Entry:
    """A table, view or macro, with its columns as name, type and comment."""

    schema: str
    name: str
    kind: str
    parameters: list[str]
    comment: str
    columns: list[tuple[str, str, str | None]]

    @property
    def full_name(self) -> str:
        """With its schema, unless that is `main`."""
        return self.name if self.schema == "main" else f"{self.schema}.{self.name}"

    @property
    def call(self) -> str:
        """What to write after FROM: a macro with its parameters."""
        return f"{self.full_name}({', '.join(self.parameters)})" if "macro" in self.kind else self.full_name

    @property
    def anchor(self) -> str:
        """As GitHub makes it of the heading."""
        return self.full_name.replace(".", "")


def data_dictionary(snapshot: Path) -> str:
    """The dictionary of a snapshot.

    Args:
        snapshot: a published snapshot, or a candidate.
    """
    with duckdb.connect(snapshot, read_only=True) as connection:
        described = list(entries(connection))
    contents = [
        line for schema, some in groupby(described, lambda entry: entry.schema) for line in _contents(schema, some)
    ]
    return "\n".join([_HEAD, *contents, *(line for entry in described for line in _details(entry))])


def entries(connection: DuckDBPyConnection) -> Iterator[Entry]:
    """Each table, view and macro of a snapshot, schema by schema.

    Args:
        connection: one that knows no other database's tables.
    """
    meanings: dict[str, str] = {}
    for row in connection.execute(read_sql("publish/sql/dictionary.sql")).fetchall():
        entry = Entry(*row)
        if entry.name == "virus_genome":
            meanings = {name: comment or "" for name, _, comment in entry.columns}
        if entry.kind == "table macro":
            # DuckDB keeps no comments of a macro's columns: those that show a record's as they are mean the same.
            nothing = ", ".join("NULL" for _ in entry.parameters)
            columns = connection.execute(f"DESCRIBE FROM {entry.schema}.{entry.name}({nothing})").fetchall()
            entry.columns.extend((name, kind, meanings.get(name)) for name, kind, *_ in columns)
        yield entry


def _contents(schema: str, entries: Iterable[Entry]) -> Iterator[str]:
    yield f"**{schema}**: {_SCHEMAS.get(schema, '')}".rstrip()
    yield ""
    yield from _table(
        ("name", "is a", "one row is, or what it gives"),
        ((f"[`{entry.call}`](#{entry.anchor})", entry.kind, entry.comment) for entry in entries),
    )
    yield ""


def _details(entry: Entry) -> Iterator[str]:
    yield f"## {entry.full_name}"
    yield ""
    yield f"{entry.kind.capitalize()} `{entry.call}`. {entry.comment}."
    yield ""
    if entry.columns:
        rows = ((f"`{name}`", f"`{kind}`", comment or "") for name, kind, comment in entry.columns)
        yield from _table(("column", "type", "meaning"), rows)
        yield ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
