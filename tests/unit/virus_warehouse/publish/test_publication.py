"""The publication: one rename, the newer candidate wins, and blocked sources are shown as before."""

import shutil
import stat
import subprocess
import sys

import duckdb
import pytest
from sqlalchemy import NullPool, create_engine, text

from tests.support.snapshots import FOLLOWED
from tests.support.warehouses import Store, line, query
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import log_of
from virus_warehouse.publish.candidate import candidate_path
from virus_warehouse.publish.prepare import prepare_candidate
from virus_warehouse.publish.publication import publish_candidate

READ_TWICE = """
import sys
import duckdb

with duckdb.connect(sys.argv[1], read_only=True) as connection:
    for _ in sys.stdin:
        print(connection.execute("SELECT count(*) FROM virus_genome").fetchone()[0], flush=True)
"""


def published(data: DataFolder) -> list[str]:
    return [accession for (accession,) in query(data.snapshot, "SELECT accession FROM virus_genome ORDER BY 1")]


def publish(store: Store, data: DataFolder, publication_id: str) -> bool:
    prepare_candidate(store.warehouse, data, publication_id, FOLLOWED)
    return publish_candidate(data, publication_id)


@pytest.mark.slow
class TestPublication:
    def test_candidate_becomes_a_read_only_snapshot(self, first_publication: DataFolder) -> None:
        data = first_publication
        assert published(data) == ["PX1"]
        assert stat.S_IMODE(data.snapshot.stat().st_mode) == 0o440
        assert not candidate_path(data, "publication-1").exists()

    def test_next_candidate_replaces_the_snapshot_and_a_leftover_write_ahead_log(
        self, published_store: Store, data: DataFolder
    ) -> None:
        log_of(data.snapshot).write_bytes(b"the log of a snapshot of long ago")
        published_store.load(line("PX2.1"), mode="incremental")
        assert publish(published_store, data, "publication-2")
        assert not log_of(data.snapshot).exists()
        assert published(data) == ["PX1", "PX2"]

    def test_open_reader_keeps_the_old_snapshot_and_the_next_reader_gets_the_new_one(
        self, published_store: Store, data: DataFolder
    ) -> None:
        """SQLAlchemy without a pool is another reader each time, as docs/ways-in.md says."""
        engine = create_engine(f"duckdb:///{data.snapshot}", connect_args={"read_only": True}, poolclass=NullPool)

        def seen_by_sqlalchemy() -> int:
            with engine.connect() as connection:
                return int(connection.execute(text("SELECT count(*) FROM virus_genome")).scalar_one())

        command = [sys.executable, "-c", READ_TWICE, str(data.snapshot)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as reader:
            assert reader.stdin is not None
            assert reader.stdout is not None
            reader.stdin.write("count\n")
            assert reader.stdout.readline() == "1\n"
            assert seen_by_sqlalchemy() == 1
            published_store.load(line("PX2.1"), mode="incremental")
            assert publish(published_store, data, "publication-2")
            reader.stdin.write("count\n")
            assert reader.stdout.readline() == "1\n"
            assert seen_by_sqlalchemy() == 2
            reader.stdin.close()
        assert reader.returncode == 0
        assert published(data) == ["PX1", "PX2"]

    def test_snapshot_is_readable_while_a_load_holds_the_warehouse(
        self, published_store: Store, data: DataFolder
    ) -> None:
        with duckdb.connect() as session, published_store.warehouse.transaction(session):
            assert published(data) == ["PX1"]

    def test_candidate_older_than_the_snapshot_is_dropped(self, store: Store, data: DataFolder) -> None:
        prepare_candidate(store.warehouse, data, "publication-1", FOLLOWED)
        store.load(line("PX2.1"), mode="incremental")
        assert publish(store, data, "publication-2")
        assert not publish_candidate(data, "publication-1")
        assert published(data) == ["PX1", "PX2"]
        assert not candidate_path(data, "publication-1").exists()

    def test_retry_after_the_rename_does_nothing(self, published_store: Store, data: DataFolder) -> None:
        before = data.snapshot.stat().st_ino
        assert publish_candidate(data, "publication-1")
        assert data.snapshot.stat().st_ino == before

    def test_retry_of_an_older_candidate_after_a_newer_publication_does_nothing(
        self, published_store: Store, data: DataFolder
    ) -> None:
        assert not publish_candidate(data, "publication-0")
        assert published(data) == ["PX1"]

    @pytest.mark.parametrize("has_snapshot", [False, True])
    def test_unprepared_candidate_is_not_published(
        self, data: DataFolder, first_publication: DataFolder, has_snapshot: bool
    ) -> None:
        if has_snapshot:
            shutil.copy2(first_publication.snapshot, data.snapshot)
        with pytest.raises(FileNotFoundError, match=r"publication-9\.duckdb"):
            publish_candidate(data, "publication-9")
        assert data.snapshot.exists() == has_snapshot
