"""The candidate as users get it: a single self-describing file without dependencies."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.support.nested_lines import annotation, sample
from tests.support.warehouses import DENGUE, MPOX, Store, line, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.publication import publish
from virus_warehouse.sources import SourcesFile

pytestmark = pytest.mark.slow  # a publication with every report

FOLLOWED = SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX, DENGUE.name: DENGUE})

UNEXPLAINED = """
SELECT 'table' AS kind, schema_name || '.' || table_name AS name FROM duckdb_tables() WHERE comment IS NULL
UNION ALL
SELECT 'view', schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL
UNION ALL
SELECT 'macro', schema_name || '.' || function_name FROM duckdb_functions() WHERE NOT internal AND comment IS NULL
UNION ALL
SELECT 'column', schema_name || '.' || table_name || '.' || column_name
FROM duckdb_columns() WHERE NOT internal AND coalesce(trim(comment), '') = ''
"""

READ_EVERYTHING = """
import json, sys
import duckdb

path = sys.argv[1]
with duckdb.connect(path, read_only=True, config={"enable_external_access": False}) as snapshot:
    rows = {}
    for schema, name in snapshot.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() "
        "UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal"
    ).fetchall():
        rows[f"{schema}.{name}"] = len(snapshot.execute(f'FROM "{schema}"."{name}"').fetchall())
    for schema, name, kind, parameters in snapshot.execute(
        "SELECT schema_name, function_name, function_type, parameters FROM duckdb_functions() WHERE NOT internal"
    ).fetchall():
        asked, given = ("FROM", "now()") if "table" in kind else ("SELECT", "NULL")
        call = f'{asked} "{schema}"."{name}"({", ".join(given for _ in parameters)})'
        rows[f"{schema}.{name}"] = len(snapshot.execute(call).fetchall())
    databases = snapshot.execute("SELECT path FROM duckdb_databases() WHERE NOT internal").fetchall()
print(json.dumps({"rows": rows, "databases": databases}))
"""


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published snapshot with something in every table that reports fill."""
    data = DataFolder(tmp_path_factory.mktemp("data"))
    data.create()
    store = Store(data.root)
    store.load(
        line("PX1.1", biosample="SAMN1"),
        line("PX2.1"),
        "{",
        annotation=[annotation("PX1.1", "A")],
        biosamples=[sample("SAMN1", attributes=[{"name": "host", "value": "missing"}])],
    )
    store.load(line("PX1.2"), line("PX2.1"), annotation=[annotation("PX1.2", "A")])
    store.load(line("PX1.2"), source=DENGUE)
    publish(store.warehouse, data, FOLLOWED)
    return data.snapshot


def test_everything_in_the_candidate_is_explained(snapshot: Path) -> None:
    assert query(snapshot, UNEXPLAINED) == []


def test_unexplained_objects_are_all_found(snapshot: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.duckdb"
    shutil.copyfile(snapshot, copy)
    with duckdb.connect(copy) as connection:
        connection.execute(
            "CREATE TABLE ops.silent (number INT); CREATE VIEW silent_view AS SELECT 1 AS number; "
            "CREATE MACRO silent_macro(x) AS x; CREATE MACRO silent_table(x) AS TABLE SELECT x"
        )
    assert {name for _, name in query(copy, UNEXPLAINED)} == {
        "ops.silent",
        "ops.silent.number",
        "main.silent_view",
        "main.silent_view.number",
        "main.silent_macro",
        "main.silent_table",
    }


def test_view_column_has_the_comment_of_its_table_column(snapshot: Path) -> None:
    comments = (
        "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = '{}' "
        "AND column_name NOT IN ('source', 'sources') ORDER BY column_index"
    )
    of_table = query(snapshot, comments.format("virus_genome"))
    assert query(snapshot, comments.format("virus_genome_distinct")) == of_table
    assert len(of_table) > 40


def test_plain_duckdb_reads_the_whole_file_on_its_own(snapshot: Path, tmp_path: Path) -> None:
    alone = tmp_path / "elsewhere" / "renamed.duckdb"
    alone.parent.mkdir()
    shutil.copyfile(snapshot, alone)
    done = subprocess.run(
        [sys.executable, "-I", "-c", READ_EVERYTHING, str(alone)],
        cwd=alone.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    output = json.loads(done.stdout)
    assert output["databases"] == [[str(alone)]]
    rows = output["rows"]
    empty = {name for name, count in rows.items() if count == 0 and not name.startswith("mart.")}
    of_sequences = {"ops.ingest_sequence", "ops.sequence", "ops.sequence_letters", "ops.sequence_mismatch"}
    views = {"main.virus_sequence", "ops.sequence_store"}
    others = {"ops.acceptance", "ops.approval", "ops.census_missing", "ops.history_thinned", "ops.schema_drift"}
    assert empty == {*others, *of_sequences, *views}
    assert rows["mart.weekly_count"] > 0
    assert rows["main.virus_genome_distinct"] == 2
    assert rows["main.virus_genome_as_of"] == 3
    assert rows["main.virus_genome_change"] > 0
    assert [path.name for path in alone.parent.iterdir()] == [alone.name]
