import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.support.waiting import until
from virus_warehouse.run_file import (
    RunFile,
    close_dead_run,
    dead_runs,
    is_running,
    new_run_id,
    run_lock,
    running_states,
    states_since,
)

HOLD_LOCK = """
import sys, time
from pathlib import Path
from virus_warehouse.run_file import run_lock

with run_lock(Path(sys.argv[1]), "run-1"):
    print("working", flush=True)
    time.sleep(60)
"""


def test_state_is_extended_and_updated(tmp_path: Path) -> None:
    file = RunFile(tmp_path, "run-1")
    file.write(stage="open", since=date(2025, 6, 1))
    file.write(stage="download", bytes=5)
    state = json.loads((tmp_path / "run-1.json").read_text())
    assert datetime.fromisoformat(state.pop("written_at")).tzinfo is not None
    assert state.pop("host")
    assert state == {
        "format": 1,
        "run_id": "run-1",
        "process_id": os.getpid(),
        "stage": "download",
        "since": "2025-06-01",
        "bytes": 5,
    }


def test_reader_never_sees_a_partial_state(tmp_path: Path) -> None:
    file = RunFile(tmp_path, "run-1")
    file.write(stage=0, padding="x" * 200_000)
    stop = threading.Event()

    def keep_writing() -> None:
        stage = 0
        while not stop.is_set():
            stage += 1
            file.write(stage=stage)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        stages: list[int] = []

        def has_read_enough() -> bool:
            stages.extend(json.loads(file.path.read_text())["stage"] for _ in range(50))
            return len(set(stages)) > 1

        until(has_read_enough, 60)
    finally:
        stop.set()
        writer.join()
    assert stages == sorted(stages)
    assert [entry.name for entry in tmp_path.iterdir()] == ["run-1.json"]


def test_run_is_running_while_its_lock_is_held(tmp_path: Path) -> None:
    assert not is_running(tmp_path, "run-1")
    with run_lock(tmp_path, "run-1"):
        assert is_running(tmp_path, "run-1")
        assert not is_running(tmp_path, "run-2")
    assert not is_running(tmp_path, "run-1")
    assert list(tmp_path.iterdir()) == []


def test_lock_is_released_when_the_run_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="failed"), run_lock(tmp_path, "run-1"):
        raise RuntimeError("failed")
    assert not is_running(tmp_path, "run-1")


def test_lock_is_released_when_its_process_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_LOCK, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        assert is_running(tmp_path, "run-1")
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not is_running(tmp_path, "run-1")


def test_only_dead_runs_are_closed(tmp_path: Path) -> None:
    (tmp_path / ".dead.lock").touch()
    RunFile(tmp_path, "dead").write(stage="stage", status="running")
    with run_lock(tmp_path, "run-1"):
        RunFile(tmp_path, "run-1").write(stage="stage", status="running")
        assert dead_runs(tmp_path) == ["dead"]
        for run_id in ("dead", "run-1"):
            close_dead_run(tmp_path, run_id, {"status": "failed"})
        assert is_running(tmp_path, "run-1")
        states = {path.stem: json.loads(path.read_text()) for path in tmp_path.glob("*.json")}
        assert {run_id: (state["stage"], state["status"]) for run_id, state in states.items()} == {
            "dead": ("stage", "failed"),
            "run-1": ("stage", "running"),
        }
        assert sorted(entry.name for entry in tmp_path.iterdir()) == [".run-1.lock", "dead.json", "run-1.json"]


def test_no_file_is_created_for_a_dead_run(tmp_path: Path) -> None:
    (tmp_path / ".dead.lock").touch()
    close_dead_run(tmp_path, "dead", {"status": "failed"})
    close_dead_run(tmp_path, "dead", {"status": "failed"})
    assert list(tmp_path.iterdir()) == []


def test_concurrent_checks_do_not_report_a_running_run(tmp_path: Path) -> None:
    path = tmp_path / ".dead.lock"
    path.touch()
    with path.open("r+") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        assert not is_running(tmp_path, "dead")


def test_lock_removed_as_that_of_a_dead_run_is_recreated(tmp_path: Path) -> None:
    # A run that cleans up removes the file while this one waits for the lock.
    path = tmp_path / ".run-1.lock"
    with path.open("w") as cleanup:
        fcntl.flock(cleanup, fcntl.LOCK_EX)
        locked = threading.Event()

        def work() -> None:
            with run_lock(tmp_path, "run-1"):
                locked.set()
                done.wait(120)

        done = threading.Event()
        worker = threading.Thread(target=work)
        worker.start()
        time.sleep(0.1)
        path.unlink()
    assert locked.wait(60)
    assert is_running(tmp_path, "run-1")
    done.set()
    worker.join()


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe{"])
def test_unreadable_file_does_not_fail_a_run(tmp_path: Path, text: bytes) -> None:
    moment = datetime(2026, 11, 1, 6, tzinfo=UTC)
    run_id = new_run_id("mpox", moment)
    path = tmp_path / f"{run_id}.json"
    path.write_bytes(text)
    with run_lock(tmp_path, run_id) as lock:
        assert list(running_states(tmp_path)) == list(states_since(tmp_path, "mpox", moment)) == []
        lock.is_kept = True
    close_dead_run(tmp_path, run_id, {"status": "failed"})
    assert dead_runs(tmp_path) == []
    assert path.read_bytes() == text
