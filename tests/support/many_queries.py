"""Run several queries one after another in one process of the console's sandbox, which takes longest to start.

    python many_queries.py [guards to be without]

The SQL of its request is a list of queries, as JSON. Each row of its answer is what a query shows: values, or an error.
"""

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import duckdb

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.support.unguarded_sandbox import INSTEAD, program


def shown(connection: duckdb.DuckDBPyConnection, request: dict[str, Any]) -> str:
    """What a query shows, as in `Scene.answer`."""
    try:
        with contextlib.redirect_stdout(io.StringIO()) as output:
            program.answer(connection, request)
    except Exception as error:
        with contextlib.suppress(duckdb.Error):
            connection.execute("ROLLBACK")  # a transaction that failed would fail the queries after it
        described = program.describe_error(error, request["sql"])
        return f"{described['kind']}: {described['message']}"
    return "\n".join(str(value) for row in json.loads(output.getvalue())["rows"] for value in row)


def main() -> int:
    for guard in sys.argv[1:]:
        setattr(program, *INSTEAD[guard])
    request = json.load(sys.stdin)
    program.die_with_parent(request["server"])
    program.limit_resources(request["cpu_seconds"], request["address_space_bytes"])
    connection = program.open_snapshot(request["descriptor"], request["memory"], request["sequences"])
    rows = [[shown(connection, {**request, "sql": sql})] for sql in json.loads(request["sql"])]
    json.dump({"columns": [], "rows": rows, "more": False}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
