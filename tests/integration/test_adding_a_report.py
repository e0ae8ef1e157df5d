"""docs/adding-a-report.md works as it is written: a field and a report are added by it, to a copy of the code."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.steps import follow
from tests.support.warehouses import Store, line
from virus_warehouse.warehouse import migrate

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "adding-a-report.md"

CHECKS = """
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool
from tests.support.warehouses import query
from virus_warehouse.publish.origins import ORIGINS
from virus_warehouse.warehouse.schema import metadata

OWN = {"source", "status", "missing_since", "valid_from", "run_id"}

def assert_described(warehouse, table):
    columns = (
        "SELECT table_name, column_index, column_name, data_type, is_nullable, comment FROM duckdb_columns() "
        "WHERE table_name IN (SELECT table_name FROM duckdb_tables()) AND table_name <> 'alembic_version' ORDER BY ALL"
    )
    created = folder / "created.duckdb"
    with create_engine(f"duckdb:///{created}", poolclass=NullPool).begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA ops")
        metadata.create_all(connection)
    assert query(warehouse, columns) == query(created, columns), "the migration makes what the schema says"
    named = {name for name in metadata.tables[table].columns.keys() if not name.endswith("_hash")} - OWN
    assert named <= set(ORIGINS[table][1]) | {"sequence_hash"}, "docs/tables.md says where it comes from"
"""

A_FIELD = """
from tests.support.warehouses import Store, line

store = Store(folder)
store.warehouse.path.write_bytes(before.read_bytes())
before_rows = store.rows("SELECT accession, record_hash, valid_from FROM virus_genome ORDER BY 1")
plain = line("PX2.1", isolate={"name": "a"})
assert store.load(line("PX1.1"), plain, mode="incremental") == {"unchanged": 2}
assert store.rows("SELECT accession, record_hash, valid_from FROM virus_genome ORDER BY 1") == before_rows

# Only a record that has the new field is revised, and its old state has none.
filled = line("PX2.1", isolate={"name": "a"}, serotype="4")
assert store.load(line("PX1.1"), filled, mode="incremental") == {"unchanged": 1, "revised": 1}
assert store.rows("SELECT serotype FROM virus_genome ORDER BY accession") == [(None,), ("4",)]
assert store.rows("SELECT accession, serotype FROM virus_genome_history") == [("PX2", None)]
assert store.rows("SELECT field, old_value, new_value FROM virus_genome_change") == [("serotype", None, "4")]
wrong = line("PX3.1", serotype=4)
assert store.load(line("PX1.1"), filled, wrong, mode="incremental") == {"unchanged": 2, "quarantined": 1}
assert store.rows("SELECT reason FROM ops.quarantine") == [("serotype: 4 is not a text",)]
assert store.rows("FROM ops.schema_drift") == []
assert_described(store.warehouse.path, "virus_genome")
"""

A_REPORT = """
import json
from datetime import timedelta
from tests.support.fake_ncbi import FakeNcbi, World
from tests.support.followed import FIRST_DAY, Followed
from tests.support.snapshots import publish, snapshot_of
from tests.support.warehouses import Store, line
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.publish.check import check_candidate
from virus_warehouse.rebuild import rebuild
from virus_warehouse.sources import Source, SourcesFile

SOURCE = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", aux_report=["ASSAY_REPORT"]))

def assay(accession, cycles=27, **others):
    assays = [{"name": "PCR", "cycles": cycles}, {"name": "culture"}]
    return json.dumps({"accession": accession, "laboratory": "Reference", "assays": assays, **others})

with FakeNcbi() as ncbi:
    followed = Followed(ncbi, folder / "data")
    followed.data.warehouse.write_bytes(before.read_bytes())
    def counts(**run):
        result = followed.run(SOURCE, **run)
        return {name: count for name, count in result.further["assay_report"].items() if count}
    def rows(sql):
        return query(followed.data.warehouse, sql)
    for number in (1, 2, 3):
        followed.show(f"PX{number}", 1)
    lines = [assay("PX1.1"), assay("PX2.1", "31"), assay("PX2.1"), "{", assay("PX3.1", 1.5)]
    ncbi.world.further = {"assay_report": lines}
    assert counts() == {"lines": 5, "inserted": 2, "duplicate": 1, "quarantined": 2}
    assert rows("SELECT accession, laboratory, assays FROM virus_assay ORDER BY 1")[0] == (
        "PX1", "Reference", [{"name": "PCR", "cycles": 27}, {"name": "culture", "cycles": None}]
    )
    assert rows("SELECT report, reason FROM ops.quarantine ORDER BY line_number") == [
        ("assay_report", "not JSON, or more than one value on the line"),
        ("assay_report", "assays[0].cycles: 1.5 is not a whole number"),
    ]
    ncbi.world.further = {"assay_report": [assay("PX1.1"), assay("PX2.1", 31, purity="high")]}
    assert counts() == {"lines": 2, "unchanged": 1, "revised": 1}
    assert rows("SELECT report, path, sample FROM ops.schema_drift") == [("assay_report", "$.purity", '"high"')]
    days = {"since": FIRST_DAY + timedelta(days=2), "until": FIRST_DAY + timedelta(days=3)}
    followed.show("PX4", 2)
    assert counts(mode="window", **days) == {"lines": 2, "out_of_window": 2}
    counted = rows("SELECT lines, inserted FROM ops.ingest_report WHERE report = 'assay_report' ORDER BY lines DESC")
    assert counted[0] == (5, 2)
    assert counts(mode="replay") == {"lines": 2, "quarantined": 2}
    rebuilt = rebuild(followed.data)
    assert rebuilt.differences == [], rebuilt
    assert query(rebuilt.path, "SELECT accession, assays FROM virus_assay ORDER BY 1") == rows(
        "SELECT accession, assays FROM virus_assay ORDER BY 1"
    )
assert_described(followed.data.warehouse, "virus_assay")

# The publication counts the rows, and finds one that is stored twice.
sources = SourcesFile(folder / "sources.yaml", {"mpox": SOURCE})
publish(followed.data, sources, "quarantine_share")
counted = "SELECT value FROM _about WHERE topic = 'count' AND name = 'virus_assay'"
assert query(followed.data.snapshot, counted) == [("2",)]
duplicate = Store(folder)
duplicate.load(line("PX1.1"), assay_report=[assay("PX1.1")])
duplicate.execute("INSERT INTO virus_assay FROM virus_assay")
duplicate.execute("UPDATE virus_assay SET run_id = 'unknown'")
findings = check_candidate(snapshot_of(duplicate), sources, folder / "none.duckdb")
faults = " ".join(finding.fault for finding in findings)
assert "an assay is stored more than once" in faults, faults
assert "an annotation or a BioSample names a run that did not commit" in faults, faults
"""


PAGE_TESTS = """
import os, sys
import pytest

written = [str(file) for file in Path(sys.argv[1], "tests").rglob("test_*.py")]
options = ["-q", "-c", os.devnull, "--rootdir", sys.argv[1], "-p", "no:cacheprovider"]
sys.exit(pytest.main([*options, *written]) if written else 0)
"""
"""The tests that the page has written."""


@pytest.mark.parametrize(("heading", "script"), [("A field", A_FIELD), ("A report", A_REPORT)])
def test_what_the_page_says_is_all_that_it_takes(tmp_path: Path, heading: str, script: str) -> None:
    copy = tmp_path / "include"
    shutil.copytree(PROJECT / "include", copy, ignore=shutil.ignore_patterns("__pycache__"))
    [section] = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    follow(section, tmp_path)
    store = Store(tmp_path)
    if heading == "A field":
        store.load(line("PX1.1"), line("PX2.1", isolate={"name": "a"}))
    (tmp_path / "new").mkdir()
    begin = (
        "from pathlib import Path\n"
        f"folder, before = Path({str(tmp_path / 'new')!r}), Path({str(store.warehouse.path)!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", begin + CHECKS + script + PAGE_TESTS, tmp_path],
        env={**os.environ, "PYTHONPATH": f"{copy}{os.pathsep}{PROJECT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_older_version_refuses_the_file_it_cannot_know(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.execute("UPDATE ops.alembic_version SET version_num = '9999'")
    content = store.warehouse.path.read_bytes()
    with pytest.raises(migrate.SchemaTooNew, match=r"9999.*Update the checkout"):
        store.load(line("PX1.1"))
    assert store.warehouse.path.read_bytes() == content
