"""The process that runs a user's SQL. Started by its path, with an empty environment.

It reads one request as JSON from standard input, writes the result to standard output, and an error, as JSON, to
standard error. It inherits a descriptor of the snapshot.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

sys.path.insert(0, str(Path(__file__).parents[3]))
from virus_warehouse.sandbox.confinement import allow_reading_only, die_with_parent, limit_resources
from virus_warehouse.sql_file import read_sql, sql_text

OUTPUT = "/dev/stdout"
ONE_THREAD: dict[str, Any] = {"threads": 1} | ({} if duckdb.__version__.startswith("1.") else {"async_threads": 0})
"""No thread besides the main one. DuckDB 2 has threads of their own for input and output."""

_EXPLAIN = re.compile(r"((?:\s|--[^\n]*\n|/\*.*?\*/)*explain\s+(analyze\s+)?)(.*)", re.IGNORECASE | re.DOTALL)
_SELECT, _CREATE, _EXPLAINED = duckdb.StatementType.SELECT, duckdb.StatementType.CREATE, duckdb.StatementType.EXPLAIN
_MULTI = duckdb.StatementType.MULTI
_COLUMNS = 500
_MESSAGE_CHARACTERS = 4000
_NAMED, _NAME_CHARACTERS = 20, 100
"""Records without a sequence that are named, and characters of each name."""


class Replaced(Exception):
    """A publication has replaced the snapshot before it could be opened: the query is to be asked again."""


class Refused(ValueError):
    """A text that the console does not run; says why, and at which byte."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class Stopped(Exception):
    """A limit is reached; says which."""


class LettersInMemory:
    """Letters of at most so many bytes, because this process can write no file.

    Args:
        most_bytes: the limit.
        too_large: what to say when it is reached.
    """

    def __init__(self, most_bytes: int, too_large: str) -> None:
        self._held: list[bytes] = []
        self._left, self._too_large = most_bytes, too_large

    def append(self, letters: bytes, /) -> int:
        """Add a sequence; returns its number."""
        self._left -= len(letters)
        if self._left < 0:
            raise Stopped(self._too_large)
        self._held.append(letters)
        return len(self._held) - 1

    def read(self, numbers: Sequence[int], _lengths: Sequence[int], /) -> Iterator[bytes]:
        """The sequences with these numbers."""
        return map(self._held.__getitem__, numbers)


@dataclass(frozen=True)
class Query:
    """A parsed query.

    Attributes:
        sql: the query, with spaces in place of anything before it, so that positions match the text.
        explain: EXPLAIN or EXPLAIN ANALYZE when a plan is requested; otherwise empty.
    """

    sql: str
    explain: str = ""


def open_snapshot(descriptor: int, memory: str, sequences: str) -> duckdb.DuckDBPyConnection:
    """A connection that can only read the snapshot.

    Args:
        descriptor: of the snapshot, open for reading.
        memory: DuckDB's limit, such as `512MB`.
        sequences: the folder with the letters of its sequences, which may be missing.
    """
    parts = parts_in(Path(sequences))
    # The module's default database has a thread of its own.
    duckdb.close()
    connection = duckdb.connect(
        config={
            "allow_community_extensions": False,
            "allow_persistent_secrets": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "memory_limit": memory,
            # Otherwise queries could use Python variables as tables.
            "python_enable_replacements": False,
            "temp_directory": "",
            **ONE_THREAD,
        }
    )
    # Not earlier: DuckDB aborts if it cannot open files at its start. It runs in this one thread.
    allow_reading_only(descriptor, Path(sequences) if parts else None)
    try:
        connection.execute(f"ATTACH '/dev/fd/{descriptor}' AS virus (READ_ONLY)")
    except duckdb.IOException as error:
        # DuckDB 2 opens the file by its path, at which there is another one.
        raise Replaced("the snapshot was replaced") if "(deleted)" in str(error) else error from None
    connection.execute("USE virus")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET errors_as_json = true")
    connection.execute(f"SET VARIABLE virus_sequences = {sql_text(sequences)}")
    # Not allowed_directories: it would also allow to list the folder and to create files there.
    connection.execute(f"SET allowed_paths = [{', '.join(map(sql_text, [OUTPUT, *parts]))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def parts_in(folder: Path) -> list[Path]:
    """The parts of the sequence store in a folder; none if it is missing. A link elsewhere is no part."""
    return [path for path in sorted(folder.glob("*.parquet")) if path.is_file() and not path.is_symlink()]


def single_query(connection: duckdb.DuckDBPyConnection, sql: str) -> Query:
    """The single query of a text.

    An allow-list, because a deny-list would be incomplete: for example, DuckDB lets a COPY overwrite the attached
    file.

    Raises:
        Refused: when the text is not one query.
    """
    statements = connection.extract_statements(sql)
    kinds = [statement.type for statement in statements]
    if kinds == [_SELECT] or _is_pivot(connection, sql, kinds):
        return Query(sql)
    if not kinds:
        raise Refused("this text has no query")
    if kinds == [_EXPLAINED] and (explain := _EXPLAIN.fullmatch(sql)):
        head, analyze, rest = explain.groups()
        inner = single_query(connection, " " * len(head.encode()) + rest)
        if not inner.explain:
            return Query(inner.sql, "EXPLAIN ANALYZE" if analyze else "EXPLAIN")
    first = statements[0].query
    if len(kinds) > 1 and first and sql.startswith(first):
        rest = sql[len(first) + 1 :]
        begin = len(sql) - len(rest.lstrip())
        raise Refused("the console runs one query at a time; another one begins here", len(sql[:begin].encode()))
    raise Refused(
        "the console runs one query (SELECT, FROM, WITH, PIVOT, DESCRIBE, SUMMARIZE, or EXPLAIN without a PIVOT), and "
        "nothing that writes or changes data; use Download to get the result as a file"
    )


def _is_pivot(connection: duckdb.DuckDBPyConnection, sql: str, kinds: list[duckdb.StatementType]) -> bool:
    """Whether a text is one query with a PIVOT, which DuckDB splits into types for its columns and the query.

    DuckDB 2 does so later, and calls it one statement of several kinds.
    """
    is_split = len(kinds) > 1 and kinds == [_CREATE] * (len(kinds) - 1) + [_SELECT]
    if not is_split and kinds != [_MULTI]:
        return False
    # Others may look the same, but only a single query is valid in parentheses.
    try:
        inside = connection.extract_statements(f"FROM (\n{sql.rstrip().rstrip(';')}\n)")
    except duckdb.Error:
        return False
    return [statement.type for statement in inside] == kinds


def answer(connection: duckdb.DuckDBPyConnection, request: dict[str, Any]) -> None:
    """Run a request's query and write its result: a table as JSON, or a CSV, Parquet or FASTA file.

    Raises:
        Refused: as above.
        duckdb.Error: what DuckDB says of the query.
    """
    query = single_query(connection, request["sql"])
    try:
        relation = connection.sql(query.sql)
    except duckdb.Error:
        # A relation's errors have no position. The same error of a statement has one.
        connection.execute(query.sql)
        raise
    if query.explain:
        relation = connection.sql(f"SELECT unnest([{', '.join(map(sql_text, _plan(connection, query)))}]) AS plan")
    match request["form"]:
        case "csv":
            relation.to_csv(OUTPUT)
        case "parquet":
            relation.to_parquet(OUTPUT, compression="zstd")
        case "fasta":
            _write_fasta(connection, query, request)
        case _:
            _write_table(relation, request["rows"], request["cells"], request["cell_characters"])


def _plan(connection: duckdb.DuckDBPyConnection, query: Query) -> list[str]:
    rows = connection.execute(f"{query.explain}\n{query.sql}").fetchall()
    return [line for row in rows for line in row[-1].splitlines()]


def _write_table(relation: duckdb.DuckDBPyRelation, rows: int, cells: int, cell_characters: int) -> None:
    if len(relation.columns) > _COLUMNS:
        raise Refused(f"the result has {len(relation.columns)} columns, more than the {_COLUMNS} that can be shown")
    most = min(rows, max(1, cells // len(relation.columns)))
    # DuckDB formats and truncates the values, so that huge values and types that Python lacks never reach Python.
    texts = relation.project(f"left(COLUMNS(*)::VARCHAR, {cell_characters + 1})").limit(most + 1).fetchall()
    table = {
        "columns": [
            {"name": name, "type": str(kind)} for name, kind in zip(relation.columns, relation.types, strict=True)
        ],
        "rows": [
            [text if text is None or len(text) <= cell_characters else f"{text[:cell_characters]}…" for text in row]
            for row in texts[:most]
        ],
        "more": len(texts) > most,
    }
    json.dump(table, sys.stdout, ensure_ascii=False, separators=(",", ":"))


def load_fasta_writer() -> None:
    """Load what writing FASTA needs, before files can no longer be opened."""
    from virus_warehouse.sequences import fasta_writer

    read_sql(fasta_writer.FOUND)  # which keeps it


def _write_fasta(connection: duckdb.DuckDBPyConnection, query: Query, request: dict[str, Any]) -> None:
    """Write the sequences of the selected records, and what is missing, as JSON, to standard error."""
    from virus_warehouse.sequences.fasta_writer import SelectionError, write_fasta

    if query.explain:
        raise Refused("a plan has no sequences: leave out EXPLAIN")
    molecule, letters = request["molecule"], LettersInMemory(request["bytes"], request["too_large"])
    try:
        done = write_fasta(connection, query.sql, sys.stdout.buffer, molecule, letters=letters)
    except SelectionError as error:
        raise Refused(str(error)) from error
    named = [(name or "NULL")[:_NAME_CHARACTERS] for name in done.missing[:_NAMED]]
    if not done.written:
        others = " and others" if len(done.missing) > len(named) else ""
        raise Refused(
            f"no selected record has a {molecule} sequence: {', '.join(named)}{others}"
            if named
            else "the query selects no records"
        )
    json.dump({"written": done.written, "missing": len(done.missing), "named": named}, sys.stderr)


def describe_error(error: Exception, sql: str) -> dict[str, Any]:
    """An error for display: kind and message, and line and column (from 1, in characters) if it has a position."""
    kind, message, position = type(error).__name__.removesuffix("Exception"), str(error), None
    if isinstance(error, Refused):
        position = error.position
    elif isinstance(error, (duckdb.OutOfMemoryException, MemoryError)):
        kind, message = "Out of Memory", "the query exceeds its memory limit: narrow it"
    elif "{" in message:
        try:
            details = json.loads(message[message.index("{") :])
            kind, message = details["exception_type"], details["exception_message"]
            position = int(details["position"]) if "position" in details else None
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
    answer: dict[str, Any] = {"kind": kind, "message": message[:_MESSAGE_CHARACTERS]}
    if position is not None:
        before = sql.encode()[: max(position, 0)].decode(errors="ignore")
        answer["line"] = before.count("\n") + 1
        answer["column"] = len(before) - (before.rfind("\n") + 1) + 1
    return answer


def main() -> int:
    """Serve the single request of this process."""
    request = json.load(sys.stdin)
    die_with_parent(request["server"])
    if request["form"] == "fasta":
        load_fasta_writer()
    limit_resources(request["cpu_seconds"], request["address_space_bytes"])
    try:
        answer(open_snapshot(request["descriptor"], request["memory"], request["sequences"]), request)
        sys.stdout.flush()
    except Exception as error:
        described = describe_error(error, request["sql"])
        if request["form"] == "fasta" and isinstance(error, duckdb.Error):
            # The position is that in the writer's own statement.
            described.pop("line", None), described.pop("column", None)
        sys.stderr.write(json.dumps(described))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
