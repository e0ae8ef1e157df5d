"""Copies that two hosts have of one data folder in a bucket."""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.buckets import NEEDS_BUCKETS
from virus_warehouse.archive import ACCEPTED, Archive, ArchivedPackage
from virus_warehouse.atomic_file import write_json
from virus_warehouse.bucket.bucket import BucketUnavailable
from virus_warehouse.bucket.copy import SENT_WITHIN_SECONDS, BucketCopy, copy_of, filled, forget_missing, send
from virus_warehouse.bucket.index import Index
from virus_warehouse.removal import remove

pytestmark = [pytest.mark.slow, NEEDS_BUCKETS]

PACKAGE: dict[str, Any] = {
    "mode": "full",
    "fingerprint": "f",
    "dag_id": None,
    "dag_run_id": None,
    "updated_since": None,
    "until": None,
    "request_url": "https://example.org",
    "requested_at": datetime(2025, 3, 1, tzinfo=UTC),
    "http_status": 200,
    "ncbi_phid": None,
    "datasets_version": None,
    "bytes": 1,
    "sha256": "",
}
SIDECAR, ZIP = "packages/mpox/run.json", "packages/mpox/run.zip"


@pytest.fixture
def hosts(bucket: str, tmp_path: Path) -> tuple[BucketCopy, BucketCopy]:
    """The copies of two hosts."""
    return copied(tmp_path / "one", bucket), copied(tmp_path / "other", bucket)


def copied(root: Path, bucket: str) -> BucketCopy:
    root.mkdir()
    Index(root).create(f"s3://{bucket}/data")
    return BucketCopy(root)


def put(copy: BucketCopy, path: str, contents: bytes) -> Path:
    file = copy.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(contents)
    send(file)
    return file


def of_long_ago(file: Path) -> None:
    moment = time.time() - 2 * SENT_WITHIN_SECONDS
    os.utime(file, (moment, moment))


def names(copy: BucketCopy) -> set[str]:
    return {
        str(path.relative_to(copy.root))
        for path in copy.root.rglob("*")
        if path.is_file() and not path.name.startswith(".bucket")
    }


def test_files_that_one_host_writes_and_removes_come_and_go_on_the_other(hosts):
    one, other = hosts
    file = one.root / SIDECAR
    file.parent.mkdir(parents=True)
    write_json(file, {"state": "verified"})
    other.refresh()
    assert json.loads((other.root / SIDECAR).read_text()) == {"state": "verified"}
    write_json(other.root / SIDECAR, {"state": "accepted"})
    one.refresh()
    assert json.loads(file.read_text()) == {"state": "accepted"}
    remove(one.root / "packages/mpox")
    other.refresh()
    assert names(other) == set()


def test_times_are_those_of_the_bucket_so_that_files_get_old_on_every_host(hosts):
    one, other = hosts
    file = put(one, "sequences/part.parquet", b"letters")
    other.refresh()
    first = (other.root / "sequences/part.parquet").stat().st_mtime
    of_long_ago(file)
    send(file)
    time.sleep(1.1)  # the bucket has whole seconds
    os.utime(file)
    send(file)
    other.refresh()
    assert (other.root / "sequences/part.parquet").stat().st_mtime > first


def test_large_files_that_few_read_are_fetched_when_they_are_read(hosts):
    one, other = hosts
    contents = os.urandom(100_000)
    put(one, ZIP, contents)
    other.refresh()
    there = other.root / ZIP
    assert there.stat().st_size == len(contents), "their size is known"
    assert there.read_bytes() == bytes(len(contents))
    before = there.stat().st_mtime
    assert filled(there).read_bytes() == contents
    assert there.stat().st_mtime == before
    other.refresh()
    assert there.read_bytes() == contents


def test_a_hollow_file_that_was_touched_is_sent_with_its_contents(hosts):
    one, other = hosts
    put(one, "sequences/part.parquet", b"letters")
    other.refresh()
    there = other.root / "sequences/part.parquet"
    os.utime(there)
    send(there)
    third = copied(other.root.parent / "third", one.bucket.address.bucket)
    third.refresh()
    assert filled(third.root / "sequences/part.parquet").read_bytes() == b"letters"


def test_a_file_that_is_about_to_be_sent_is_left_alone(hosts):
    one, other = hosts
    put(one, SIDECAR, b"{}")
    other.refresh()
    changed, new = other.root / SIDECAR, other.root / "runs/new.json"
    changed.write_bytes(b'{"changed": "here"}')
    new.parent.mkdir()
    new.write_bytes(b"{}")
    put(one, SIDECAR, b'{"changed": "there"}')
    other.refresh()
    assert changed.read_bytes() == b'{"changed": "here"}'
    assert new.exists()


def test_what_a_killed_process_did_not_send_gives_way_to_what_came_later(hosts):
    one, other = hosts
    put(one, SIDECAR, b"{}")
    other.refresh()
    changed = other.root / SIDECAR
    changed.write_bytes(b'{"changed": "here"}')
    of_long_ago(changed)
    other.refresh()
    assert changed.read_bytes() == b'{"changed": "here"}', "nobody has written anything later"
    put(one, SIDECAR, b'{"changed": "there"}')
    other.refresh()
    assert changed.read_bytes() == b'{"changed": "there"}'


def test_a_copy_of_which_files_were_lost_is_filled_again_and_removes_nothing(hosts):
    one, other = hosts
    put(one, SIDECAR, b"{}")
    put(one, ZIP, b"package")
    other.refresh()
    for path in (SIDECAR, ZIP):
        (other.root / path).unlink()
    send(other.root)
    other.refresh()
    assert names(other) == {SIDECAR, ZIP}
    assert filled(other.root / ZIP).read_bytes() == b"package"


def test_only_what_all_hosts_need_is_sent(hosts):
    one, other = hosts
    for path in (
        "temporary/run/package.zip",
        "pace/ncbi",
        "parts/mpox/a/1.zip.part",
        "runs/.run.lock",
        "published/a.part",
    ):
        put(one, path, b"here only")
    put(one, "published/candidates/a.duckdb.wal", b"here only")
    put(one, "questions/h5n1.sql", b"SELECT 1")
    send(one.root)
    other.refresh()
    assert names(other) == {"questions/h5n1.sql"}


def test_a_process_that_does_not_read_the_snapshot_does_not_fetch_it(hosts):
    one, other = hosts
    put(one, "published/virus.duckdb", b"snapshot")
    put(one, "published/latest.json", b"{}")
    other.refresh(with_snapshot=False)
    assert names(other) == {"published/latest.json"}
    other.refresh()
    assert (other.root / "published/virus.duckdb").read_bytes() == b"snapshot"


def test_what_was_renamed_is_removed_from_the_bucket(hosts):
    one, other = hosts
    candidate = put(one, "published/candidates/a.duckdb", b"candidate")
    candidate.rename(one.root / "published/virus.duckdb")
    send(one.root / "published/virus.duckdb")
    forget_missing(candidate.parent)
    other.refresh()
    assert names(other) == {"published/virus.duckdb"}


def test_a_file_that_is_about_to_be_changed_is_as_the_other_host_left_it(hosts):
    one, other = hosts
    archives = [Archive(copy.root / "packages", "mpox") for copy in hosts]
    (one.root / "arrived.zip").write_bytes(b"package")
    archives[0].keep(ArchivedPackage(run_id="run", source="mpox", **PACKAGE), one.root / "arrived.zip")
    other.refresh()
    archives[0].change("run", asked="mpox__question")
    archives[1].mark(["run"], ACCEPTED)
    one.refresh()
    package = archives[0].package("run")
    assert package is not None
    assert (package.state, package.asked) == (ACCEPTED, "mpox__question")


def test_a_path_in_no_copy_is_written_without_a_bucket(tmp_path):
    write_json(tmp_path / "a.json", {})
    assert copy_of(tmp_path / "a.json") is None


def test_a_bucket_that_is_not_there_is_an_error_with_the_way_out(bucket, tmp_path):
    copy = copied(tmp_path / "one", f"{bucket}-gone")
    with pytest.raises(BucketUnavailable, match=r"s3://.*-gone/data cannot be used. Check VIRUS_DATA"):
        copy.refresh()
    with pytest.raises(BucketUnavailable):
        put(copy, SIDECAR, b"{}")
