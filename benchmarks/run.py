"""Runs the cases of a plan: interleaved, each in a new process and from the same initial state."""

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
    """A case failed, or had a wrong result, so that its figures are meaningless."""


@dataclass(frozen=True)
class Measured:
    """A case with the measurements of its runs."""

    case: Case
    runs: list[Measurement]


class Runner:
    """Runs cases in a folder, and removes all files that it creates there except packages.

    Args:
        folder: where packages, warehouses and scratch folders are created.
        python: the interpreter of the warehouse's own cases.
        peer_python: the interpreter of the peers.
        report: called after each run with the case, the number of the run, and the measurement.
    """

    def __init__(
        self, folder: Path, *, python: Path, peer_python: Path, report: Callable[[Case, int, Measurement], None]
    ) -> None:
        self.packages = PackageCache(folder)
        self._work = folder / f"work-{os.getpid()}"
        self._python, self._peer_python, self._report = python, peer_python, report
        self._answers: dict[tuple[int, str], str] = {}

    def run(self, cases: list[Case], runs: int = RUNS) -> list[Measured]:
        """Run all cases `runs` times, in rounds, so that a slowdown of the machine affects all of them.

        Raises:
            CaseFailed: a case ended with an error or with a wrong number of records, or a query had a different result
                than before on the same records.
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
        # Flush the copied files, so that they are not written while the clock runs.
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
            raise CaseFailed(f"{case} exited with {ended.returncode}:\n{ended.stderr[-4000:]}")
        measurement: Measurement = json.loads((scratch / MEASUREMENT).read_text(encoding="utf-8"))
        if measurement.get("rows", case.expected_rows) != case.expected_rows:
            raise CaseFailed(f"{case}: {measurement['rows']} correct records, expected {case.expected_rows}")
        self._compare(case, measurement.get("answers", {}))
        if case.name == "load" and not self._base(case.recipe.records).exists():
            self._keep_base(scratch / "data", case.recipe.records)
        shutil.rmtree(scratch)
        return measurement

    def _compare(self, case: Case, answers: dict[str, str]) -> None:
        for query, answer in answers.items():
            if answer != self._answers.setdefault((case.recipe.records, query), answer) or not answer:
                raise CaseFailed(f"{case}: {query} has a different result than before, or none")

    def _parquet(self, records: int) -> Path:
        """The table of records as one Parquet file, created once."""
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
    """The folder for packages and scratch files: `bench` in the data folder, outside git."""
    folder = Path(os.environ.get("VIRUS_DATA") or CHECKOUT / "data").absolute() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _environment(scratch: Path) -> dict[str, str]:
    """The environment with default settings, whatever the caller has set, and without telemetry."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("VIRUS_", "NCBI_"))}
    return kept | {
        "PYTHONPATH": f"{CHECKOUT}{os.pathsep}{CHECKOUT / 'include'}",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DLT_DATA_DIR": str(scratch / "dlt"),
    }
