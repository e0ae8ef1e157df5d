"""The process in which somebody's SQL runs. Started by its path, with no environment.

It takes one request from its input, answers on its output, and tells an error on its error output, as JSON. The
snapshot is a descriptor that it inherits; it knows no path.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import duckdb

sys.path.insert(0, str(Path(__file__).parents[2]))
from virus_warehouse.console.confinement import allow_one_file, die_with_parent, limit_resources

OUTPUT = "/dev/stdout"
_EXPLAIN = re.compile(r"\s*explain\s+(analyze\s+)?", re.IGNORECASE)
_MESSAGE_CHARACTERS = 4000


class Refused(ValueError):
    """A text that the console does not run; says why, and where that begins, in bytes."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


def open_snapshot(descriptor: int, memory: str) -> duckdb.DuckDBPyConnection:
    """A connection that can read the snapshot, and nothing else, for good."""
    connection = duckdb.connect(
        config={
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "memory_limit": memory,
            # Of Python's variables, which a query could otherwise name as tables.
            "python_enable_replacements": False,
            "temp_directory": "",
            "threads": 1,
        }
    )
    # Not earlier: DuckDB aborts when it may open no file at its start. It works in this one thread.
    allow_one_file(descriptor)
    connection.execute(f"ATTACH '/dev/fd/{descriptor}' AS virus (READ_ONLY)")
    connection.execute("USE virus")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET errors_as_json = true")
    connection.execute(f"SET allowed_paths = ['{OUTPUT}']")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def single_query(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[str, bool]:
    """The one query of a text, and whether it asks for a plan only.

    A list of what is allowed, because DuckDB lets a COPY write over the very file that is attached, and EXPLAIN ANALYZE
    runs what it explains.

    Raises:
        Refused: when the text is not one query.
    """
    statements = connection.extract_statements(sql)
    if not statements:
        raise Refused("there is no query in this text")
    # A PIVOT is written out as two statements, whose text is empty: one collects its columns, one asks.
    written = [statement for statement in statements if statement.query]
    queries = [statement for statement in statements if statement.type == duckdb.StatementType.SELECT]
    if len(written) > 1 or len(queries) > 1:
        second = written[1].query if len(written) > 1 else ""
        begin = sql.find(second) + len(second) - len(second.lstrip()) if second else 0
        raise Refused("the console runs one query at a time; here begins another", len(sql[:begin].encode()))
    text = (written[0].query if written else sql).strip().rstrip("; \n\t\r")
    explain = _EXPLAIN.match(text)
    if explain is not None and statements[0].type == duckdb.StatementType.EXPLAIN:
        explained = connection.extract_statements(text[explain.end() :])
        if [statement.type for statement in explained] == [duckdb.StatementType.SELECT]:
            return text, True
    if len(queries) != 1 or any(
        statement.query for statement in statements if statement.type != duckdb.StatementType.SELECT
    ):
        raise Refused(
            f"the console runs queries (SELECT, FROM, WITH, PIVOT, DESCRIBE, EXPLAIN), no {statements[0].type.name}"
        )
    return text, False


def answer(connection: duckdb.DuckDBPyConnection, request: dict[str, Any]) -> None:
    """Run a request's query and write what it gives: lines of JSON for a table, or a CSV or Parquet file.

    Raises:
        Refused: as above.
        duckdb.Error: what DuckDB says of the query.
    """
    text, plan = single_query(connection, request["sql"])
    if plan:
        rows = connection.execute(text).fetchall()
        _line({"columns": [{"name": "plan", "type": "VARCHAR"}]})
        for row in rows:
            _line([row[-1]])
        _line({"rows": len(rows), "more": False})
        return
    if request["form"] != "table":
        options = {"csv": "FORMAT csv, HEADER", "parquet": "FORMAT parquet, COMPRESSION zstd"}[request["form"]]
        connection.execute(f"COPY (\n{text}\n) TO '{OUTPUT}' ({options})")
        return
    relation = connection.sql(f"FROM (\n{text}\n)")
    _line({"columns": [{"name": n, "type": str(t)} for n, t in zip(relation.columns, relation.types, strict=True)]})
    most, cell = request["rows"], request["cell_characters"]
    # Texts are DuckDB's own, cut off there: neither a value of a gigabyte nor a type that Python lacks reaches Python.
    result = connection.execute(f"SELECT left(COLUMNS(*)::VARCHAR, {cell + 1}) FROM (\n{text}\n) LIMIT {most + 1}")
    count = 0
    while rows := result.fetchmany(100):
        for row in rows[: most - count]:
            _line([value if value is None or len(value) <= cell else f"{value[:cell]}…" for value in row])
        count += len(rows)
    _line({"rows": min(count, most), "more": count > most})


def _line(value: object) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def told(error: Exception, sql: str) -> dict[str, Any]:
    """An error for people: its kind and message, and its line and column (from 1, in characters) if it has a place."""
    kind, message, position = type(error).__name__.removesuffix("Exception"), str(error), None
    if isinstance(error, Refused):
        position = error.position
    elif isinstance(error, MemoryError):
        kind, message = "OutOfMemory", "the query needs more memory than the console gives one"
    elif "{" in message:
        try:
            details = json.loads(message[message.index("{") :])
            kind, message = details["exception_type"], details["exception_message"]
            position = int(details["position"]) if "position" in details else None
        except (ValueError, KeyError):
            pass
    answer: dict[str, Any] = {"kind": kind, "message": message[:_MESSAGE_CHARACTERS]}
    if position is not None:
        before = sql.encode()[: max(position, 0)].decode(errors="ignore")
        answer["line"] = before.count("\n") + 1
        answer["column"] = len(before) - (before.rfind("\n") + 1) + 1
    return answer


def main() -> int:
    """Serve the one request of this process."""
    die_with_parent()
    request = json.load(sys.stdin)
    limit_resources(request["cpu_seconds"], request["address_space_bytes"])
    try:
        connection = open_snapshot(request["descriptor"], request["memory"])
        try:
            answer(connection, request)
        finally:
            sys.stdout.flush()
    except (duckdb.Error, Refused, MemoryError, RuntimeError) as error:
        sys.stderr.write(json.dumps(told(error, request["sql"])))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
