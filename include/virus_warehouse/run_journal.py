"""The state of a running run: its record, filled in step by step, and its run file at every stage."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from virus_warehouse.run_file import RunFile, RunLock
from virus_warehouse.warehouse.run_record import TIMED_STAGES, RunRecord

logger = logging.getLogger(__name__)


class RunJournal:
    """The journal of one run.

    Args:
        record: the run's record.
        runs: folder of the run files.
        lock: the run's lock.

    Attributes:
        record: the run's record so far.
        seconds: wall seconds of each stage so far.
        stage: the stage written last.
    """

    def __init__(self, record: RunRecord, runs: Path, lock: RunLock) -> None:
        self.record = record
        self.seconds = dict.fromkeys(TIMED_STAGES, 0.0)
        self.stage = "open"
        self._details: dict[str, object] = {}
        self._file, self._lock = RunFile(runs, record.run_id), lock

    def write(self, stage: str, **details: object) -> None:
        """Write the current state to the run file.

        Args:
            stage: the stage that begins.
            details: keys of the run file that the record does not have; later stages keep them.
        """
        self.stage = stage
        self._details |= details
        row = self.record.row
        known = {name: value for name, value in row.items() if value is not None}
        self._file.write(**{**row, **self._details, **known, "seconds": self.seconds, "stage": stage})

    def write_end(self, stage: str, **details: object) -> None:
        """Write the end. If that fails, the run's outcome stands, and the next run writes it."""
        try:
            self.write(stage, **details)
        except OSError as error:
            self._lock.is_kept = True
            logger.warning("run %s: its run file could not be written: %s", self.record.run_id, error)

    def leave_end_to_next_run(self) -> None:
        """Keep the lock file, by which the next run finds this one and records its end as the ledger has it."""
        self._lock.is_kept = True

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of the block to a stage's seconds."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.seconds[stage] += time.monotonic() - started
