"""Which texts are a single query, and the position at which other texts stop being one."""

import duckdb
import pytest

from virus_warehouse.sandbox.program import Query, Refused, describe_error, single_query

IS_DUCKDB_2 = not duckdb.__version__.startswith("1.")
PIVOT = "PIVOT t ON a USING count(*)"


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    connection.execute("SET errors_as_json = true")
    return connection


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        "SELECT 1;",
        "SELECT 1; -- and a word",
        "-- a word\nSELECT 1",
        "/* ; */ SELECT ';'",
        "FROM t",
        "TABLE t",
        "VALUES (1)",
        "WITH x AS (SELECT 1) FROM x",
        "DESCRIBE t",
        "SHOW TABLES",
        "SUMMARIZE t",
        PIVOT,
        f"{PIVOT};\n",
        f"WITH p AS ({PIVOT}) FROM p",
        "UNPIVOT t ON a INTO NAME n VALUE v",
    ],
)
def test_single_query_is_run_unchanged(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    assert single_query(connection, sql) == Query(sql)


@pytest.mark.parametrize(
    ("sql", "query"),
    [
        ("EXPLAIN FROM t", Query("        FROM t", "EXPLAIN")),
        ("explain\nanalyze FROM t", Query(" " * 16 + "FROM t", "EXPLAIN ANALYZE")),
        ("-- é\nEXPLAIN FROM t", Query(" " * 14 + "FROM t", "EXPLAIN")),
    ],
)
def test_explain_keeps_the_position_of_the_query(connection: duckdb.DuckDBPyConnection, sql: str, query: Query) -> None:
    assert single_query(connection, sql) == query
    assert sql.encode()[len(query.sql.encode()) - len(b"FROM t") :] == b"FROM t"


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("FROM t; FROM t", (1, 9)),
        ("SELECT 'é';\n\n  DROP TABLE t", (3, 3)),
        ("SELECT 1; EXPLAIN SELECT 1", (1, 11)),
        ("DROP TABLE t", None),
        ("", None),
        ("-- nothing", None),
        # DuckDB 1.5 does not say where a PIVOT ends.
        (f"{PIVOT}; {PIVOT}", (1, 30) if IS_DUCKDB_2 else None),
        (f"CREATE TYPE e AS ENUM ('a'); {PIVOT}", (1, 30)),
        (f"COPY ({PIVOT}) TO 'x'; {PIVOT}", (1, 44) if IS_DUCKDB_2 else None),
        ("EXPLAIN EXPLAIN ANALYZE FROM t", (1, 9)),
    ],
)
def test_other_text_is_refused_with_its_position(
    connection: duckdb.DuckDBPyConnection, sql: str, place: tuple[int, int] | None
) -> None:
    with pytest.raises((Refused, duckdb.ParserException)) as refused:
        single_query(connection, sql)
    error = describe_error(refused.value, sql)
    assert (error.get("line"), error.get("column")) == (place or (None, None))
