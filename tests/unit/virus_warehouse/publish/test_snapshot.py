import os
import stat
import subprocess
import sys
import time

import duckdb
import pytest
from sqlalchemy import NullPool, create_engine, text

from tests.support.warehouses import Shelf, line, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import log_of
from virus_warehouse.publish.snapshot import (
    KEPT_CANDIDATE_SECONDS,
    candidate_path,
    make_candidate,
    publish_candidate,
)
from virus_warehouse.warehouse.connection import Warehouse, WarehouseLocked

WRITE_AND_DIE = """
import os, sys
import duckdb

connection = duckdb.connect(sys.argv[1])
connection.execute("INSERT INTO taxon VALUES (77, 'still in the write-ahead log')")
os._exit(0)
"""

READ_TWICE = """
import sys
import duckdb

with duckdb.connect(sys.argv[1], read_only=True) as connection:
    for _ in sys.stdin:
        print(connection.execute("SELECT count(*) FROM virus_genome").fetchone()[0], flush=True)
"""


@pytest.fixture
def shelf(data: DataFolder) -> Shelf:
    shelf = Shelf(data.root)
    shelf.load(line("PX1.1"))
    return shelf


def published(data: DataFolder) -> list[str]:
    return [accession for (accession,) in query(data.snapshot, "SELECT accession FROM virus_genome ORDER BY 1")]


def publish(shelf: Shelf, data: DataFolder, run_id: str) -> bool:
    make_candidate(shelf.warehouse, data, run_id)
    return publish_candidate(data, run_id)


class TestCandidate:
    def test_it_is_the_warehouse_and_the_warehouse_stays_usable(self, shelf: Shelf, data: DataFolder) -> None:
        candidate = make_candidate(shelf.warehouse, data, "run-1")
        assert candidate == candidate_path(data, "run-1")
        tables = ("virus_genome", "taxon", "taxon_lineage", "ops.ingest_run", "ops.ingest_report")
        for table in tables:
            assert query(candidate, f"FROM {table} ORDER BY ALL") == shelf.rows(f"FROM {table} ORDER BY ALL")
        assert shelf.load(line("PX2.1"), line("PX1.1")) == {"inserted": 1, "unchanged": 1}
        assert not data.snapshot.exists()

    def test_it_has_what_is_still_in_the_write_ahead_log(self, shelf: Shelf, data: DataFolder) -> None:
        subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(shelf.warehouse.path)], check=True)
        log = shelf.warehouse.path.with_name(f"{shelf.warehouse.path.name}.wal")
        assert log.stat().st_size > 0
        candidate = make_candidate(shelf.warehouse, data, "run-1")
        assert query(candidate, "SELECT count(*) FROM taxon WHERE tax_id = 77") == [(1,)]
        assert [entry.name for entry in data.candidates.iterdir()] == ["run-1.duckdb"]

    def test_it_waits_for_the_warehouse_and_gives_up_without_a_trace(self, shelf: Shelf, data: DataFolder) -> None:
        with duckdb.connect() as session, shelf.warehouse.transaction(session), pytest.raises(WarehouseLocked):
            make_candidate(Warehouse(shelf.warehouse.path, lock_timeout=0.2), data, "run-1")
        assert list(data.candidates.iterdir()) == []

    def test_second_try_of_a_check_makes_it_anew(self, shelf: Shelf, data: DataFolder) -> None:
        make_candidate(shelf.warehouse, data, "run-1")
        shelf.load(line("PX2.1"), mode="incremental")
        candidate = make_candidate(shelf.warehouse, data, "run-1")
        assert query(candidate, "SELECT count(*) FROM virus_genome") == [(2,)]

    def test_old_ones_that_failed_are_dropped_and_young_ones_stay(self, shelf: Shelf, data: DataFolder) -> None:
        old, young = (make_candidate(shelf.warehouse, data, run_id) for run_id in ("old", "young"))
        for candidate, age in ((old, KEPT_CANDIDATE_SECONDS + 60), (young, KEPT_CANDIDATE_SECONDS - 60)):
            os.utime(candidate, (time.time() - age,) * 2)
        make_candidate(shelf.warehouse, data, "run-1")
        assert {entry.name for entry in data.candidates.iterdir()} == {"young.duckdb", "run-1.duckdb"}

    def test_what_killed_checks_have_spilled_goes_with_them(self, shelf: Shelf, data: DataFolder) -> None:
        folders = {age: data.candidates / f"{age}.duckdb.tmp" for age in ("old", "young")}
        for age, folder in folders.items():
            folder.mkdir()
            (folder / "duckdb_temp_storage_DEFAULT-0.tmp").write_bytes(b"rows")
            moment = time.time() - KEPT_CANDIDATE_SECONDS + {"old": -60, "young": 60}[age]
            os.utime(folder, (moment, moment))
        make_candidate(shelf.warehouse, data, "next")
        assert [folder.exists() for folder in folders.values()] == [False, True]


@pytest.mark.slow
class TestPublication:
    def test_candidate_becomes_the_snapshot_that_nobody_writes(self, shelf: Shelf, data: DataFolder) -> None:
        assert publish(shelf, data, "run-1")
        assert published(data) == ["PX1"]
        assert stat.S_IMODE(data.snapshot.stat().st_mode) == 0o440
        assert not candidate_path(data, "run-1").exists()

    def test_log_that_lies_there_is_of_no_file_that_comes(self, shelf: Shelf, data: DataFolder) -> None:
        publish(shelf, data, "run-1")
        log_of(data.snapshot).write_bytes(b"the log of a snapshot of long ago")
        shelf.load(line("PX2.1"), mode="incremental")
        assert publish(shelf, data, "run-2")
        assert not log_of(data.snapshot).exists()
        assert published(data) == ["PX1", "PX2"]

    def test_next_one_takes_its_place(self, shelf: Shelf, data: DataFolder) -> None:
        publish(shelf, data, "run-1")
        shelf.load(line("PX2.1"), mode="incremental")
        assert publish(shelf, data, "run-2")
        assert published(data) == ["PX1", "PX2"]

    def test_reader_by_sqlalchemy_sees_the_next_one_where_nothing_is_pooled(
        self, shelf: Shelf, data: DataFolder
    ) -> None:
        """As docs/ways-in.md says."""
        publish(shelf, data, "run-1")
        url = f"duckdb:///{data.snapshot}"
        engine = create_engine(url, connect_args={"read_only": True}, poolclass=NullPool)
        seen = []
        for number in (2, 3):
            with engine.connect() as connection:
                seen.append(connection.execute(text("SELECT count(*) FROM virus_genome")).scalar_one())
            shelf.load(line(f"PX{number}.1"), mode="incremental")
            publish(shelf, data, f"run-{number}")
        assert seen == [1, 2]

    def test_reader_keeps_the_old_one_whole_and_the_next_reader_gets_the_new(
        self, shelf: Shelf, data: DataFolder
    ) -> None:
        publish(shelf, data, "run-1")
        command = [sys.executable, "-c", READ_TWICE, str(data.snapshot)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as reader:
            assert reader.stdin is not None
            assert reader.stdout is not None
            reader.stdin.write("count\n")
            assert reader.stdout.readline() == "1\n"
            shelf.load(line("PX2.1"), mode="incremental")
            assert publish(shelf, data, "run-2")
            reader.stdin.write("count\n")
            assert reader.stdout.readline() == "1\n"
            reader.stdin.close()
        assert reader.returncode == 0
        assert published(data) == ["PX1", "PX2"]

    def test_snapshot_is_there_while_a_load_holds_the_warehouse(self, shelf: Shelf, data: DataFolder) -> None:
        publish(shelf, data, "run-1")
        with duckdb.connect() as session, shelf.warehouse.transaction(session):
            assert published(data) == ["PX1"]

    def test_older_candidate_after_a_newer_one_is_dropped(self, shelf: Shelf, data: DataFolder) -> None:
        make_candidate(shelf.warehouse, data, "run-1")
        shelf.load(line("PX2.1"), mode="incremental")
        assert publish(shelf, data, "run-2")
        assert not publish_candidate(data, "run-1")
        assert published(data) == ["PX1", "PX2"]
        assert not candidate_path(data, "run-1").exists()

    def test_retry_after_the_rename_finds_it_done(self, shelf: Shelf, data: DataFolder) -> None:
        publish(shelf, data, "run-1")
        before = data.snapshot.stat().st_ino
        assert not publish_candidate(data, "run-1")
        assert data.snapshot.stat().st_ino == before

    def test_retry_of_an_older_run_after_a_newer_was_published_finds_it_done(
        self, shelf: Shelf, data: DataFolder
    ) -> None:
        shelf.load(line("PX2.1"), mode="incremental")
        publish(shelf, data, "run-2")
        assert not publish_candidate(data, "run-1")
        assert published(data) == ["PX1", "PX2"]

    @pytest.mark.parametrize("has_snapshot", [False, True])
    def test_run_that_was_never_checked_is_not_published(
        self, shelf: Shelf, data: DataFolder, has_snapshot: bool
    ) -> None:
        if has_snapshot:
            publish(shelf, data, "run-1")
        with pytest.raises(FileNotFoundError, match=r"run-9\.duckdb"):
            publish_candidate(data, "run-9")
        assert data.snapshot.exists() == has_snapshot
