"""The check of leftovers: what a killed run and publication left, and nothing of those that work."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from virus_warehouse.archive import Archive
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.doctor.found_leftovers import check_leftovers
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.publish.candidate import KEPT_CANDIDATE_SECONDS
from virus_warehouse.run_file import run_lock

RUN = "20250601T060000Z-mpox-aaaaaa"


def leave_temporary_files(data: DataFolder) -> Path:
    (data.temporary / RUN).mkdir()
    (data.temporary / RUN / "package.zip.part").write_bytes(b"0" * 2_000_000)
    return data.temporary / RUN


def leave_unfinished_run_file(data: DataFolder) -> Path:
    file = data.runs / f".{RUN}.json.0123abcd"
    file.touch()
    return file


def leave_zip_without_sidecar(data: DataFolder) -> Path:
    zipped = Archive(data.packages, "mpox").path(RUN)
    zipped.parent.mkdir()
    zipped.touch()
    return zipped


LEAVE = [leave_temporary_files, leave_unfinished_run_file, leave_zip_without_sidecar]


@pytest.mark.parametrize("leave", LEAVE)
def test_files_of_a_killed_run_are_found_and_those_of_a_working_one_are_not(
    installation: Installation, leave: Callable[[DataFolder], Path]
) -> None:
    assert check_leftovers(installation).message == "No run or publication has left anything behind."
    left = leave(installation.data)
    with run_lock(installation.data.runs, RUN):
        assert check_leftovers(installation).verdict == "ok"
    found = check_leftovers(installation)
    assert found.verdict == "warning"
    assert f"1 leftover with {'2.0' if left.is_dir() else '0.0'} MB" in found.message
    assert str(left.relative_to(installation.data.root)) in found.message
    assert left.exists()


def test_a_run_that_died_is_named(installation: Installation) -> None:
    lock = installation.data.runs / f".{RUN}.lock"
    lock.touch()
    found = check_leftovers(installation)
    assert (found.verdict, found.message) == ("warning", f"1 run died without an end: {RUN}.")
    assert lock.exists()


def test_old_candidates_are_leftovers_and_blocked_ones_are_kept(installation: Installation) -> None:
    candidate = installation.data.candidates / "publication.duckdb"
    candidate.touch()
    assert check_leftovers(installation).verdict == "ok"
    old = time.time() - KEPT_CANDIDATE_SECONDS - 3600
    os.utime(candidate, (old, old))
    assert "published/candidates/publication.duckdb" in check_leftovers(installation).message
    candidate.rename(candidate.with_name("publication.duckdb.part"))
    assert check_leftovers(installation).verdict == "warning"


def test_many_are_counted_and_three_are_named(installation: Installation) -> None:
    for number in range(5):
        (installation.data.temporary / f"run-{number}").mkdir()
    message = check_leftovers(installation).message
    assert "5 leftovers" in message
    assert "temporary/run-2 and 2 more" in message
