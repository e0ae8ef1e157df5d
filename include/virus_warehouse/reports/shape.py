"""What a line of a report is expected to hold, as a tree: what DuckDB reads, counts and judges it by.

A tree says each thing once. From it follow the types of the strict read, the expression that counts what was read, and
the table in which every node of an odd line is looked up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Value(StrEnum):
    """A value without members, as protobuf's JSON writes it: https://protobuf.dev/programming-guides/json/.

    Numbers and flags are read as they stand and understood afterwards: DuckDB's own reader would make 2 of 1.5.
    """

    TEXT = "text"
    LONG = "long"
    """A 64-bit integer, which is written as a text."""
    NUMBER = "number"
    """A 32-bit integer. It may stand in quotes."""
    FLAG = "flag"
    """True or false. It may stand in quotes."""
    ANYTHING = "anything"
    """A value that is known and not read, or kept as it is."""


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


@dataclass(frozen=True)
class Json:
    """A value that is read as the JSON it is.

    Attributes:
        shape: what it holds.
        counted_by: the SQL macro that counts names and texts in such a value, its own name included, of the value and
            of `TEXT_COUNTS`; never more than there are, and less if anything is odd. Without one it is an object whose
            members are texts, as a rule: one that is something else is kept, after a closer look.
    """

    shape: "Shape"
    counted_by: str | None = None


Shape = Value | ListOf | Object | Json

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
        case Json() | Value.NUMBER | Value.FLAG:
            return "JSON"
        case _:
            return "VARCHAR"


def read_columns(shape: Object) -> dict[str, str]:
    """The columns of a strict read, with their types."""
    return {name: read_type(member) for name, member in shape.members.items()}


def counting_macro(shape: Object) -> str:
    """The statement that makes the macro `names_and_texts_read` of the columns read of a line, in their order.

    It counts what `report_file.Tally` counts in the bytes, each text as `TEXT_COUNTS`. It is never more than the line
    holds, but for texts where something else stood, which are no names; and less for each oddity: a number that is
    none, a list where a text belongs, a gap in a list. So the line held what was read, and no more, if it is equal.
    """
    columns = ", ".join(f'"{name}"' for name in shape.members)
    count = _Count()
    count.add_members(shape, "", 0)
    return f"CREATE OR REPLACE MACRO names_and_texts_read({columns}) AS {count.expression}"


def expected_nodes(shape: Shape, path: str = "$", parent: str = "", name: str = "") -> Iterator[dict[str, object]]:
    """Each node that may stand in a line.

    A node is its `path`, the path of its `parent` and its `name` in it (`[*]` for any item of a list), its `kind` (a
    `Value`, `list` or `object`), and of an object the `names_read` in it.
    """
    kind, names_read = "object", []
    inside: list[tuple[str, str, Shape]] = []
    match shape:
        case Json():
            yield from expected_nodes(shape.shape, path, parent, name)
            return
        case ListOf():
            kind, inside = "list", [(f"{path}[*]", "[*]", shape.item)]
        case Object():
            names_read = [*shape.members]
            known = {**shape.members, **dict.fromkeys(shape.passed_over, Value.ANYTHING)}
            inside = [(f"{path}.{key}", key, member) for key, member in known.items()]
        case _:
            kind = str(shape)
    yield {"path": path, "parent": parent, "name": name, "kind": kind, "names_read": names_read}
    for path_inside, name_inside, shape_inside in inside:
        yield from expected_nodes(shape_inside, path_inside, path, name_inside)


class _Count:
    """Terms of the count of names and texts in a value: conditions that each count one, and other terms.

    Small numbers are added several times as fast as large ones. And what a query reads besides is not read again for a
    condition, unless that stands in a CASE.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.texts: list[str] = []
        self.named_texts: list[str] = []
        self.others: list[str] = []
        self.odd: list[str] = []

    @property
    def expression(self) -> str:
        """The sum of all; less than that if anything is odd."""
        odd = f"CASE WHEN coalesce({' OR '.join(self.odd)}, false) THEN -1 ELSE 0 END" if self.odd else "0"
        names, texts, named_texts = (
            "(" + " + ".join(["0::SMALLINT", *(f"({condition})::SMALLINT" for condition in conditions)]) + ")::BIGINT"
            for conditions in (self.names, self.texts, self.named_texts)
        )
        texts_counted = f"{texts} * {TEXT_COUNTS} + {named_texts} * {1 + TEXT_COUNTS}"
        return " + ".join([names, texts_counted, *self.others, odd])

    def add_members(self, shape: Object, value: str, depth: int) -> None:
        """Add all that an object holds: `value`, or the columns that are read."""
        for name, member in shape.members.items():
            inside = f'{value}."{name}"' if value else f'"{name}"'
            match member:
                case Json(shape=Object() as kept, counted_by=None):
                    names_read = f"len(list_intersect(json_keys({inside}), {[*kept.members]}))"
                    counted = f"1 + {1 + TEXT_COUNTS} * {names_read}"
                    self.others.append(f"CASE WHEN json_type({inside}) = 'OBJECT' THEN {counted} ELSE 0 END")
                case Json():
                    self.others.append(f"coalesce({member.counted_by}({inside}, {TEXT_COUNTS}), 0)")
                case Object():
                    self.names.append(f"{inside} IS NOT NULL")
                    self.add_members(member, inside, depth)
                case ListOf():
                    self.names.append(f"{inside} IS NOT NULL")
                    self.others.append(_in_list(member.item, inside, depth))
                case Value.TEXT:
                    self.named_texts.append(f"{inside} IS NOT NULL")
                    self.odd.append(f"starts_with({inside}, '[')")
                case Value.LONG:
                    self.named_texts.append(f"whole_number({inside}) IS NOT NULL")
                case Value.NUMBER | Value.FLAG:
                    self.names.append(f"{_UNDERSTOOD_BY[member]}({inside}) IS NOT NULL")
                    self.texts.append(f"coalesce(starts_with({inside}::VARCHAR, '\"'), false)")
                case _:
                    raise TypeError(f"{name}: {member} cannot be read by itself")


_UNDERSTOOD_BY = {Value.NUMBER: "number_in", Value.FLAG: "flag_in"}


def _in_list(shape: Shape, value: str, depth: int) -> str:
    """The names and texts in all items of a list; a gap in it counts against them."""
    item = f"item_{depth}"
    match shape:
        case Object():
            count = _Count()
            count.add_members(shape, item, depth + 1)
            of_item = f"CASE WHEN {item} IS NULL THEN -1 ELSE {count.expression} END"
            return f"coalesce(list_sum(list_transform({value}, LAMBDA {item}: {of_item})), 0)::BIGINT"
        case Value.TEXT:
            # Most texts of a data report are in lists, and a filter costs a third of a sum.
            odd = f"list_filter({value}, LAMBDA {item}: coalesce(starts_with({item}, '['), true))"
            return f"coalesce(len({value}) * {TEXT_COUNTS} - len({odd}) * {1 + TEXT_COUNTS}, 0)"
        case _:
            raise TypeError(f"a list of {shape} cannot be read")
