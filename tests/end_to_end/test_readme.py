"""The README tells the truth: its code runs, its commands and names exist."""

import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.support.airflow_runs import run_dag

CHECKOUT = Path(__file__).resolve().parents[2]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture
def everything_loaded(stand_in, follow, data):
    follow("{mpox: {taxon: 10244}, viruses: {taxon: 10239, aux_reports: [ANNOTATION]}}")
    run_dag("ncbi_virus_ingest__viruses")


def test_every_python_block_runs(everything_loaded, data, stand_in):
    (queries, without_airflow) = blocks("python")
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT / "include")}
    for block, told in ((queries, "genomes"), (without_airflow + "print(result)", "IngestResult")):
        done = subprocess.run(
            [sys.executable, "-c", block], cwd=data.root.parent, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert told in done.stdout


def test_every_query_answers(everything_loaded, data):
    (hosts, peptides, weeks) = blocks("sql")
    with duckdb.connect(data.snapshot, read_only=True) as snapshot:
        assert {name for name, _ in snapshot.sql(hosts).fetchall()} == {"Mammalia", "Aves"}
        assert all(polyprotein and ranges for _, polyprotein, _, ranges in snapshot.sql(peptides).fetchall())
        assert len(snapshot.sql(peptides).fetchall()) > 0
        assert all(re.fullmatch(r"\d{4}-W\d{2}", week) and records for week, records in snapshot.sql(weeks).fetchall())
        assert len(snapshot.sql(weeks).fetchall()) > 10


def test_every_mart_named_is_in_the_snapshot_and_none_is_left_out(everything_loaded, data):
    table = README.split("### Counts that come out right")[1].split("```sql")[0]
    with duckdb.connect(data.snapshot, read_only=True) as snapshot:
        views = snapshot.sql("SELECT view_name FROM duckdb_views() WHERE schema_name = 'mart'").fetchall()
        for name in set(re.findall(r"`(mart\.[^`]+)`", table)):
            snapshot.sql(f"FROM {name}").fetchone()
    asides = {"first_load"}  # what the text after the table says of first_seen_at
    assert {name for (name,) in views} - asides <= set(re.findall(r"`(?:mart\.)?([a-z_]+)`", table))


def test_the_yaml_is_a_sound_source(tmp_path):
    from virus_warehouse.sources import read_sources

    (block,) = blocks("yaml")
    (tmp_path / "sources.yaml").write_text(block, encoding="utf-8")
    assert read_sources(tmp_path / "sources.yaml").errors == {}


def test_every_key_of_a_source_is_explained():
    from virus_warehouse.sources import _SOURCE_KEYS

    table = README.split("### Sources")[1].split("### Query it")[0]
    explained = set(re.findall(r"`([a-z_]+)`", "".join(re.findall(r"^\|(.*?)\|", table, flags=re.MULTILINE))))
    assert explained == _SOURCE_KEYS


def test_every_command_exists():
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    assert set(re.findall(r"(?:`|\$ )make ([a-z-]+)", README)) <= targets


def test_every_error_named_is_one_of_ours():
    named = set(re.findall(r"^\| `([A-Z]\w+)", README, flags=re.MULTILINE)) - {"NCBI_DATASETS_URL"}
    source = "".join(path.read_text(encoding="utf-8") for path in (CHECKOUT / "include").rglob("*.py"))
    defined = set(re.findall(r"^class (\w+)\(", source, flags=re.MULTILINE))
    assert {name for name in named if not name.isupper() and "_" not in name} <= defined


def test_every_table_named_is_in_the_snapshot(everything_loaded, data):
    table = README.split("### Query it")[1].split("Everything under a taxon")[0]
    named = set(re.findall(r"`((?:ops\.)?[a-z_]+)`", "".join(re.findall(r"^\|(.*?)\|", table, flags=re.MULTILINE))))
    with duckdb.connect(data.snapshot, read_only=True) as snapshot:
        held = snapshot.sql(
            "SELECT CASE schema_name WHEN 'main' THEN '' ELSE schema_name || '.' END || table_name FROM duckdb_tables()"
        )
        assert named == {name for (name,) in held.fetchall()} - {"ops.alembic_version"}
