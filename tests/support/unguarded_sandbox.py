"""The console's sandbox without some of its guards, to test what each of them blocks.

    python unguarded_sandbox.py locks landlock

`query` checks that a text is one query, `locks` are DuckDB's settings, `landlock` and `limits` are the kernel's.
"""

import json
import sys
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[2] / "include"))
from virus_warehouse.sandbox import program

GUARDS = ("query", "locks", "landlock", "limits")


def run_anything(connection, request) -> None:
    connection.execute(request["sql"])
    rows = [[None if value is None else str(value) for value in row] for row in connection.fetchall()]
    columns = [{"name": column[0], "type": "VARCHAR"} for column in connection.description or ()]
    json.dump({"columns": columns, "rows": rows, "more": False}, sys.stdout)


def open_without_locks(descriptor: int, memory: str, sequences: str) -> duckdb.DuckDBPyConnection:
    duckdb.close()
    connection = duckdb.connect(config=program.ONE_THREAD)
    program.allow_reading_only(descriptor, Path(sequences) if program.parts_in(Path(sequences)) else None)
    connection.execute(f"ATTACH '/dev/fd/{descriptor}' AS virus (READ_ONLY)")
    connection.execute("USE virus")
    connection.execute(f"SET VARIABLE virus_sequences = {program.sql_text(sequences)}")
    return connection


INSTEAD = {
    "query": ("answer", run_anything),
    "locks": ("open_snapshot", open_without_locks),
    "landlock": ("allow_reading_only", lambda descriptor, folder: False),
    "limits": ("limit_resources", lambda cpu_seconds, address_space_bytes: None),
}

if __name__ == "__main__":
    for guard in sys.argv[1:]:
        setattr(program, *INSTEAD[guard])
    sys.exit(program.main())
