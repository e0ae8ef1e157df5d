"""What a killed run has downloaded in parts serves a run on another host, which has no disk in common with it."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.support.buckets import NEEDS_BUCKETS
from tests.support.hosts import Host, hosts_without_a_common_disk
from tests.support.killed_in_parts import DAG_RUN, MOMENTS, accessions_asked_for, load, running
from tests.support.killed_process import KilledProcess
from tests.support.lakes import LOCK_HOLDERS, NEEDS_LAKES, end_connections
from tests.support.stand_in import StandIn
from tests.support.tiers import some_of
from virus_warehouse import parts_folder
from virus_warehouse.archive import Archive
from virus_warehouse.bucket.address import bucket_address
from virus_warehouse.bucket.bucket import Bucket
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.doctor.found_leftovers import check_leftovers
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.forget import forget
from virus_warehouse.parts_folder import KEPT, PartsFolder, PartsInUse, name_of, remove_stale_parts, stale_parts
from virus_warehouse.removal import remove
from virus_warehouse.sources import SourcesFile, source_of
from virus_warehouse.warehouse.lake_address import lake_address
from virus_warehouse.warehouse.lake_lock import LockLost
from virus_warehouse.windows import WindowRequest

pytestmark = [pytest.mark.slow, NEEDS_LAKES, NEEDS_BUCKETS, pytest.mark.usefixtures("small_loads")]

TODAY = date(2025, 6, 2)
VIRUSES = {"name": "viruses", "taxon": "10239", "aux_reports": ["BIOSAMPLE_REPORT"]}
FULL = WindowRequest("full")

LIMIT = 6_000
"""Bytes of what NCBI delivers in one piece: a few records."""

RECORDS = 40


@pytest.fixture(scope="module")
def one_stand_in() -> Iterator[StandIn]:
    with StandIn(today=TODAY, epoch=TODAY, records=RECORDS) as server:
        yield server


@pytest.fixture
def stand_in(one_stand_in: StandIn) -> StandIn:
    one_stand_in.clear_faults()
    one_stand_in.limit(LIMIT)
    return one_stand_in


@pytest.fixture
def hosts(stand_in: StandIn, bucket: str, catalog: str, tmp_path: Path) -> list[Host]:
    """Three hosts, and an NCBI that delivers a few records in one piece."""
    return hosts_without_a_common_disk(stand_in.url, bucket, catalog, tmp_path)


SOURCE = source_of(VIRUSES)


def run(host: Host) -> int:
    """A run in full; returns the number of inserted records."""
    with patch.dict(os.environ, host.settings):
        return load(None, host.url, VIRUSES, FULL, dag_run=DAG_RUN).counts["inserted"]


@contextmanager
def stopped(host: Host, moment: str, times: int = 1) -> Iterator[KilledProcess]:
    """A process that runs in full, and has stopped at a moment."""
    with patch.dict(os.environ, host.settings), running(None, host.url, VIRUSES, FULL, moment, times) as process:
        process.wait_for_moment()
        yield process


def kill(host: Host, moment: str, times: int = 1) -> None:
    """Kill such a process."""
    with stopped(host, moment, times) as process:
        assert process.kill() == -9


@contextmanager
def parts_at(host: Host) -> Iterator[tuple[DataFolder, PartsFolder]]:
    """The folder of the run, as a process sees it that begins here."""
    with host.works(with_snapshot=False) as (_, data):
        yield data, PartsFolder.of_request(data, SOURCE.name, SOURCE.request.url(host.url))


def arrived(host: Host) -> set[str]:
    """The accessions of the parts that a process sees that begins here."""
    with parts_at(host) as (_, parts):
        if not parts.listed():
            return set()
        with parts.open_accessions() as lines:
            accessions = lines.read().split()
        return {accession for first, end in parts.arrived().items() for accession in accessions[first:end]}


def in_bucket(host: Host) -> list[str]:
    """The files of parts in the bucket."""
    files = Bucket(bucket_address(host.settings["VIRUS_DATA"], "VIRUS_DATA")).files()
    return [file.path for file in files if file.path.startswith("parts/")]


@pytest.mark.parametrize("moment", some_of(MOMENTS, one_in=4))
def test_another_host_goes_on_after_a_kill(hosts: list[Host], stand_in: StandIn, moment: str) -> None:
    one, two, three = hosts
    kill(one, moment, times=2 if moment == "after a part" else 1)
    there, begun = arrived(two), len(stand_in.requests)
    assert bool(there) is (moment in {"after a part", "in the join", "before the archive", "after the archive"})
    assert run(two) == len(list(stand_in.world.records(TODAY)))
    assert there.isdisjoint(accessions_asked_for(stand_in, begun))
    for host in hosts:
        with parts_at(host) as (data, parts):
            [package] = Archive(data.packages, SOURCE.name).packages()
            assert package.parts
            assert not parts.listed()
    assert in_bucket(three) == []


def test_one_run_at_a_time_uses_them_on_whatever_host(hosts: list[Host]) -> None:
    one, two, _ = hosts
    with stopped(one, "after a part"):
        there = arrived(two)
        with pytest.raises(PartsInUse, match="another run is downloading the same records, in parts"):
            run(two)
    assert arrived(two) == there != set()


def test_they_are_kept_while_a_run_on_another_host_uses_them(
    hosts: list[Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = hosts
    monkeypatch.setattr(parts_folder, "KEPT", timedelta(0))
    with stopped(one, "after a part"), parts_at(two) as (data, _):
        assert remove_stale_parts(data).files == 0
    with parts_at(two) as (data, parts):
        assert parts.folder.name in check_leftovers(Installation(data)).message
        assert remove_stale_parts(data).files > 2
    assert in_bucket(three) == []


def test_they_are_as_old_as_in_the_bucket_where_a_copy_is_new(hosts: list[Host]) -> None:
    one, two, _ = hosts
    kill(one, "after a part")
    with parts_at(two) as (data, parts):
        for path in parts.folder.iterdir():
            os.utime(path, (time.time() - KEPT.total_seconds() - 1,) * 2)
        assert list(stale_parts(data)) == [parts.folder]


def test_they_are_removed_with_the_source(hosts: list[Host]) -> None:
    one, two, three = hosts
    kill(one, "after a part")
    with two.works() as (warehouse, data):
        forget(SOURCE.name, warehouse, data, SourcesFile(Path("sources.yaml")))
    assert in_bucket(three) == []
    assert arrived(one) == set()


def test_a_part_that_was_not_sent_is_downloaded_again(hosts: list[Host], stand_in: StandIn) -> None:
    """At once, while the host that has it takes it for one that is about to be sent; another one has downloaded it."""
    one, two, _ = hosts
    kill(one, "before a part is noted")
    kill(two, "after a part")
    assert run(one) == len(list(stand_in.world.records(TODAY)))


@pytest.mark.parametrize("number", [0, 1])
def test_parts_of_another_list_do_not_count(hosts: list[Host], stand_in: StandIn, number: int) -> None:
    """They have the records in an earlier state, on the host that got them as on one that has them hollow."""
    kill(hosts[0], "after a part")
    there = arrived(hosts[1])
    assert there
    with parts_at(hosts[number]) as (_, parts), parts.locked():
        listed = parts.listed()
        assert listed is not None
        parts.begin(replace(listed, requested_at=listed.requested_at + timedelta(seconds=1)))
        assert (parts.parts(), parts.arrived()) == ([], {})
        begun = len(stand_in.requests)
    assert run(hosts[number]) == len(list(stand_in.world.records(TODAY)))
    assert there.issubset(accessions_asked_for(stand_in, begun))


def test_what_was_downloaded_over_a_hollow_file_is_sent(hosts: list[Host]) -> None:
    one, two, three = hosts
    kill(one, "after a part")
    with parts_at(two) as (_, parts), parts.locked():
        [part] = parts.parts()
        parts.package(part.name).write_bytes(b"of this list")
        parts.note(part)
    with parts_at(three) as (_, parts):
        assert parts.file(part.name).read_bytes() == b"of this list"


def test_a_part_that_is_gone_is_downloaded_again(hosts: list[Host], stand_in: StandIn) -> None:
    one, two, _ = hosts
    kill(one, "after a part")
    with parts_at(one) as (_, parts):
        [package] = parts.folder.glob("*.zip")
        remove(package)
    assert run(two) == len(list(stand_in.world.records(TODAY)))


def test_a_run_that_has_lost_its_lock_changes_nothing(hosts: list[Host]) -> None:
    one, two, _ = hosts
    kill(one, "after a part")
    there = in_bucket(two)
    lake = lake_address(one.settings["VIRUS_WAREHOUSE"], "VIRUS_WAREHOUSE")
    with parts_at(one) as (_, parts), parts.locked():
        [part], listed = parts.parts(), parts.listed()
        assert listed is not None
        end_connections(lake, LOCK_HOLDERS)
        for change in (
            lambda: parts.begin(listed),
            lambda: parts.note(part),
            lambda: parts.drop(parts.package(part.name)),
            parts.remove,
        ):
            with pytest.raises(LockLost, match=f"the lock `parts of viruses: {parts.folder.name}` has ended"):
                change()
    assert in_bucket(two) == there != []


def test_what_a_killed_run_did_not_send_does_not_count(hosts: list[Host]) -> None:
    """Otherwise it might be added to a later list, whose records it has in an earlier state."""
    one, _, _ = hosts
    kill(one, "after a part")
    there = arrived(one)
    with parts_at(one) as (_, parts):
        unsent = parts.package(name_of(10**6, 10**6 + 1))
        unsent.write_bytes(b"")
        unsent.with_suffix(".json").write_text("{}")
    with parts_at(one) as (_, parts), parts.locked():
        assert not unsent.exists()
        assert not unsent.with_suffix(".json").exists()
    assert arrived(one) == there != set()
