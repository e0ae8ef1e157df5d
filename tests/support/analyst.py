"""An analyst with a DuckDB of their own, in a process that knows nothing of this project."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from tests.support.followed import Followed
from tests.support.warehouses import query
from virus_warehouse.warehouse import lake_storage

QUESTIONS = {
    "genomes": "SELECT accession, length, valid_from::VARCHAR FROM virus_genome ORDER BY ALL",
    "history": "SELECT accession, length, valid_to::VARCHAR FROM virus_genome_history ORDER BY ALL",
    "as_of": "SELECT accession, length FROM virus_genome_as_of(now()) ORDER BY ALL",
}

ANALYST = """
import json, sys, duckdb
statements, questions = json.load(sys.stdin)
with duckdb.connect() as connection:
    connection.execute(statements)
    json.dump({name: connection.execute(sql).fetchall() for name, sql in questions.items()}, sys.stdout)
    try:
        connection.execute("DELETE FROM virus_genome")
    except duckdb.Error as error:
        print(error, file=sys.stderr)
    else:
        sys.exit("it can be written")
"""


def ask(statements: str, home: Path, *, packages: Sequence[Path] = (), **environment: str) -> dict[str, Any]:
    """The answers of an analyst's own DuckDB, which has the extensions installed as from DuckDB's server.

    Args:
        statements: what attaches the database.
        home: the analyst's home.
        packages: folders of packages of further extensions.
        environment: variables beside those that every process has.
    """
    ((platform,),) = duckdb.execute("PRAGMA platform").fetchall()
    folder = home / f".duckdb/extensions/v{duckdb.__version__}" / platform
    folder.mkdir(parents=True, exist_ok=True)
    known = {*lake_storage.EXTENSIONS.values(), *lake_storage.EXTENSIONS_OF_BUCKETS.values()}
    folders = [Path(str(importlib.import_module(package).__file__)).parent for package in known]
    for package in (*folders, *packages):
        for file in (package / "extensions" / f"v{duckdb.__version__}").iterdir():
            if not (folder / file.name).exists():
                (folder / file.name).symlink_to(file)
    own = {"PATH": os.environ["PATH"], "HOME": str(home), "TZ": "UTC", **environment}
    asked = json.dumps([statements, QUESTIONS])
    done = subprocess.run(
        [sys.executable, "-c", ANALYST], input=asked, capture_output=True, text=True, env=own, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def in_snapshot(followed: Followed) -> dict[str, Any]:
    """The answers of the published snapshot."""
    answers = {name: query(followed.data.snapshot, sql) for name, sql in QUESTIONS.items()}
    return json.loads(json.dumps(answers))
