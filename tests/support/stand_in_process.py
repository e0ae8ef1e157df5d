"""The NCBI Datasets stand-in in a process of its own, which a test can pause."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import requests

from ncbi_stand_in.app import BASE_PATH


@dataclass(frozen=True)
class StandInProcess:
    """A running stand-in.

    Attributes:
        url: its base URL.
    """

    url: str

    def set_today(self, today: date) -> None:
        """Move its clock."""
        self._control("POST", "clock", today=today.isoformat())

    def fault(self, kind: str, times: int = 1, **details: Any) -> None:
        """Let the next `times` downloads fail; kinds and their details are in `ncbi_stand_in.faults`."""
        self._control("POST", "faults", kind=kind, times=times, **details)

    def clear_faults(self) -> None:
        """Remove the pending faults."""
        self._control("DELETE", "faults")

    def _control(self, method: str, what: str, **content: Any) -> None:
        url = f"{self.url.removesuffix(BASE_PATH)}/control/{what}"
        requests.request(method, url, json=content, timeout=60).raise_for_status()


@contextmanager
def stand_in_process(today: date, *, epoch: date, records: int) -> Iterator[StandInProcess]:
    """A stand-in on a free port; killed at the end of the `with` block."""
    command = [sys.executable, "-m", "ncbi_stand_in", "--port", "0", "--records", str(records)]
    command += ["--today", today.isoformat(), "--epoch", epoch.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield StandInProcess(process.stdout.readline().strip())
        finally:
            process.kill()
