import os
import subprocess
import sys
import time

import duckdb
import pytest

from tests.support.warehouses import Store, line, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.candidate import (
    KEPT_CANDIDATE_SECONDS,
    candidate_path,
    make_candidate,
)
from virus_warehouse.warehouse.connection import Warehouse, WarehouseLocked

WRITE_AND_DIE = """
import os, sys
import duckdb

connection = duckdb.connect(sys.argv[1])
connection.execute("INSERT INTO taxon VALUES (77, 'still in the write-ahead log')")
os._exit(0)
"""


class TestCandidate:
    def test_candidate_copies_the_warehouse_which_stays_usable(self, store: Store, data: DataFolder) -> None:
        candidate = make_candidate(store.warehouse, data, "publication-1").path
        assert candidate == candidate_path(data, "publication-1")
        tables = ("virus_genome", "taxon", "taxon_lineage", "ops.ingest_run", "ops.ingest_report")
        for table in tables:
            assert query(candidate, f"FROM {table} ORDER BY ALL") == store.rows(f"FROM {table} ORDER BY ALL")
        assert store.load(line("PX2.1"), line("PX1.1")) == {"inserted": 1, "unchanged": 1}
        assert not data.snapshot.exists()

    def test_candidate_includes_the_write_ahead_log(self, store: Store, data: DataFolder) -> None:
        subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(store.warehouse.path)], check=True)
        log = store.warehouse.path.with_name(f"{store.warehouse.path.name}.wal")
        assert log.stat().st_size > 0
        candidate = make_candidate(store.warehouse, data, "publication-1").path
        assert query(candidate, "SELECT count(*) FROM taxon WHERE tax_id = 77") == [(1,)]
        assert [entry.name for entry in data.candidates.iterdir()] == ["publication-1.duckdb"]

    def test_it_waits_for_the_warehouse_and_times_out_without_leftovers(self, store: Store, data: DataFolder) -> None:
        with duckdb.connect() as session, store.warehouse.transaction(session), pytest.raises(WarehouseLocked):
            make_candidate(Warehouse(store.warehouse.path, lock_timeout=0.2), data, "publication-1")
        assert list(data.candidates.iterdir()) == []

    def test_retry_of_a_check_recreates_the_candidate(self, store: Store, data: DataFolder) -> None:
        make_candidate(store.warehouse, data, "publication-1")
        store.load(line("PX2.1"), mode="incremental")
        candidate = make_candidate(store.warehouse, data, "publication-1").path
        assert query(candidate, "SELECT count(*) FROM virus_genome") == [(2,)]

    def test_old_failed_candidates_are_deleted_and_recent_ones_kept(self, store: Store, data: DataFolder) -> None:
        old, young = (make_candidate(store.warehouse, data, run_id).path for run_id in ("old", "young"))
        for candidate, age in ((old, KEPT_CANDIDATE_SECONDS + 60), (young, KEPT_CANDIDATE_SECONDS - 60)):
            os.utime(candidate, (time.time() - age,) * 2)
        make_candidate(store.warehouse, data, "publication-1")
        assert {entry.name for entry in data.candidates.iterdir()} == {"young.duckdb", "publication-1.duckdb"}

    def test_spill_files_of_killed_checks_are_deleted(self, store: Store, data: DataFolder) -> None:
        folders = {age: data.candidates / f"{age}.duckdb.tmp" for age in ("old", "young")}
        for age, folder in folders.items():
            folder.mkdir()
            (folder / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"rows")
            moment = time.time() - KEPT_CANDIDATE_SECONDS + {"old": -60, "young": 60}[age]
            os.utime(folder, (moment, moment))
        make_candidate(store.warehouse, data, "next")
        assert [folder.exists() for folder in folders.values()] == [False, True]
