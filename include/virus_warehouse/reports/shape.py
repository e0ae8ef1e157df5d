"""What a line of a nested report is expected to hold, as a tree: what DuckDB reads, counts and judges it by.

A tree says each thing once. From it follow the types of the strict read, the expressions that count what was read,
and the table that every node of a suspicious line is looked up in.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Value(StrEnum):
    """A value without members, as protobuf's JSON writes it: https://protobuf.dev/programming-guides/json/.

    Numbers are read as they stand and understood afterwards: DuckDB's own reader would make 2 of 1.5.
    """

    TEXT = "text"
    LONG = "long"
    """A 64-bit integer, which is written as a text."""
    NUMBER = "number"
    """A 32-bit integer. It may stand in quotes."""


@dataclass(frozen=True)
class ListOf:
    """A list, of any length, of things of one shape."""

    item: "Shape"


@dataclass(frozen=True)
class Object:
    """An object.

    Attributes:
        members: what is read of it, by name.
        passed_over: names that NCBI is known to give in it and that are not read: they are no drift.
    """

    members: Mapping[str, "Shape"]
    passed_over: tuple[str, ...] = ()


Shape = Value | ListOf | Object

_Count = Callable[[str, Value], str | None]


def read_type(shape: Shape) -> str:
    """The DuckDB type that a strict read gives it."""
    match shape:
        case ListOf():
            return f"{read_type(shape.item)}[]"
        case Object():
            members = [f'"{name}" {read_type(member)}' for name, member in shape.members.items()]
            return f"STRUCT({', '.join(members)})"
        case Value.NUMBER:
            return "JSON"
        case _:
            return "VARCHAR"


def read_columns(shape: Object) -> dict[str, str]:
    """The columns of a strict read, with their types."""
    return {name: read_type(member) for name, member in shape.members.items()}


def counting_macros(shape: Object) -> Iterator[str]:
    """Statements that make the macros `names_read`, `texts_read` and `oddities_read` of a line that was read.

    `names_read` and `texts_read` count what `report_file.Tally` counts in the bytes. Both are at most that, unless
    something else stood where a text belongs: then `texts_read` is larger, but for a list, which is an oddity. So is a
    number that is none, and a list with a gap. Equal counts and no oddities: the line held what was read, and no more.
    """
    for name, count, per_member, per_item in (
        ("names_read", _no_name, True, False),
        ("texts_read", _text, False, False),
        ("oddities_read", _oddity, False, True),
    ):
        expression = _sum(shape, "line", count, 0, per_member=per_member, per_item=per_item)
        yield f"CREATE OR REPLACE MACRO {name}(line) AS {expression}"


def expected_nodes(shape: Shape, path: str = "$") -> Iterator[dict[str, object]]:
    """Each node that may stand in a line.

    A node is its `path`, with `[*]` for any item of a list, its `kind` (a `Value`, `list`, `object` or `anything`), and
    of an object the `names_read` in it.
    """
    match shape:
        case ListOf():
            yield {"path": path, "kind": "list", "names_read": []}
            yield from expected_nodes(shape.item, f"{path}[*]")
        case Object():
            yield {"path": path, "kind": "object", "names_read": [*shape.members]}
            for name, member in shape.members.items():
                yield from expected_nodes(member, f"{path}.{name}")
            for name in shape.passed_over:
                yield {"path": f"{path}.{name}", "kind": "anything", "names_read": []}
        case _:
            yield {"path": path, "kind": str(shape), "names_read": []}


def _sum(shape: Shape, value: str, count: _Count, depth: int, *, per_member: bool, per_item: bool) -> str | None:
    """The expression for a count in all of a value; None when there is nothing to count."""
    match shape:
        case ListOf():
            item = f"item_{depth}"
            terms = [f"({item} IS NULL)::BIGINT"] if per_item else []
            inner = _sum(shape.item, item, count, depth + 1, per_member=per_member, per_item=per_item)
            terms += [inner] if inner else []
            if not terms:
                return None
            return f"coalesce(list_sum(list_transform({value}, LAMBDA {item}: {' + '.join(terms)})), 0)::BIGINT"
        case Object():
            terms = []
            for name, member in shape.members.items():
                inside = f'{value}."{name}"'
                terms += [f"({inside} IS NOT NULL)::BIGINT"] if per_member else []
                inner = _sum(member, inside, count, depth, per_member=per_member, per_item=per_item)
                terms += [inner] if inner else []
            return " + ".join(terms) or None
        case _:
            return count(value, shape)


def _no_name(_: str, __: Value) -> None:
    return None


def _text(value: str, kind: Value) -> str:
    if kind == Value.NUMBER:
        return f"coalesce(starts_with({value}, '\"'), false)::BIGINT"
    return f"({value} IS NOT NULL)::BIGINT"


def _oddity(value: str, kind: Value) -> str:
    if kind == Value.TEXT:
        return f"coalesce(starts_with({value}, '['), false)::BIGINT"
    return f"({value} IS NOT NULL AND number_in({value}) IS NULL)::BIGINT"
