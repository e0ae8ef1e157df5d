"""docs/adding-a-gate.md and docs/adding-a-recipe.md work as they are written, in a copy of the code."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.snapshots import snapshot_of
from tests.support.steps import follow
from tests.support.warehouses import Store, line
from virus_warehouse.cookbook import recipes

PROJECT = Path(__file__).parents[2]

A_GATE = """
import sys
import duckdb
from virus_warehouse.publish.gates import WARNED, classify_findings, gates_sql
with duckdb.connect(sys.argv[1], read_only=True) as snapshot:
    [finding] = classify_findings(snapshot.execute(gates_sql()).fetchall())
assert (finding.gate, finding.source, finding.outcome) == ("lengths", "mpox", WARNED), finding
assert (finding.fault, finding.rows_at_fault, finding.examples) == ("a record has no length", 1, ["PX2"]), finding
"""

A_RECIPE = """
import sys
import duckdb
from virus_warehouse.cookbook import recipes
recipe = recipes()[-1]
assert (recipe.name, recipe.topic, recipe.question) == (
    "hosts_by_virus", "Hosts", "Which hosts are named most often, by virus?"
)
with duckdb.connect(sys.argv[1], read_only=True) as snapshot:
    assert snapshot.sql(recipe.sql).fetchall() == [("Monkeypox virus", "Homo sapiens", 2)]
"""


@pytest.mark.parametrize(
    ("page", "script"), [("adding-a-gate.md", A_GATE), ("adding-a-recipe.md", A_RECIPE)], ids=["gate", "recipe"]
)
def test_what_the_page_says_is_all_that_it_takes(tmp_path: Path, page: str, script: str) -> None:
    shutil.copytree(PROJECT / "include", tmp_path / "include", ignore=shutil.ignore_patterns("__pycache__"))
    text = (PROJECT / "docs" / page).read_text(encoding="utf-8")
    follow(text.replace("/NN_", f"/{len(recipes()) + 1:02}_"), tmp_path)
    store = Store(tmp_path)
    host = {"taxId": 9606, "organismName": "Homo sapiens"}
    store.load(line("PX1.1", length=197_209, host=host), line("PX2.1", length=None, host=host))
    done = subprocess.run(
        [sys.executable, "-c", script, snapshot_of(store)],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "include")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
