"""The expected contents of a line of a report, as a tree: the basis for reading, counting and checking it.

From the tree follow the types of the strict read, the expression that counts what was read, and the table with which
every node of an odd line is checked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Value(StrEnum):
    """A value without members, in protobuf's JSON format: https://protobuf.dev/programming-guides/json/.

    Numbers and flags are read as text and parsed afterwards: DuckDB's own reader would turn 1.5 into 2.
    """

    TEXT = "text"
    LONG = "long"
    """A 64-bit integer, written as a text."""
    NUMBER = "number"
    """A 32-bit integer, optionally in quotes."""
    FLAG = "flag"
    """True or false, optionally in quotes."""
    ANYTHING = "anything"
    """A known value that is ignored, or stored unchanged."""


@dataclass(frozen=True)
class ListOf:
    """A list of any length, with items of one shape."""

    item: "Shape"


@dataclass(frozen=True)
class Object:
    """An object.

    Attributes:
        members: the members that are read, by name.
        ignored: known members of NCBI's schema that are not read, and not reported as drift.
    """

    members: Mapping[str, "Shape"]
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class Json:
    """A value that is read as JSON.

    Attributes:
        shape: its shape.
        counted_by: SQL macro that counts names and texts in such a value, its own name included, from the value and
            `TEXT_COUNTS`; never more than there are, and less if anything is odd. Without one it is an object whose
            members are usually texts; others are stored after a closer look.
    """

    shape: "Shape"
    counted_by: str | None = None


Shape = Value | ListOf | Object | Json

TEXT_COUNTS = 1 << 32
"""The count of a text, where a name counts 1: more than the names in all lines read at once, so that one sum contains
both numbers."""


def read_type(shape: Shape) -> str:
    """The DuckDB type of a shape in a strict read."""
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
    """The statement that creates the macro `names_and_texts_read` of the columns of a line, in their order.

    It counts like `report_file.Tally`, each text as `TEXT_COUNTS`. The result never exceeds the line's contents, except
    for texts in place of other values, which are not names; and each oddity makes it less: an invalid number, a list in
    place of a text, a gap in a list. So if it equals the line's tally, the line was read completely.
    """
    columns = ", ".join(f'"{name}"' for name in shape.members)
    count = _Count()
    count.add_members(shape, "", 0)
    return f"CREATE OR REPLACE MACRO names_and_texts_read({columns}) AS {count.expression}"


def expected_nodes(shape: Shape, path: str = "$", parent: str = "", name: str = "") -> Iterator[dict[str, object]]:
    """Each node that a line may have.

    A node has its `path`, the path of its `parent` and its `name` in it (`[*]` for list items), its `kind` (a `Value`,
    `list` or `object`), and for an object its `names_read`.
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
            known = {**shape.members, **dict.fromkeys(shape.ignored, Value.ANYTHING)}
            inside = [(f"{path}.{key}", key, member) for key, member in known.items()]
        case _:
            kind = str(shape)
    yield {"path": path, "parent": parent, "name": name, "kind": kind, "names_read": names_read}
    for path_inside, name_inside, shape_inside in inside:
        yield from expected_nodes(shape_inside, path_inside, path, name_inside)


class _Count:
    """Terms of the count of names and texts in a value: conditions that each count one, and other terms.

    Small integers are several times as fast to add as large ones. And conditions reuse the columns that a query reads
    anyway, unless they are in a CASE.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.texts: list[str] = []
        self.named_texts: list[str] = []
        self.others: list[str] = []
        self.odd: list[str] = []

    @property
    def expression(self) -> str:
        """The sum of all terms; less if anything is odd."""
        odd = f"CASE WHEN coalesce({' OR '.join(self.odd)}, false) THEN -1 ELSE 0 END" if self.odd else "0"
        names, texts, named_texts = (
            "(" + " + ".join(["0::SMALLINT", *(f"({condition})::SMALLINT" for condition in conditions)]) + ")::BIGINT"
            for conditions in (self.names, self.texts, self.named_texts)
        )
        texts_counted = f"{texts} * {TEXT_COUNTS} + {named_texts} * {1 + TEXT_COUNTS}"
        return " + ".join([names, texts_counted, *self.others, odd])

    def add_members(self, shape: Object, value: str, depth: int) -> None:
        """Add the contents of an object: `value`, or the columns of the read."""
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
    """The names and texts in all items of a list; gaps are subtracted."""
    item = f"item_{depth}"
    match shape:
        case Object():
            count = _Count()
            count.add_members(shape, item, depth + 1)
            of_item = f"CASE WHEN {item} IS NULL THEN -1 ELSE {count.expression} END"
            return f"coalesce(list_sum(list_transform({value}, LAMBDA {item}: {of_item})), 0)::BIGINT"
        case Value.TEXT:
            # Most texts of a data report are in lists, and filtering costs a third of summing.
            odd = f"list_filter({value}, LAMBDA {item}: coalesce(starts_with({item}, '['), true))"
            return f"coalesce(len({value}) * {TEXT_COUNTS} - len({odd}) * {1 + TEXT_COUNTS}, 0)"
        case _:
            raise TypeError(f"a list of {shape} cannot be read")
