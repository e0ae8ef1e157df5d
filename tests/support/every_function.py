"""Call every DuckDB function with the path of a file in the console's sandbox, to find those that reveal its contents.

python every_function.py WORD PATH [guards to be without]
"""

import json
import sys
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.support.unguarded_sandbox import INSTEAD, program

FUNCTIONS = """
    SELECT DISTINCT function_name, function_type, len(parameter_types)
    FROM duckdb_functions()
    WHERE function_type IN ('table', 'scalar')
        AND parameter_types[1] IN ('VARCHAR', 'VARCHAR[]', 'ANY', 'BLOB', 'T')
        AND NOT starts_with(function_name, 'sleep')
        AND function_name <> 'enable_profiling' -- of DuckDB 2: it prints among the answers, and stays on
        AND regexp_full_match(function_name, '[a-z_0-9]+')
    ORDER BY ALL
"""


def functions_that_read(connection: duckdb.DuckDBPyConnection, word: str, path: str) -> list[list[str]]:
    found = []
    for name, kind, count in connection.execute(FUNCTIONS).fetchall():
        # A table function's named parameters are counted with the others.
        calls = [f"{name}({', '.join([repr(path), *['NULL'] * more])})" for more in {0, count - 1}]
        for sql in (f"{verb} {call}" for verb in ("FROM", "SELECT") for call in calls):
            try:
                connection.execute(sql)
                answer = str(connection.fetchall())
            except Exception as error:
                answer = str(error)
            if word in answer:
                found.append([name, kind, sql])
    return found


def main() -> int:
    word, path, *without = sys.argv[1:]
    for guard in without:
        setattr(program, *INSTEAD[guard])
    request = json.load(sys.stdin)
    connection = program.open_snapshot(request["descriptor"], request["memory"], request["sequences"])
    rows = [[str(connection.execute(f"SELECT count(*) FROM ({FUNCTIONS})").fetchone()[0])]]
    json.dump({"columns": [], "rows": rows + functions_that_read(connection, word, path), "more": False}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
