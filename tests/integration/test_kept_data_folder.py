"""A data folder that an earlier version has left is opened, loaded, published and rebuilt by this one.

`tests/data/data_folder_DATE.zip` is such a folder, made by `python -m tests.support.kept_data_folder FILE` with the
code of its date. In it two sources have lived through full and incremental loads, a window, censuses, a changed filter,
a replay and a failed run, of made-up records with annotation and BioSamples: every table but `ops.source_status`, which
only a snapshot fills, has rows, and every folder has files. The zip also has these rows as JSON. That of 2026-11-29 was
made by commit 7d14b5a, the last one with the migrations from 0001 to 0009.
"""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.fake_ncbi import FakeNcbi, World
from tests.support.followed import DENGUE, Followed
from tests.support.kept_data_folder import FOLDER, FOLLOWED, SNAPSHOT_ROWS, WAREHOUSE_ROWS, Rows, in_order, rows_of
from tests.support.snapshots import publish
from tests.support.warehouses import query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.about import read_about
from virus_warehouse.rebuild import rebuild
from virus_warehouse.run_file import read_state
from virus_warehouse.warehouse import migrate
from virus_warehouse.warehouse.connection import Warehouse

ZIPS = sorted((Path(__file__).parents[1] / "data").glob("data_folder_*.zip"))

CATALOG = {
    "duckdb_schemas()": "schema_name, comment",
    "duckdb_tables()": "schema_name, table_name, comment, has_primary_key, index_count, sql",
    "duckdb_columns()": "schema_name, table_name, column_index, column_name, data_type, is_nullable, column_default, "
    "comment",
    "duckdb_constraints()": "schema_name, table_name, constraint_type, constraint_text, constraint_column_names",
    "duckdb_views()": "schema_name, view_name, comment, sql",
    "duckdb_functions()": "schema_name, function_name, function_type, parameters, macro_definition, comment",
    "duckdb_sequences()": "schema_name, sequence_name, sql",
    "duckdb_indexes()": "schema_name, table_name, index_name, sql",
}
"""What DuckDB says of all that is in a file besides rows."""


@dataclass(frozen=True)
class Kept:
    """A data folder that was kept, and its rows as the version that made it has read them."""

    data: DataFolder
    warehouse_rows: Rows
    snapshot_rows: Rows


@pytest.fixture(params=ZIPS, ids=lambda path: path.stem)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    with zipfile.ZipFile(request.param) as archive:
        archive.extractall(tmp_path)
    rows = [json.loads((tmp_path / name).read_text()) for name in (WAREHOUSE_ROWS, SNAPSHOT_ROWS)]
    return Kept(DataFolder(tmp_path / FOLDER), *rows)


@pytest.fixture
def followed(ncbi: FakeNcbi, kept: Kept, tmp_path: Path) -> Followed:
    """Its sources, at an NCBI that shows a new record and a new state of another one."""
    ncbi.world = World()
    followed = Followed(ncbi, tmp_path / "unused")
    followed.data = kept.data
    followed.show("PX1", 80, length=9)
    followed.show("PX200", 80)
    return followed


def open_warehouse(data: DataFolder) -> None:
    with duckdb.connect() as session, Warehouse(data.warehouse).transaction(session):
        pass


def catalog(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    return {
        function: query(path, f"SELECT {columns} FROM {function} WHERE database_name = 'warehouse' ORDER BY ALL")
        for function, columns in CATALOG.items()
    }


def assert_rows(path: Path, expected: Rows) -> None:
    """Hold the rows of a file against those that were kept; columns that were added since are left aside."""
    found = rows_of(path)
    for table in expected:
        names = {name for row in expected[table] for name in row}
        known = in_order([{name: row[name] for name in names} for row in found[table]])
        assert known == in_order(expected[table]), table


def test_it_is_opened_with_all_rows_and_written_only_if_its_schema_is_an_earlier_one(kept: Kept) -> None:
    [(revision,)] = query(kept.data.warehouse, "SELECT version_num FROM ops.alembic_version")
    before = kept.data.warehouse.read_bytes()
    open_warehouse(kept.data)
    assert (kept.data.warehouse.read_bytes() == before) == (revision == migrate.newest_revision())
    assert query(kept.data.warehouse, "FROM ops.alembic_version") == [(migrate.newest_revision(),)]
    assert [table for table, rows in kept.warehouse_rows.items() if not rows] == ["ops.source_status"]
    assert_rows(kept.data.warehouse, kept.warehouse_rows)
    assert_rows(kept.data.snapshot, kept.snapshot_rows)


def test_its_schema_is_that_of_a_new_warehouse(kept: Kept, tmp_path: Path) -> None:
    open_warehouse(kept.data)
    new = DataFolder(tmp_path / "new")
    open_warehouse(new)
    expected = catalog(new.warehouse)
    assert len(expected["duckdb_columns()"]) > 300
    assert catalog(kept.data.warehouse) == expected


def test_its_run_files_are_read(kept: Kept) -> None:
    states = [read_state(path) for path in kept.data.runs.glob("*.json")]
    ledger = {(row["run_id"], row["status"]) for row in kept.warehouse_rows["ops.ingest_run"]}
    assert {(state["run_id"], state["status"]) for state in states if state} == ledger


def test_next_run_goes_on_from_its_watermark_and_is_published(kept: Kept, followed: Followed) -> None:
    before = read_about(kept.data.snapshot)
    result = followed.run()
    assert result.mode == "incremental"
    assert result.updated_since is not None, "it asks for what was updated since"
    assert {name: count for name, count in result.counts.items() if count} == {"lines": 2, "inserted": 1, "revised": 1}
    about = publish(kept.data, FOLLOWED)
    assert about.held_back == {}
    previous = "SELECT value FROM _about WHERE name = 'previous_publication_id'"
    assert query(kept.data.snapshot, previous) == [(before.publication_id,)]
    of_mpox = "SELECT accession, length FROM virus_genome WHERE source = 'mpox' AND accession IN ('PX1', 'PX200')"
    assert query(kept.data.snapshot, f"{of_mpox} ORDER BY 1") == [("PX1", 9), ("PX200", 1)]
    for table in ("main.virus_genome", "main.virus_genome_history"):
        [(count,)] = query(kept.data.snapshot, f"SELECT count(*) FROM {table}")
        assert count == len(kept.warehouse_rows[table]) + 1
    of_dengue = [row for row in kept.warehouse_rows["main.virus_genome"] if row["source"] == DENGUE.name]
    [(count,)] = query(kept.data.snapshot, "SELECT count(*) FROM virus_genome WHERE source = 'dengue'")
    assert count == len(of_dengue) > 0


def test_rebuilt_from_its_archive_it_has_the_same_rows(kept: Kept) -> None:
    rebuilt = rebuild(kept.data, from_oldest=True)
    assert (rebuilt.gaps, rebuilt.differences) == ([], [])
    committed = [row for row in kept.warehouse_rows["ops.ingest_run"] if row["status"] == "success"]
    assert len(rebuilt.loads) == len(committed)
    assert_rows(rebuilt.path, kept.warehouse_rows | {"ops.ingest_run": committed})
