"""The state that a running run records."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from virus_warehouse.run_file import RunLock
from virus_warehouse.run_journal import RunJournal
from virus_warehouse.warehouse.run_record import RunRecord


@pytest.fixture
def journal(tmp_path: Path) -> RunJournal:
    started_at = datetime(2026, 11, 29, 6, tzinfo=UTC)
    record = RunRecord(
        run_id="run-1", source="mpox", mode="full", fingerprint="f", status="running", started_at=started_at
    )
    return RunJournal(record, tmp_path, RunLock())


def run_file(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "run-1.json").read_text(encoding="utf-8")))


def test_values_of_an_earlier_stage_are_kept_until_overwritten(journal: RunJournal, tmp_path: Path) -> None:
    journal.write("merge", lines=7, bytes=3)
    assert (run_file(tmp_path)["stage"], run_file(tmp_path)["lines"]) == ("merge", 7)
    journal.record.status = "failed"
    journal.write_end("failed", failed_in=journal.stage)
    names = ("stage", "failed_in", "status", "lines", "bytes")
    assert [run_file(tmp_path)[name] for name in names] == ["failed", "merge", "failed", 7, 3]
    journal.record.lines = 8
    journal.write("finished")
    assert run_file(tmp_path)["lines"] == 8


def test_end_that_cannot_be_written_is_left_to_the_next_run(
    journal: RunJournal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "run-1.json").mkdir()
    journal.write_end("finished")
    assert journal._lock.is_kept
    assert "its run file could not be written" in caplog.text


def test_time_is_added_up_by_stage_also_where_it_ends_with_an_error(journal: RunJournal) -> None:
    with journal.timed("stage"):
        pass
    first = journal.seconds["stage"]
    with pytest.raises(ValueError, match="no"), journal.timed("stage"):
        raise ValueError("no")
    assert journal.seconds["stage"] > first > 0
    assert journal.seconds["merge"] == 0
