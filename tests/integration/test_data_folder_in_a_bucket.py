"""Hosts without a common disk: the warehouse is a lake, and the data folder is in a bucket."""

import hashlib
import os
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.support.buckets import NEEDS_BUCKETS
from tests.support.fake_ncbi import FakeNcbi, World
from tests.support.followed import DENGUE, FIRST_DAY, MPOX, Followed
from tests.support.hosts import Host, hosts_without_a_common_disk
from tests.support.lakes import NEEDS_LAKES, new_lake
from tests.support.program import command
from tests.support.warehouses import query
from virus_warehouse.across_hosts import one_host_at_a_time
from virus_warehouse.archive import ACCEPTED, Archive, ArchivedPackage
from virus_warehouse.bucket.bucket import BucketUnavailable
from virus_warehouse.bucket.copy import SNAPSHOT
from virus_warehouse.data_folder import DataFolder, DataFolderError
from virus_warehouse.forget import forget
from virus_warehouse.housekeeping import keep_house
from virus_warehouse.ingest import ingest
from virus_warehouse.leftovers import remove_unfinished_files
from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.pages.runs.runs import one_run
from virus_warehouse.publish.approval import LOAD
from virus_warehouse.publish.candidate import candidate_path
from virus_warehouse.publish.check import check_candidate
from virus_warehouse.publish.manifest import read_manifest
from virus_warehouse.publish.prepare import new_publication_id, prepare_candidate
from virus_warehouse.publish.publication import publish, publish_candidate
from virus_warehouse.questions.question import parse_question, remove_question, save_question, saved_questions
from virus_warehouse.rebuild import rebuild
from virus_warehouse.removal import remove
from virus_warehouse.sources import SourcesFile
from virus_warehouse.stopped_load import answer_stopped_load, stopped_load
from virus_warehouse.warehouse.ledger import RunOrigin
from virus_warehouse.warehouse.load_gates import GateError
from virus_warehouse.window_order import EarlierDayFirst
from virus_warehouse.windows import WindowRequest

pytestmark = [pytest.mark.slow, NEEDS_LAKES, NEEDS_BUCKETS, pytest.mark.usefixtures("small_loads")]

FOLLOWED = SourcesFile(Path("sources.yaml"), {MPOX.name: MPOX})
DAG_RUN = RunOrigin(dag_id="ncbi_virus_ingest__mpox", dag_run_id="scheduled__2025-03-05", run_type="scheduled")


@pytest.fixture
def hosts(ncbi: FakeNcbi, bucket: str, catalog: str, tmp_path: Path) -> list[Host]:
    """Three hosts, and an NCBI without records."""
    ncbi.world = World()
    return hosts_without_a_common_disk(ncbi.url, bucket, catalog, tmp_path)


@pytest.fixture
def world(ncbi: FakeNcbi, tmp_path: Path) -> Followed:
    """What NCBI shows."""
    return Followed(ncbi, tmp_path / "unused")


def test_a_retry_on_another_host_loads_the_package_that_the_first_one_archived(hosts, world, ncbi):
    one, two, _ = hosts
    world.show("PX1", 0)
    with (
        patch("virus_warehouse.ingest._Run.merge", side_effect=OSError("the disk is gone")),
        pytest.raises(OSError, match="the disk is gone"),
    ):
        one.run(origin=DAG_RUN)
    before = len(ncbi.requests)
    result = two.run(origin=DAG_RUN)
    assert result.counts["inserted"] == 1
    assert len(ncbi.requests) == before
    with one.works() as (_, data):
        (package,) = Archive(data.packages, "mpox").packages()
        assert (package.state, [load.package for load in Archive(data.packages, "mpox").loads()]) == (
            ACCEPTED,
            [package.run_id],
        )


def test_a_package_that_another_host_is_archiving_is_no_leftover(hosts, world):
    one, two, three = hosts
    world.show("PX1", 0)
    write_sidecar = Archive._write_sidecar

    def beside(archive: Archive, package: ArchivedPackage) -> None:
        if not (archive.folder / f"{package.run_id}.json").exists():
            with two.works() as (_, data):
                remove_unfinished_files(data, Archive(data.packages, "mpox"))
        write_sidecar(archive, package)

    with patch.object(Archive, "_write_sidecar", beside):
        one.run()
    with three.works() as (_, data):
        archive = Archive(data.packages, "mpox")
        (package,) = archive.packages()
        assert hashlib.sha256(archive.file(package.run_id).read_bytes()).hexdigest() == package.sha256


def test_a_publication_goes_on_from_host_to_host_and_is_read_on_all(hosts, world):
    one, two, three = hosts
    world.show("PX1", 0, length=7)
    three.run()
    for number in (1, 2):
        publication = new_publication_id()
        with one.works() as (warehouse, data):
            prepare_candidate(warehouse, data, publication, FOLLOWED)
        with two.works() as (_, data):
            check_candidate(candidate_path(data, publication), FOLLOWED, data.snapshot)
        with three.works() as (_, data):
            assert publish_candidate(data, publication)
            assert publish_candidate(data, publication), "a retry finds its own snapshot"
        for host in hosts:
            assert host.records() == [("PX1", 7), ("PX2", 9)][:number]
            with host.works() as (_, data):
                manifest = read_manifest(data.manifest)
                assert manifest is not None
                assert manifest.describes(data.snapshot)
                assert list(data.candidates.glob("*.duckdb*")) == []
        world.show("PX2", 1, length=9)
        two.run()


def test_runs_of_lost_hosts_are_closed_and_shown_as_ended_by_others(hosts, world):
    one, two, three = hosts
    world.show("PX1", 0)
    kept = []

    def lost(self: object, *_: object) -> None:
        kept.append(self)
        raise KeyboardInterrupt

    with (
        patch("virus_warehouse.ingest._Run.stage", lost),
        patch("virus_warehouse.ingest._Run.close_interrupted"),  # as if its host had been switched off
        pytest.raises(KeyboardInterrupt),
    ):
        one.run()
    (run_id,) = [run.record.run_id for run in kept]
    with three.works() as (_, data):
        run = one_run(data, run_id)
        assert run is not None
        assert run["status"] != "running"
    two.run()
    with three.works() as (warehouse, data):
        run = one_run(data, run_id)
        assert run is not None
        assert run["status"] == "failed"
        with warehouse.exclusive() as session:
            ended = session.execute("SELECT status FROM ops.ingest_run ORDER BY started_at").fetchall()
    assert ended == [("failed",), ("success",)]


def test_a_run_on_another_host_is_shown_as_running(hosts, world):
    one, two, _ = hosts
    world.show("PX1", 0)
    seen = []

    def look(*_: object) -> None:
        with two.works() as (_, data):
            (path,) = data.runs.glob("*.json")
            seen.append(one_run(data, path.stem))

    with patch("virus_warehouse.ingest._Run.stage_sequences", side_effect=look), pytest.raises(TypeError):
        one.run()
    assert [run["status"] for run in seen if run] == ["running"]


def test_a_backfill_on_several_hosts_downloads_once(hosts, world, ncbi):
    one, two, _ = hosts
    for day in range(4):
        world.show(f"PX{day}", day)
    day = timedelta(days=1)
    one.run(mode="window", since=FIRST_DAY, until=FIRST_DAY + day)
    before = len(ncbi.requests)
    two.run(mode="window", since=FIRST_DAY + day, until=FIRST_DAY + 2 * day)
    assert len(ncbi.requests) == before


def test_a_later_day_of_a_backfill_waits_for_the_earlier_one_on_another_host(hosts, world, ncbi):
    one, two, _ = hosts
    world.show("PX1", 0)
    day, asked = timedelta(days=1), []

    def look(*_: object) -> None:
        asked.append(len(ncbi.requests))
        with (
            two.works() as (warehouse, data),
            DatasetsClient(ncbi.url, attempts=1) as client,
            pytest.raises(EarlierDayFirst, match="may download what this day needs"),
        ):
            ingest(
                MPOX,
                client=client,
                warehouse=warehouse,
                data=data,
                wish=WindowRequest("window", since=FIRST_DAY + day, until=FIRST_DAY + 2 * day),
                earlier_day=lambda: None,
            )
        asked.append(len(ncbi.requests))
        raise ConnectionError("enough was seen")

    with patch("virus_warehouse.ingest.PackageSource.fetch", side_effect=look), pytest.raises(ConnectionError):
        one.run(mode="window", since=FIRST_DAY, until=FIRST_DAY + day)
    assert asked[0] == asked[1]


def test_a_stopped_census_is_approved_and_loaded_on_other_hosts(hosts, world, ncbi):
    one, two, three = hosts
    for number in range(40):
        world.show(f"PX{number:02d}", 1)
    one.run()
    for number in range(10):
        del ncbi.world.records[f"PX{number:02d}"]
    with pytest.raises(GateError):
        one.run(mode="census")
    with two.works() as (warehouse, data):
        stopped = stopped_load(data, MPOX)
        assert stopped is not None
        answer_stopped_load(warehouse, data, MPOX, stopped.run_id, LOAD, "ada")
    before = len(ncbi.requests)
    with three.works() as (warehouse, data), DatasetsClient(ncbi.url, attempts=1) as client:
        result = ingest(MPOX, client=client, warehouse=warehouse, data=data, archived=stopped.run_id)
    assert len(ncbi.requests) == before
    assert result.counts["missing"] == 10
    with two.works() as (_, data):
        assert stopped_load(data, MPOX) is None


def test_questions_saved_and_sources_forgotten_on_one_host_are_so_on_all(hosts, world):
    one, two, three = hosts
    world.show("PX1", 0)
    one.run()
    one.run(DENGUE)
    with one.works() as (_, data):
        save_question(
            data, parse_question("cattle", "-- question: Cattle\n-- key: accession\nSELECT accession FROM virus_genome")
        )
    with two.works() as (warehouse, data):
        assert set(saved_questions(data).valid) == {"cattle"}
        assert remove_question(data, "cattle")
        forget("dengue", warehouse, data, FOLLOWED)
    with three.works() as (_, data):
        assert not saved_questions(data).valid
        assert [path.name for path in data.packages.iterdir() if any(path.iterdir())] == ["mpox"]


def test_what_is_published_is_kept_by_housekeeping_and_not_fetched_by_a_worker_that_only_loads(hosts, world):
    one, two, three = hosts
    world.show("PX1", 0)
    one.run()
    with two.works() as (warehouse, data):
        publish(warehouse, data, FOLLOWED)
        lines = keep_house(warehouse, data, FOLLOWED)
    assert any(line.startswith("checkpoint: ") for line in lines)
    assert one.records() == [("PX1", 1)]
    three.run()
    assert not (Path(three.settings["VIRUS_DATA_COPY"]) / SNAPSHOT).exists()


def test_one_host_at_a_time(hosts):
    one, two, _ = hosts
    with (
        one.works() as (_, data),
        one_host_at_a_time(data, "publication"),
        two.works() as (_, other),
        pytest.raises(TimeoutError, match="publication: another host has been doing the same"),
        one_host_at_a_time(other, "publication", patience=0.2),
    ):
        pytest.fail("both have the lock")


def test_a_run_fails_and_loses_nothing_while_the_bucket_is_away(hosts, world, monkeypatch):
    one, two, _ = hosts
    world.show("PX1", 0)
    one.run()
    world.show("PX2", 1)
    with (
        patch("virus_warehouse.bucket.bucket.Bucket.send", side_effect=BucketUnavailable("the bucket is away")),
        pytest.raises(BucketUnavailable, match="the bucket is away"),
    ):
        one.run()
    assert two.run().counts["inserted"] == 1
    with two.works() as (warehouse, data):
        publish(warehouse, data, FOLLOWED)
    assert one.records() == [("PX1", 1), ("PX2", 1)]


def test_another_host_rebuilds_the_warehouse_from_the_packages_in_the_bucket(hosts, world, catalog, tmp_path):
    one, two, three = hosts
    world.show("PX1", 0)
    one.run()
    world.show("PX2", 1)
    gone = two.run()
    with three.works() as (warehouse, data):
        rebuilt = rebuild(data, warehouse=warehouse)
        assert rebuilt.gaps == []
        assert query(rebuilt.path, "SELECT accession FROM virus_genome ORDER BY ALL") == [("PX1",), ("PX2",)]
    own = {**three.settings, "VIRUS_DATA": str(data.root), "VIRUS_WAREHOUSE": str(rebuilt.path)}
    migrated = command("migrate", "--to", new_lake(catalog, tmp_path / "new").setting, **own)
    assert migrated.returncode == 0, migrated.stderr
    with (
        one.works() as (warehouse, data),
        patch("virus_warehouse.bucket.bucket.Bucket.fetch", side_effect=BucketUnavailable("the bucket is away")),
        pytest.raises(BucketUnavailable, match="the bucket is away"),
    ):
        rebuild(data, warehouse=warehouse)
    with one.works() as (warehouse, data):
        with two.works() as (_, data_of_two):
            remove(Archive(data_of_two.packages, "mpox").path(gone.run_id))
        [gap] = rebuild(data, warehouse=warehouse).gaps
        assert (gap.run_id, gap.reason) == (gone.run_id, f"its package {gone.run_id}.zip is missing from the archive")


def test_a_bucket_without_a_lake_is_refused(hosts, tmp_path):
    with (
        patch.dict(os.environ, {**hosts[0].settings, "VIRUS_WAREHOUSE": ""}),
        pytest.raises(DataFolderError, match="a data folder in a bucket needs a lake"),
    ):
        DataFolder.from_environment()
    assert not Path(hosts[0].settings["VIRUS_DATA_COPY"]).exists()


def test_a_folder_of_its_own_or_of_another_bucket_is_not_taken_for_a_copy(hosts, world, tmp_path):
    own = DataFolder(tmp_path / "own")
    own.create()
    (own.packages / "mpox").mkdir()
    (own.packages / "mpox" / "run.zip").write_bytes(b"package")
    with hosts[0].works():
        pass
    for place, problem in (
        (own.root, "is a data folder of its own"),
        (hosts[0].settings["VIRUS_DATA_COPY"], "copy of"),
    ):
        other = {"VIRUS_DATA": f"{hosts[0].settings['VIRUS_DATA']}/other", "VIRUS_DATA_COPY": str(place)}
        with (
            patch.dict(os.environ, {**hosts[0].settings, **other}),
            pytest.raises(DataFolderError, match=problem),
        ):
            DataFolder.from_environment()
