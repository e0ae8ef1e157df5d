"""The checks of the warehouse file, beside real processes that hold or held it."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from tests.support.later_revision import add_later_revision
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.database_file import log_of
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.doctor.lock import check_lock
from virus_warehouse.doctor.log import check_log
from virus_warehouse.doctor.schema_revision import check_schema
from virus_warehouse.run_file import RunFile, run_lock
from virus_warehouse.warehouse.lock_holder import lock_holder

pytestmark = pytest.mark.slow

HOLD = """
import sys, time
import duckdb

connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("holding", flush=True)
time.sleep(600)
"""

CHECK_LOCK = """
from virus_warehouse.doctor.installation import Installation
from virus_warehouse.doctor.lock import check_lock

found = check_lock(Installation())
print(found.verdict, found.message, found.way_out)
"""

WRITE_AND_DIE = """
import os, sys
import duckdb

connection = duckdb.connect(sys.argv[1])
connection.execute("CREATE TABLE left_in_the_log (i INTEGER)")
os._exit(0)
"""


@contextmanager
def held(file: Path, *, to: str = "write", program: Path | None = None) -> Iterator[int]:
    """Another process has the file open, one of a program's file if given; yields its id."""
    if program:
        program.write_text(HOLD, encoding="utf-8")
    command = [sys.executable, *([str(program)] if program else ["-c", HOLD]), str(file), to]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "holding\n"
        try:
            yield process.pid
        finally:
            process.kill()


def bytes_in(data: DataFolder) -> dict[str, str]:
    """The files of the data folder, with their hashes and times."""
    files = (path for path in sorted(data.root.rglob("*")) if path.is_file())
    return {str(path): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}" for path in files}


def set_revision(file: Path, revision: str) -> None:
    with duckdb.connect(file) as connection:
        connection.execute("UPDATE ops.alembic_version SET version_num = ?", [revision])


def test_nobody_has_the_file_open(installation: Installation) -> None:
    assert check_lock(installation).message == f"Nobody has {installation.data.warehouse} open."
    installation.data.warehouse.unlink()
    assert check_lock(installation).verdict == "ok"


@pytest.mark.parametrize("to", ["write", "read"])
def test_the_process_that_has_the_file_open_is_named(installation: Installation, to: str) -> None:
    with held(installation.data.warehouse, to=to) as process:
        found = check_lock(installation)
        schema = check_schema(installation)
    assert found.verdict == "warning"
    assert f"Process {process} (`{sys.executable} -c import sys, time" in found.message
    assert f"has {installation.data.warehouse} open to {to}" in found.message
    assert found.way_out
    assert f"`kill {process}`" in found.way_out
    assert (schema.verdict, "another process has it open" in schema.message) == ("skipped", True)


def test_a_load_and_a_publication_are_no_warning(installation: Installation, tmp_path: Path) -> None:
    with held(installation.data.warehouse, program=tmp_path / "virus-warehouse"):
        found = check_lock(installation)
        assert (found.verdict, "a load, check or publication takes moments" in found.message) == ("ok", True)
    with held(installation.data.warehouse, program=tmp_path / "virus-warehouse-notes.py"):
        assert check_lock(installation).verdict == "warning"
    run = RunFile(installation.data.runs, "run-1")
    run.write(stage="merge")
    with run_lock(installation.data.runs, "run-1"), held(installation.data.warehouse) as process:
        run.write(process_id=process)
        found = check_lock(installation)
        assert (found.verdict, f"Run run-1 (process {process}) is writing" in found.message) == ("ok", True)


def test_a_process_of_another_container_is_said_to_be_one(installation: Installation) -> None:
    # In a process namespace of its own, as a container has it, ids of processes outside are not visible.
    contained = ["unshare", "--pid", "--fork", sys.executable, "-c", CHECK_LOCK]
    if subprocess.run([*contained[:3], "true"], capture_output=True, check=False).returncode:
        pytest.skip("a process namespace may not be made")
    with held(installation.data.warehouse):
        found = subprocess.run(contained, capture_output=True, text=True, check=True).stdout
        RunFile(installation.data.runs, "run-1").write(stage="merge")
        with run_lock(installation.data.runs, "run-1"):
            beside = subprocess.run(contained, capture_output=True, text=True, check=True).stdout
    assert found.startswith("warning A process of another container or machine has ")
    assert "Look for it in the other containers" in found
    assert beside.startswith("ok A process of another container has ")
    assert "it can be a working run: run-1." in beside


def test_finding_the_holder_takes_no_lock(installation: Installation) -> None:
    file = installation.data.warehouse
    assert lock_holder(file) is None
    with held(file) as process:
        holder = lock_holder(file)
        assert holder
        assert (holder.process_id, holder.is_writing) == (process, True)


def test_schema_revisions(installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = installation.data.warehouse
    assert check_schema(installation).verdict == "ok"
    before = bytes_in(installation.data)
    later = add_later_revision(tmp_path, monkeypatch)
    older = check_schema(installation)
    assert (older.verdict, f"this version works with {later}." in older.message) == ("warning", True)
    assert bytes_in(installation.data) == before, "the file was migrated"
    for revision, words in (("9999", "a newer version of virus-warehouse wrote it"), ("0001", "this version migrates")):
        set_revision(file, revision)
        found = check_schema(installation)
        assert (found.verdict, words in found.message) == ("failure", True)
    file.unlink()
    assert check_schema(installation).verdict == "ok"
    assert not file.exists()
    duckdb.connect(file).close()
    foreign = check_schema(installation)
    assert (foreign.verdict, "without this project's schema" in foreign.message) == ("warning", True)
    file.write_bytes(b"no database" * 1000)
    assert check_schema(installation).verdict == "failure"


def test_the_schema_is_not_read_beside_a_run(installation: Installation) -> None:
    RunFile(installation.data.runs, "run-1").write(stage="download")
    with run_lock(installation.data.runs, "run-1"):
        found = check_schema(installation)
    assert (found.verdict, "run run-1 is working" in found.message) == ("skipped", True)
    assert check_schema(installation).verdict == "ok"


def test_a_log_that_was_left_is_a_warning_and_stays_as_it_is(installation: Installation) -> None:
    file = installation.data.warehouse
    assert check_log(installation).verdict == "ok"
    subprocess.run([sys.executable, "-c", WRITE_AND_DIE, str(file)], check=True)
    before = bytes_in(installation.data)
    found = check_log(installation)
    assert (found.verdict, f"{log_of(file)} has " in found.message) == ("warning", True)
    assert check_schema(installation).verdict == "ok"
    assert check_lock(installation).verdict == "ok"
    assert bytes_in(installation.data) == before
    with duckdb.connect(file) as connection:
        assert connection.execute("FROM left_in_the_log").fetchall() == []


def test_a_log_in_use_is_none_that_was_left(installation: Installation) -> None:
    log_of(installation.data.warehouse).touch()
    with held(installation.data.warehouse):
        log_of(installation.data.warehouse).touch()
        found = check_log(installation)
    assert (found.verdict, "belongs to the process that has the file open" in found.message) == ("ok", True)


def test_a_log_without_its_file_is_a_failure(installation: Installation) -> None:
    log_of(installation.data.warehouse).write_bytes(b"log")
    installation.data.warehouse.unlink()
    found = check_log(installation)
    assert (found.verdict, "without its file" in found.message) == ("failure", True)
