"""What a line of a nested report is expected to hold, as a tree: what DuckDB reads, counts and judges it by.

A tree says each thing once. From it follow the types of the strict read, the expressions that count what was read,
and the table that every node of a suspicious line is looked up in.
"""

from collections.abc import Iterator, Mapping
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

TEXT_COUNTS = 1 << 32
"""What a text counts where a name counts 1: more than there are names in all that is read at once, so that one sum
tells how many there are of each."""


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


def counting_macro(shape: Object) -> str:
    """The statement that makes the macro `names_and_texts_read` of a line that was read.

    It counts what `report_file.Tally` counts in the bytes, each text as `TEXT_COUNTS`. There are never more names, and
    one is missing for each oddity: a number that is none, a list where a text belongs, and a gap in a list. Of texts
    there are more where something else stood. So the line held what was read, and no more, if the count is equal.
    """
    return f"CREATE OR REPLACE MACRO names_and_texts_read(line) AS {_counted(shape, 'line', 0)}"


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


def _counted(shape: ListOf | Object, value: str, depth: int) -> str:
    """The expression for the names and texts in all of a value."""
    match shape:
        case ListOf(item=item_shape):
            item = f"item_{depth}"
            if isinstance(item_shape, Value):
                counted = _counted_value(item, item_shape, null=-1, name=0)
            else:
                counted = f"CASE WHEN {item} IS NULL THEN -1 ELSE {_counted(item_shape, item, depth + 1)} END"
            return f"coalesce(list_sum(list_transform({value}, LAMBDA {item}: {counted})), 0)::BIGINT"
        case Object():
            terms: list[str] = []
            for name, member in shape.members.items():
                inside = f'{value}."{name}"'
                if isinstance(member, Value):
                    terms.append(_counted_value(inside, member, null=0, name=1))
                else:
                    terms += [f"({inside} IS NOT NULL)::BIGINT", _counted(member, inside, depth)]
            return " + ".join(terms)


def _counted_value(value: str, kind: Value, *, null: int, name: int) -> str:
    counted = f"{TEXT_COUNTS + name}"
    match kind:
        case Value.TEXT:
            is_odd = f"starts_with({value}, '[')"
        case Value.LONG:
            is_odd = f"whole_number({value}) IS NULL"
        case Value.NUMBER:
            is_odd = f"number_in({value}) IS NULL"
            counted = f"CASE WHEN starts_with({value}, '\"') THEN {counted} ELSE {name} END"
    return f"CASE WHEN {value} IS NULL THEN {null} WHEN {is_odd} THEN {name - 1} ELSE {counted} END"
