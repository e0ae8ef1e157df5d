"""Back-ups beside running loads, and what is restored from them."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import make_url

from tests.integration.test_compaction import compacted
from tests.integration.test_sequences import fasta, held, letters, package
from tests.support.backups import restored_in, sources
from tests.support.fake_ncbi import FakeNcbi
from tests.support.followed import DENGUE, Followed, content
from tests.support.genuine import Site, site_in
from tests.support.kept_data_folder import FOLLOWED, rows_of
from tests.support.killed_maintenance import BACKUP_MOMENTS, RESTORE_MOMENTS, stopped
from tests.support.postgres import postgres, unavailable
from tests.support.program import command
from tests.support.small_disk import small_disk
from tests.support.snapshots import publish
from tests.support.tiers import some_of
from tests.support.waiting import until
from tests.support.warehouses import query
from tests.support.workers import follow_until, held_elsewhere, processes
from virus_warehouse.backup import airflow_database, make
from virus_warehouse.backup.folder import backups_in
from virus_warehouse.backup.make import Backup, make_backup
from virus_warehouse.backup.manifest import BackupError, read_manifest
from virus_warehouse.backup.restore import restore_backup
from virus_warehouse.backup.verify import verify_backup
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.publish.gates import gates_sql
from virus_warehouse.publish.places import LocalFile
from virus_warehouse.publish.verify import verify
from virus_warehouse.rebuild import rebuild
from virus_warehouse.run_file import read_state
from virus_warehouse.shortage import DiskFull
from virus_warehouse.warehouse.connection import Warehouse, WarehouseLocked

__all__ = ["sources"]

GENOMES = ("GENOME",)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A published site with sequences; only to be copied."""
    site = site_in(tmp_path_factory.mktemp("published") / "data")
    site.run(
        "mpox", package({"PX1_1": 300, "PX2_1": 300}, fasta(PX1_1=letters("1"), PX2_1=letters("2"))), sequences=GENOMES
    )
    site.run("mpox", package({"PX1_2": 300}, fasta(PX1_2=letters("3"))), sequences=GENOMES)
    site.publish()
    return site


@pytest.fixture
def site(published: Site, tmp_path: Path) -> Site:
    return published.copy_to(tmp_path / "data")


def back_up(data: DataFolder, folder: Path) -> Backup:
    return make_backup(Warehouse(data.warehouse, lock_timeout=120), data, folder)


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def kept_files(data: DataFolder) -> dict[str, bytes]:
    """The files of a data folder that belong to a back-up, but for the snapshots and their manifests."""
    return {
        path: content
        for path, content in files_of(data.root).items()
        if path.startswith(("packages/", "runs/", "sequences/", "published/sequences/"))
    }


@pytest.mark.parametrize(
    ("play", "runs"),
    [(Followed.run_briefly, 7), pytest.param(Followed.run_everything, 11, marks=pytest.mark.long)],
    ids=["briefly", "everything"],
)
@pytest.mark.usefixtures("small_loads")
def test_what_is_restored_has_the_same_rows_and_answers(
    followed: Followed, tmp_path: Path, play: Callable[[Followed], object], runs: int
) -> None:
    play(followed)
    publish(followed.data, FOLLOWED)
    moments = query(followed.data.warehouse, "SELECT ended_at FROM ops.ingest_run WHERE status = 'success' ORDER BY 1")
    made = back_up(followed.data, tmp_path / "backups")
    data = restored_in(tmp_path / "elsewhere" / "data", made.path)
    assert rows_of(data.warehouse) == rows_of(followed.data.warehouse)
    assert rows_of(data.snapshot) == rows_of(followed.data.snapshot)
    assert len(moments) == runs
    for (moment,) in moments:
        of_then = "FROM virus_genome_as_of(?) ORDER BY ALL"
        for file in ("warehouse", "snapshot"):
            before = query(getattr(followed.data, file), of_then, moment)
            assert query(getattr(data, file), of_then, moment) == before != []
    assert kept_files(data) == kept_files(followed.data)
    assert verify(LocalFile(data.published)).differences == []
    # Life goes on from there: loads, publications and rebuilds.
    followed.data = data
    assert followed.run(DENGUE).mode == "incremental"
    publish(data, FOLLOWED)
    original = content(data.warehouse)
    rebuilt = rebuild(data, from_oldest=True)
    assert (rebuilt.gaps, rebuilt.differences) == ([], [])
    assert content(rebuilt.path) == original


def test_sequences_are_restored_and_read_where_they_are_now(site: Site, tmp_path: Path) -> None:
    before, made = held(site), back_up(site.data, tmp_path / "backups")
    shutil.rmtree(site.data.root)
    restored = Site(restored_in(tmp_path / "elsewhere", tmp_path / "backups"), site.sources)
    assert held(restored) == before
    assert len(before) == 3
    assert verify(LocalFile(restored.data.published)).differences == []
    for part in restored.data.sequences.iterdir():
        assert part.samefile(restored.data.published_sequences / part.name), "the space of one file"
    assert verify_backup(made.path).differences == ()
    restored.run("mpox", package({"PX3_1": 300}, fasta(PX3_1=letters("4"))), sequences=GENOMES)
    restored.publish()
    assert len(held(restored)) == 4


def test_in_the_same_place_every_byte_is_as_it_was(site: Site, tmp_path: Path, sources: Path) -> None:
    made = back_up(site.data, tmp_path / "backups")
    before = files_of(site.data.root)
    times = {path: path.stat().st_mtime_ns for path in site.data.root.rglob("*.*") if path != site.data.warehouse}
    shutil.rmtree(site.data.root)
    restored = restore_backup(made.path, site.data, site.data.warehouse)
    assert restored.sources == site.data.root / "sources.yaml"
    after = files_of(site.data.root)
    assert after.pop("sources.yaml") == sources.read_bytes()
    assert after == {path: content for path, content in before.items() if not path.startswith("published/candidates/")}
    assert {path: path.stat().st_mtime_ns for path in times if path.is_file()}.items() <= times.items()


def test_second_backup_copies_only_what_is_new(site: Site, tmp_path: Path) -> None:
    first = back_up(site.data, tmp_path / "backups")
    again = back_up(site.data, tmp_path / "backups")
    assert (again.copied, again.copied_bytes) == (0, 0)
    assert (again.files, again.bytes) == (first.files, first.bytes)
    site.run("mpox", package({"PX3_1": 300}, fasta(PX3_1=letters("4"))), sequences=GENOMES)
    third = back_up(site.data, tmp_path / "backups")
    # The warehouse, a part, and of the run: package, sidecar, load record and run file.
    assert third.copied == 6
    for made in (first, again, third):
        assert verify_backup(made.path).differences == ()
    shutil.rmtree(first.path)
    shutil.rmtree(again.path)
    assert verify_backup(third.path).differences == (), "each back-up is whole by itself"
    assert rows_of(restored_in(tmp_path / "elsewhere", third.path).warehouse) == rows_of(site.data.warehouse)


def test_damage_in_a_backup_is_found_and_not_inherited(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = back_up(site.data, tmp_path / "backups")
    [damaged, lost] = sorted((first.path / "data" / "packages" / "mpox").glob("*.zip"))
    damaged.chmod(0o640)
    times = damaged.stat()
    damaged.write_bytes(b"x" * times.st_size)
    os.utime(damaged, ns=(times.st_atime_ns, times.st_mtime_ns))
    lost.unlink()
    found = verify_backup(first.path).differences
    assert [difference.split(": ")[:2] for difference in found] == [
        [str(damaged), "SHA-256"],
        [str(lost), "cannot be read"],
    ]
    with pytest.raises(BackupError, match=r"is damaged: its SHA-256 is .* Nothing was restored; use another back-up"):
        restored_in(tmp_path / "elsewhere", first.path)
    assert list(files_of(tmp_path / "elsewhere")) == []
    second = back_up(site.data, tmp_path / "backups")
    assert second.copied == 2
    assert f"{damaged} is damaged; copying it again" in caplog.messages
    assert verify_backup(second.path).differences == ()


def test_restoring_replaces_nothing(site: Site, tmp_path: Path) -> None:
    made, before = back_up(site.data, tmp_path / "backups"), files_of(site.data.root)
    with pytest.raises(BackupError, match=r"into an empty data folder only.* Set VIRUS_DATA to another folder"):
        restore_backup(made.path, site.data, site.data.warehouse)
    assert files_of(site.data.root) == before
    data, elsewhere = DataFolder(tmp_path / "new"), tmp_path / "other.duckdb"
    elsewhere.touch()
    with pytest.raises(BackupError, match=r"other\.duckdb exists"):
        restore_backup(made.path, data, elsewhere)
    elsewhere.rename(f"{elsewhere}.wal")
    with pytest.raises(BackupError, match=r"other\.duckdb\.wal exists"):
        restore_backup(made.path, data, elsewhere)
    Path(f"{elsewhere}.wal").unlink()
    restore_backup(made.path, data, elsewhere)
    assert rows_of(elsewhere) == rows_of(site.data.warehouse)
    assert not data.warehouse.exists()


@pytest.mark.parametrize("what", ["no folder", "nothing in it", "a newer format", "a path outside", "cut"])
def test_what_is_no_backup_is_refused(site: Site, tmp_path: Path, what: str) -> None:
    place = tmp_path / "backups"
    if what == "nothing in it":
        place.mkdir()
    elif what != "no folder":
        manifest = back_up(site.data, place).path / "backup.json"
        content = json.loads(manifest.read_text())
        if what == "a newer format":
            content = {"format": 99, "kept": "otherwise"}
        else:
            content["files"][0]["path"] = "../../evil"
        manifest.chmod(0o640)
        manifest.write_text(json.dumps(content)[: 200 if what == "cut" else None])
    reason = {"a newer format": "update virus-warehouse", "a path outside": "path within", "cut": "Use another back-up"}
    with pytest.raises(BackupError, match=reason.get(what, "Name a folder")):
        restored_in(tmp_path / "elsewhere", place)
    assert not (tmp_path / "elsewhere" / "warehouse.duckdb").exists()


def test_run_that_was_working_is_closed_by_the_next_one(site: Site, tmp_path: Path) -> None:
    """Its process is on another machine, or gone."""
    name = "20250601T000000Z-mpox-abcdef"
    state = {"format": 1, "run_id": name, "source": "mpox", "status": "running", "stage": "download"}
    (site.data.runs / f"{name}.json").write_text(json.dumps(state))
    data = restored_in(tmp_path / "elsewhere", back_up(site.data, tmp_path / "backups").path)
    Site(data, site.sources).run("mpox", package({"PX3_1": 300}, fasta(PX3_1=letters("4"))), sequences=GENOMES)
    closed = read_state(data.runs / f"{name}.json")
    assert closed is not None
    assert closed["status"] == "failed"
    assert not list(data.runs.glob(".*"))


def test_damaged_snapshot_does_not_stop_a_restore(site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    dated = site.data.published / "virus-2025-06-01.duckdb"
    dated.write_bytes(site.data.snapshot.read_bytes()[:20_000])
    before = held(site)
    restored = Site(restored_in(tmp_path / "elsewhere", back_up(site.data, tmp_path / "backups").path), site.sources)
    assert held(restored) == before
    assert f"{restored.data.published / dated.name} is damaged" in caplog.text


def test_part_that_the_store_lacks_is_named(site: Site, tmp_path: Path) -> None:
    lost = next(site.data.sequences.iterdir())
    lost.unlink()
    made = back_up(site.data, tmp_path / "backups")
    assert made.left_out[-1].startswith(f"{lost.name}: the data folder does not have this part")


class TestBesideLoads:
    def test_it_waits_for_the_warehouse_and_leaves_nothing_if_in_vain(self, site: Site, tmp_path: Path) -> None:
        with held_elsewhere(site.data.warehouse, "writing", 120), pytest.raises(WarehouseLocked):
            make_backup(Warehouse(site.data.warehouse, lock_timeout=0.3), site.data, tmp_path / "backups")
        assert [path.name for path in (tmp_path / "backups").iterdir()] == [".lock"]
        assert list(site.data.temporary.iterdir()) == []

    @pytest.mark.parametrize("backups", [2, pytest.param(20, marks=pytest.mark.long)])
    def test_each_backup_is_the_warehouse_of_one_moment(self, tmp_path: Path, backups: int) -> None:
        with FakeNcbi() as ncbi, processes(1) as pool:
            site = site_in(tmp_path / "data")
            followed = Followed(ncbi, tmp_path / "unused")
            followed.data = site.data
            for number in range(60):
                followed.show(f"PX{number}", number % 9)
            loads = pool.submit(follow_until, tmp_path / "stop", site.data.root, ncbi.url)
            until(lambda: bool(list(site.data.packages.glob("mpox/loads/*.json"))), 120)
            made = []
            for number in range(backups):
                made.append(back_up(site.data, tmp_path / "backups"))
                followed.show(f"PX{number}", 10, length=2 + number)
            assert not loads.done(), "no load was disturbed"
            (tmp_path / "stop").touch()
            assert loads.result() > 0
        for number, backup in enumerate(made):
            assert verify_backup(backup.path).differences == ()
            data = restored_in(tmp_path / f"restored-{number}", backup.path)
            assert query(data.warehouse, gates_sql()) == []
            runs = query(data.warehouse, "SELECT run_id, package_path FROM ops.ingest_run WHERE status = 'success'")
            assert all((data.root / path).exists() for _, path in runs), "the archive has every load of the warehouse"
            if data.snapshot.exists():
                shown = query(data.snapshot, "SELECT run_id FROM ops.ingest_run WHERE status = 'success'")
                assert {run_id for (run_id,) in shown} <= {run_id for run_id, _ in runs}, "no newer than the warehouse"
                if data.manifest.exists():
                    assert verify(LocalFile(data.published)).differences == []

    def test_parts_that_a_compaction_removes_meanwhile_are_kept(
        self, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = held(site)
        old = {part.name for part in site.data.sequences.iterdir()}
        freeze = make._freeze

        def freeze_and_compact(*arguments: Any) -> Any:
            frozen = freeze(*arguments)
            assert compacted(site).parts == 2
            for name in old:  # they would stay for two days
                os.utime(site.data.sequences / name, (0, 0))
            compacted(site)
            assert not old & {part.name for part in site.data.sequences.iterdir()}
            return frozen

        monkeypatch.setattr(make, "_freeze", freeze_and_compact)
        data = restored_in(tmp_path / "elsewhere", back_up(site.data, tmp_path / "backups").path)
        assert {part.name for part in data.sequences.iterdir()} == old
        restored = Site(data, site.sources)
        restored.publish()
        assert held(restored) == before

    def test_without_hard_links_files_are_copied(
        self, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def no_links(*_: object, **__: object) -> None:
            raise OSError(errno.EPERM, "Operation not permitted")

        monkeypatch.setattr(os, "link", no_links)
        back_up(site.data, tmp_path / "backups")
        made = back_up(site.data, tmp_path / "backups")
        assert made.copied == made.files
        assert rows_of(restored_in(tmp_path / "elsewhere", made.path).warehouse) == rows_of(site.data.warehouse)

    def test_warehouse_of_any_revision_is_backed_up_as_it_is(self, site: Site, tmp_path: Path) -> None:
        with duckdb.connect(site.data.warehouse) as connection:
            connection.execute("UPDATE ops.alembic_version SET version_num = '0001'")
        made = back_up(site.data, tmp_path / "backups")
        assert read_manifest(made.path).schema_revision == "0001"
        assert query(site.data.warehouse, "FROM ops.alembic_version") == [("0001",)]

    def test_log_of_the_warehouse_is_in_its_copy(self, site: Site, tmp_path: Path) -> None:
        """As after a full disk: committed, not yet checkpointed."""
        code = (
            "import duckdb, os, sys; c = duckdb.connect(sys.argv[1]); c.execute(\"SET wal_autocheckpoint = '1TB'\"); "
            "c.execute(\"INSERT INTO ops.acceptance VALUES ('mpox', 'run', 'missing')\"); os._exit(0)"
        )
        subprocess.run([sys.executable, "-c", code, str(site.data.warehouse)], check=True)
        data = restored_in(tmp_path / "elsewhere", back_up(site.data, tmp_path / "backups").path)
        assert query(data.warehouse, "FROM ops.acceptance") == [("mpox", "run", "missing")]


class TestKilled:
    @pytest.mark.parametrize("moment", some_of(BACKUP_MOMENTS, one_in=3))
    def test_killed_backup_leaves_the_one_before_as_it_was(self, site: Site, tmp_path: Path, moment: str) -> None:
        place = tmp_path / "backups"
        first = back_up(site.data, place)
        before = files_of(first.path)
        site.run("mpox", package({"PX3_1": 300}, fasta(PX3_1=letters("4"))), sequences=GENOMES)
        with stopped("backup", moment, place, site.data.root) as process:
            assert process.kill() == -9
        assert backups_in(place) == [first.path]
        assert files_of(first.path) == before
        site.run("mpox", package({"PX4_1": 300}, fasta(PX4_1=letters("1"))), sequences=GENOMES)
        assert list(site.data.temporary.iterdir()) == []
        assert not list(site.data.runs.glob(".*"))
        second = back_up(site.data, place)
        assert verify_backup(second.path).differences == ()
        assert sorted(path.name for path in place.iterdir()) == [".lock", first.path.name, second.path.name]

    def test_next_backup_removes_what_a_killed_one_has_left(self, site: Site, tmp_path: Path) -> None:
        with stopped("backup", "between two files", tmp_path / "backups", site.data.root) as process:
            process.kill()
        back_up(site.data, tmp_path / "backups")
        assert list(site.data.temporary.iterdir()) == []

    def test_loads_wait_only_while_the_warehouse_is_copied(self, site: Site, tmp_path: Path) -> None:
        with stopped("backup", "after the warehouse is copied", tmp_path / "backups", site.data.root) as process:
            site.run("mpox", package({"PX3_1": 300}, fasta(PX3_1=letters("4"))), sequences=GENOMES)
            with pytest.raises(BackupError, match=r"another back-up to .* is being made"):
                back_up(site.data, tmp_path / "backups")
            process.pipe.send("go on")
            process.process.join(120)
        [made] = backups_in(tmp_path / "backups")
        data = restored_in(tmp_path / "elsewhere", made)
        [(records,)] = query(data.warehouse, "SELECT count(*) FROM virus_genome")
        assert records == 2, "without the load that came after"
        Site(data, site.sources).publish()

    @pytest.mark.parametrize("moment", some_of(RESTORE_MOMENTS, one_in=3))
    def test_killed_restore_leaves_no_warehouse(self, site: Site, tmp_path: Path, moment: str) -> None:
        made, data = back_up(site.data, tmp_path / "backups"), DataFolder(tmp_path / "elsewhere")
        with stopped("restore", moment, made.path, data.root) as process:
            process.kill()
        assert not data.warehouse.exists()
        if moment == "before the warehouse is in place":
            with pytest.raises(BackupError, match=r"move .* away"):
                restored_in(data.root, made.path)
            data.root.rename(tmp_path / "away")
        assert rows_of(restored_in(data.root, made.path).warehouse) == rows_of(site.data.warehouse)
        assert list(data.temporary.iterdir()) == []


class TestFullDisk:
    def test_full_disk_of_the_backups_leaves_the_one_before(self, site: Site, tmp_path: Path) -> None:
        with small_disk(tmp_path / "disk", 8) as disk:
            first = back_up(site.data, disk / "backups")
            before = files_of(first.path)
            (site.data.runs / "20250601T000000Z-mpox-abcdef.json").write_bytes(os.urandom(9 << 20))
            with pytest.raises(DiskFull, match=f"the disk of {disk}/backups is full. This back-up was discarded"):
                back_up(site.data, disk / "backups")
            assert backups_in(disk / "backups") == [first.path]
            assert files_of(first.path) == before
            assert sorted(path.name for path in (disk / "backups").iterdir()) == [".lock", first.path.name]
        assert list(site.data.temporary.iterdir()) == []

    def test_full_disk_of_the_data_folder_restores_nothing(self, site: Site, tmp_path: Path) -> None:
        made = back_up(site.data, tmp_path / "backups")
        with small_disk(tmp_path / "disk", 1) as disk:
            with pytest.raises(DiskFull):
                restored_in(disk / "data", made.path)
            assert files_of(disk / "data") == {}


@pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))
def test_airflows_database_is_dumped_and_can_be_restored(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with postgres() as url:
        plain = url.replace("+psycopg2", "")
        psql(plain, "CREATE TABLE dag_run AS SELECT 'run ' || n AS run_id FROM generate_series(1, 1000) AS n")
        monkeypatch.setenv(airflow_database.VARIABLE, url)
        made = back_up(site.data, tmp_path / "backups")
        assert made.left_out == ()
        assert verify_backup(made.path).differences == ()
        psql(plain, "DROP TABLE dag_run")
        restored = restore_backup(made.path, DataFolder(tmp_path / "elsewhere"), tmp_path / "elsewhere.duckdb")
        assert restored.airflow == made.path / "airflow.dump"
        subprocess.run(["pg_restore", f"--dbname={plain}", str(restored.airflow)], check=True)
        assert psql(plain, "SELECT count(*), min(run_id) FROM dag_run") == "1000|run 1"
        monkeypatch.setenv(airflow_database.VARIABLE, f"{url}_missing")
        with pytest.raises(
            BackupError, match=r"pg_dump cannot dump .* does not exist. .*--no-airflow-database"
        ) as error:
            back_up(site.data, tmp_path / "backups")
        assert make_url(url).password not in str(error.value)
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(BackupError, match="pg_dump is not installed"):
            back_up(site.data, tmp_path / "backups")
    assert backups_in(tmp_path / "backups") == [made.path]


def psql(url: str, sql: str) -> str:
    done = subprocess.run(["psql", url, "-Atc", sql], check=True, capture_output=True, text=True)
    return done.stdout.strip()


class TestCommand:
    @pytest.fixture(autouse=True)
    def environment(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VIRUS_DATA", str(site.data.root))

    def test_backup_verify_and_restore(self, site: Site, tmp_path: Path) -> None:
        place = tmp_path / "backups"
        done = command("backup", str(place))
        assert done.returncode == 0, done.stderr
        said, outcome = done.stdout.splitlines()
        assert said == "NOT BACKED UP Airflow's database: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN is not set."
        assert outcome.startswith(f"OK {place}/")
        [path] = backups_in(place)
        for target in (place, path):
            verified = command("backup", "--verify", str(target))
            assert (verified.returncode, verified.stderr) == (0, "")
            assert verified.stdout.startswith(f"OK {path} is as its manifest says: ")
        refused = command("restore", str(place))
        assert refused.returncode == 1
        assert "a back-up is restored into an empty data folder only" in refused.stderr
        restored = command("restore", str(place), VIRUS_DATA=str(tmp_path / "elsewhere"))
        assert restored.returncode == 0, restored.stderr
        *_, outcome = restored.stdout.splitlines()
        assert outcome.startswith(f"OK {tmp_path}/elsewhere is as it was at ")
        again = command("fasta", "--source", "mpox", VIRUS_DATA=str(tmp_path / "elsewhere"))
        assert (again.returncode, again.stdout) == (0, command("fasta", "--source", "mpox").stdout)
        (path / "data" / "warehouse.duckdb").unlink()
        broken = command("backup", "--verify", str(place))
        assert broken.returncode == 1
        assert "warehouse.duckdb: cannot be read: No such file or directory" in broken.stdout
        assert broken.stdout.splitlines()[-1].startswith(f"FAILED {path} is not as its manifest says")

    @pytest.mark.parametrize(
        ("place", "reason"),
        [
            ("data/backups", "are one in the other: name a folder elsewhere"),
            (".", "are one in the other"),
            ("sources.yaml/backups", "Name a writable folder"),
        ],
    )
    def test_places_that_cannot_hold_backups(self, site: Site, tmp_path: Path, place: str, reason: str) -> None:
        refused = command("backup", str(tmp_path / place))
        assert refused.returncode == 1
        assert reason in refused.stderr
        assert "Traceback" not in refused.stderr

    def test_without_a_warehouse_there_is_nothing_to_back_up(self, tmp_path: Path) -> None:
        refused = command("backup", str(tmp_path / "backups"), VIRUS_DATA=str(tmp_path / "empty"))
        assert refused.returncode == 1
        assert "there is nothing to back up" in refused.stderr
        assert not (tmp_path / "backups").exists()

    def test_other_databases_of_airflow_are_left_out(self, tmp_path: Path) -> None:
        done = command("backup", str(tmp_path / "backups"), AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="sqlite:////tmp/a.db")
        assert "NOT BACKED UP Airflow's database: AIRFLOW__DATABASE__SQL_ALCHEMY_CONN names no" in done.stdout
