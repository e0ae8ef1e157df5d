"""Answers of a real sandbox, and which snapshot they come from."""

import asyncio
from pathlib import Path

import duckdb
import pytest

from tests.support.sandboxes import sandboxes
from virus_warehouse.data_folder import DataFolder, NoSnapshot
from virus_warehouse.sandbox.runner import Console, QueryFailed, QueryLimits


@pytest.fixture
def console(tmp_path: Path) -> Console:
    data = DataFolder(tmp_path)
    data.create()
    return Console(data, QueryLimits(seconds=200))


def publish(data: DataFolder, word: str) -> None:
    candidate = data.candidates / "candidate"
    with duckdb.connect(candidate) as connection:
        connection.execute(f"CREATE TABLE t AS SELECT '{word}' AS word")
    candidate.replace(data.snapshot)


def test_nothing_published(console: Console) -> None:
    with pytest.raises(NoSnapshot):
        asyncio.run(console.table("SELECT 1"))


IS_DUCKDB_2 = not duckdb.__version__.startswith("1.")


@pytest.mark.slow
def test_query_uses_the_snapshot_it_started_with(console: Console) -> None:
    async def scenario() -> list[str | None]:
        publish(console.data, "old")
        asked = asyncio.create_task(console.table("SELECT word FROM t, (SELECT sleep_ms(500))"))
        while not (sandboxes() or asked.done()):
            await asyncio.sleep(0.01)
        publish(console.data, "new")
        tables = [await asked, await console.table("FROM t")]
        return [row[0] for table in tables for row in table.rows]

    answers = asyncio.run(scenario())
    # DuckDB 2 opens the snapshot by its path: a query that is about to open it is asked again, of the newer one.
    assert answers == ["old", "new"] or (IS_DUCKDB_2 and answers == ["new", "new"])


def test_values_are_written_as_duckdb_writes_them(console: Console) -> None:
    publish(console.data, "word")
    sql = """
        SELECT 9007199254740993 AS n, 0.1::DECIMAL(4, 2) AS d, [1, NULL] AS l, {'a': 'b'} AS s,
            NULL::INTEGER AS nothing,
            TIMESTAMPTZ '2026-01-01 02:00:00+02' AS t, 'é\N{GRINNING FACE}' AS e
    """
    table = asyncio.run(console.table(sql))
    assert table.rows == [
        ["9007199254740993", "0.10", "[1, NULL]", "{'a': b}", None, "2026-01-01 00:00:00+00", "é\N{GRINNING FACE}"]
    ]
    assert [column.is_number for column in table.columns] == [True, True, False, False, True, False, False]


@pytest.mark.slow
def test_explain_returns_the_plan(console: Console) -> None:
    publish(console.data, "word")
    plans = [asyncio.run(console.table(f"{verb} FROM t")) for verb in ("EXPLAIN", "EXPLAIN ANALYZE")]
    for table in plans:
        assert [column.name for column in table.columns] == ["plan"]
        assert "SCAN" in str(table.rows).upper()
    assert "TOTAL TIME" in str(plans[1].rows).upper()


def test_runtime_error_has_its_position(console: Console) -> None:
    publish(console.data, "word")
    with pytest.raises(QueryFailed, match="Could not convert string 'word'") as failed:
        asyncio.run(console.table("-- é\nSELECT\n  word::INTEGER FROM t"))
    # DuckDB 2 gives the position in the text that it makes of a relation (docs/operations.md).
    column = 23 if IS_DUCKDB_2 else 7
    assert (failed.value.kind, failed.value.line, failed.value.column) == ("Conversion", 3, column)
