"""The publication: one rename, the newer candidate wins, and blocked sources are shown as before."""

import stat
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import NullPool, create_engine, text

from tests.support.warehouses import DENGUE, MPOX, Store, line, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import log_of
from virus_warehouse.publish.candidate import candidate_path
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.publish.publication import publish_candidate
from virus_warehouse.sources import SourcesFile

FOLLOWED = SourcesFile(Path("sources.yaml"), {source.name: source for source in (MPOX, DENGUE)})

READ_TWICE = """
import sys
import duckdb

with duckdb.connect(sys.argv[1], read_only=True) as connection:
    for _ in sys.stdin:
        print(connection.execute("SELECT count(*) FROM virus_genome").fetchone()[0], flush=True)
"""


@pytest.fixture
def store(data: DataFolder) -> Store:
    store = Store(data.root)
    store.load(line("PX1.1"))
    return store


def published(data: DataFolder) -> list[str]:
    return [accession for (accession,) in query(data.snapshot, "SELECT accession FROM virus_genome ORDER BY 1")]


def publish(store: Store, data: DataFolder, publication_id: str) -> bool:
    prepare_candidate(store.warehouse, data, publication_id, FOLLOWED)
    return publish_candidate(data, publication_id)


@pytest.mark.slow
class TestPublication:
    def test_candidate_becomes_a_read_only_snapshot(self, store: Store, data: DataFolder) -> None:
        assert publish(store, data, "publication-1")
        assert published(data) == ["PX1"]
        assert stat.S_IMODE(data.snapshot.stat().st_mode) == 0o440
        assert not candidate_path(data, "publication-1").exists()

    def test_leftover_write_ahead_log_is_removed(self, store: Store, data: DataFolder) -> None:
        publish(store, data, "publication-1")
        log_of(data.snapshot).write_bytes(b"the log of a snapshot of long ago")
        store.load(line("PX2.1"), mode="incremental")
        assert publish(store, data, "publication-2")
        assert not log_of(data.snapshot).exists()
        assert published(data) == ["PX1", "PX2"]

    def test_next_candidate_replaces_the_snapshot(self, store: Store, data: DataFolder) -> None:
        publish(store, data, "publication-1")
        store.load(line("PX2.1"), mode="incremental")
        assert publish(store, data, "publication-2")
        assert published(data) == ["PX1", "PX2"]

    def test_sqlalchemy_reader_without_a_pool_sees_the_next_snapshot(self, store: Store, data: DataFolder) -> None:
        """As docs/ways-in.md says."""
        publish(store, data, "publication-1")
        url = f"duckdb:///{data.snapshot}"
        engine = create_engine(url, connect_args={"read_only": True}, poolclass=NullPool)
        seen = []
        for number in (2, 3):
            with engine.connect() as connection:
                seen.append(connection.execute(text("SELECT count(*) FROM virus_genome")).scalar_one())
            store.load(line(f"PX{number}.1"), mode="incremental")
            publish(store, data, f"run-{number}")
        assert seen == [1, 2]

    def test_open_reader_keeps_the_old_snapshot_and_the_next_reader_gets_the_new_one(
        self, store: Store, data: DataFolder
    ) -> None:
        publish(store, data, "publication-1")
        command = [sys.executable, "-c", READ_TWICE, str(data.snapshot)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as reader:
            assert reader.stdin is not None
            assert reader.stdout is not None
            reader.stdin.write("count\n")
            assert reader.stdout.readline() == "1\n"
            store.load(line("PX2.1"), mode="incremental")
            assert publish(store, data, "publication-2")
            reader.stdin.write("count\n")
            assert reader.stdout.readline() == "1\n"
            reader.stdin.close()
        assert reader.returncode == 0
        assert published(data) == ["PX1", "PX2"]

    def test_snapshot_is_readable_while_a_load_holds_the_warehouse(self, store: Store, data: DataFolder) -> None:
        publish(store, data, "publication-1")
        with duckdb.connect() as session, store.warehouse.transaction(session):
            assert published(data) == ["PX1"]

    def test_candidate_older_than_the_snapshot_is_dropped(self, store: Store, data: DataFolder) -> None:
        prepare_candidate(store.warehouse, data, "publication-1", FOLLOWED)
        store.load(line("PX2.1"), mode="incremental")
        assert publish(store, data, "publication-2")
        assert not publish_candidate(data, "publication-1")
        assert published(data) == ["PX1", "PX2"]
        assert not candidate_path(data, "publication-1").exists()

    def test_retry_after_the_rename_does_nothing(self, store: Store, data: DataFolder) -> None:
        publish(store, data, "publication-1")
        before = data.snapshot.stat().st_ino
        assert publish_candidate(data, "publication-1")
        assert data.snapshot.stat().st_ino == before

    def test_retry_of_an_older_candidate_after_a_newer_publication_does_nothing(
        self, store: Store, data: DataFolder
    ) -> None:
        store.load(line("PX2.1"), mode="incremental")
        publish(store, data, "publication-2")
        assert not publish_candidate(data, "publication-1")
        assert published(data) == ["PX1", "PX2"]

    @pytest.mark.parametrize("has_snapshot", [False, True])
    def test_unprepared_candidate_is_not_published(self, store: Store, data: DataFolder, has_snapshot: bool) -> None:
        if has_snapshot:
            publish(store, data, "publication-1")
        with pytest.raises(FileNotFoundError, match=r"publication-9\.duckdb"):
            publish_candidate(data, "publication-9")
        assert data.snapshot.exists() == has_snapshot
