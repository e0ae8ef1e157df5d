"""Runs the cases of a plan: interleaved, each in a fresh process, each time from the same state."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.one_case import MEASUREMENT
from benchmarks.packages import PackageCache
from benchmarks.peers.flat_file import PARQUET
from benchmarks.plan import QUERY_PEERS, RUNS, Case
from benchmarks.warehouse import make_empty
from virus_warehouse.data_folder import DataFolder

CHECKOUT = Path(__file__).parents[1]

Measurement = dict[str, Any]


class CaseFailed(RuntimeError):
    """A case that did not end, or did not do what it was to do: its figures would mean nothing."""


@dataclass(frozen=True)
class Measured:
    """A case with what each of its runs measured."""

    case: Case
    runs: list[Measurement]


class Runner:
    """Runs cases in a folder; what it makes there is gone afterwards, but for the packages.

    Args:
        folder: where packages, warehouses and scratch folders are made.
        python: the interpreter of the warehouse's own cases.
        peer_python: the interpreter of the peers.
        report: called with each case, the number of its run, and what was measured.
    """

    def __init__(
        self, folder: Path, *, python: Path, peer_python: Path, report: Callable[[Case, int, Measurement], None]
    ) -> None:
        self.packages = PackageCache(folder)
        self._work = folder / f"work-{os.getpid()}"
        self._python, self._peer_python, self._report = python, peer_python, report
        self._answers: dict[tuple[int, str], str] = {}

    def run(self, cases: list[Case], runs: int = RUNS) -> list[Measured]:
        """Run each so many times, in rounds, so that a slow minute of the machine falls on all alike.

        Raises:
            CaseFailed: one ended in an error, with another number of records than went in, or with another answer
                than was given before to the same question on the same records.
        """
        self.packages.make({case.recipe for case in cases}, processes=os.cpu_count() or 1)
        measured = {case: Measured(case, []) for case in cases}
        self._work.mkdir(parents=True)
        try:
            make_empty(DataFolder(self._work / "empty"))
            self._keep_base(self._work / "empty", 0)
            for number in range(1, runs + 1):
                for case in cases:
                    measurement = self._measure(case)
                    self._report(case, number, measurement)
                    measured[case].runs.append(measurement)
        finally:
            shutil.rmtree(self._work)
        return list(measured.values())

    def _measure(self, case: Case) -> Measurement:
        scratch = self._work / "scratch"
        (scratch / "data").mkdir(parents=True)
        if case.name in QUERY_PEERS:
            (scratch / PARQUET).hardlink_to(self._parquet(case.recipe.records))
        elif case.base is not None:
            shutil.copyfile(self._base(case.base), scratch / "data" / "warehouse.duckdb")
        python = self._peer_python if case.is_peer else self._python
        # What was copied is not to be written out while the clock runs.
        os.sync()
        ended = subprocess.run(
            [python, "-m", "benchmarks.one_case", case.target, scratch, self.packages.path(case.recipe)],
            cwd=CHECKOUT,
            env=_environment(scratch),
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode != 0:
            raise CaseFailed(f"{case} ended with {ended.returncode}:\n{ended.stderr[-4000:]}")
        measurement: Measurement = json.loads((scratch / MEASUREMENT).read_text(encoding="utf-8"))
        if measurement.get("rows", case.expected_rows) != case.expected_rows:
            raise CaseFailed(f"{case}: {measurement['rows']} records came out right, not {case.expected_rows}")
        self._compare(case, measurement.get("answers", {}))
        if case.name == "load" and not self._base(case.recipe.records).exists():
            self._keep_base(scratch / "data", case.recipe.records)
        shutil.rmtree(scratch)
        return measurement

    def _compare(self, case: Case, answers: dict[str, str]) -> None:
        for question, answer in answers.items():
            if answer != self._answers.setdefault((case.recipe.records, question), answer) or not answer:
                raise CaseFailed(f"{case}: {question} has another answer here than before, or none")

    def _parquet(self, records: int) -> Path:
        """The table of records as one flat file, made once."""
        path = self._base(records).with_suffix(".parquet")
        if not path.exists():
            with duckdb.connect(self._base(records), read_only=True) as connection:
                connection.execute(f"COPY virus_genome TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
        return path

    def _base(self, records: int) -> Path:
        return self._work / f"{records}.duckdb"

    def _keep_base(self, data: Path, records: int) -> None:
        (data / "warehouse.duckdb").replace(self._base(records))


def bench_folder() -> Path:
    """Where benchmarks keep packages, and work: `bench` in the data folder, outside git."""
    folder = Path(os.environ.get("VIRUS_DATA") or CHECKOUT / "data").absolute() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _environment(scratch: Path) -> dict[str, str]:
    """Default settings, whatever the caller has set; and nothing that phones home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIRUS_", "NCBI_"))}
    return kept | {
        "PYTHONPATH": f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'include'}",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DLT_DATA_DIR": str(scratch / "dlt"),
    }
