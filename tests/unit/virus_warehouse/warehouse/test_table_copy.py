"""Tables are compared row for row, in whatever order the rows are."""

import itertools
from collections.abc import Iterator

import duckdb
import pytest

from virus_warehouse.warehouse.table_copy import TableName, different_columns, read_contents

TABLE = TableName("main", "compared")

DIFFERENT_ROWS = [
    "NULL, 'a', NULL",
    "[]::VARCHAR[], 'a', NULL",
    "[NULL]::VARCHAR[], 'a', NULL",
    "['NULL'], 'a', NULL",
    "['a'], 'a', NULL",
    "['a', 'b'], 'a', NULL",
    "['a, b'], 'a', NULL",
    "['b', 'a'], 'a', NULL",
    "NULL, NULL, NULL",
    "NULL, 'NULL', NULL",
    "NULL, '', NULL",
    "NULL, 'a', {'x': NULL, 'y': NULL}",
    "NULL, 'a', {'x': 1, 'y': NULL}",
    "NULL, 'a', {'x': NULL, 'y': 1}",
]


@pytest.fixture
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for name in ("warehouse", "target"):
            connection.execute(f"ATTACH ':memory:' AS {name}")
            connection.execute(
                f"CREATE TABLE {name}.main.compared (texts VARCHAR[], text VARCHAR, parts STRUCT(x INTEGER, y INTEGER))"
            )
        yield connection


def insert(session: duckdb.DuckDBPyConnection, database: str, *rows: str) -> None:
    session.execute(f"DELETE FROM {database}.main.compared")
    for row in rows:
        session.execute(f"INSERT INTO {database}.main.compared VALUES ({row})")


def is_equal(session: duckdb.DuckDBPyConnection) -> bool:
    return read_contents(session, TABLE, "warehouse") == read_contents(session, TABLE, "target")


def test_the_order_of_rows_does_not_matter(session):
    insert(session, "warehouse", *DIFFERENT_ROWS)
    insert(session, "target", *reversed(DIFFERENT_ROWS))
    assert is_equal(session)


def test_rows_that_differ_are_different(session):
    contents = {}
    for row in DIFFERENT_ROWS:
        for database in ("warehouse", "target"):
            insert(session, database, row)
        assert is_equal(session)
        contents[row] = read_contents(session, TABLE, "target")
    for one, other in itertools.combinations(DIFFERENT_ROWS, 2):
        assert contents[one] != contents[other], (one, other)


def test_a_row_more_or_less_is_a_difference_also_of_equal_rows(session):
    insert(session, "warehouse", DIFFERENT_ROWS[0], DIFFERENT_ROWS[0])
    insert(session, "target", DIFFERENT_ROWS[0], DIFFERENT_ROWS[0], DIFFERENT_ROWS[0])
    assert not is_equal(session)
    insert(session, "target")
    assert not is_equal(session)


def test_columns_are_compared_by_name_and_type(session):
    assert different_columns(session, "target") == []
    session.execute("ALTER TABLE target.main.compared ALTER text TYPE BLOB")
    session.execute("ALTER TABLE warehouse.main.compared ADD COLUMN note VARCHAR")
    session.execute("CREATE TABLE warehouse.main.notes (note VARCHAR)")
    assert different_columns(session, "target") == [
        "main.compared.note VARCHAR",
        "main.compared.text BLOB",
        "main.compared.text VARCHAR",
        "main.notes.note VARCHAR",
    ]
