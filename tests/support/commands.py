"""The commands of the Makefile, run by `make` or in this process."""

import contextlib
import io
import os
import runpy
import shlex
import subprocess
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from scripts.run_dag import MANUAL_RUN
from tests.support import airflow_runs
from tests.support.program import command

CHECKOUT = Path(__file__).resolve().parents[2]
WAREHOUSE_OF_THE_DAGS = "VIRUS_WAREHOUSE=$(python scripts/connected_warehouse.py)"


def make(*arguments: str, typed: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `make`, with `typed` on its standard input."""
    words = ["make", "--no-print-directory", *arguments]
    return subprocess.run(
        words, cwd=CHECKOUT, env=os.environ | environment, input=typed, capture_output=True, text=True, check=False
    )


def make_here(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run in this process the script that `make` would run after its preparations.

    Its DAG runs in this process too, which has already imported Airflow: this takes a third of the time. The program
    `virus-warehouse` runs in a fork of one that has imported it. The tests that use `make` check that a command starts,
    and that its DAG runs by Airflow's own command.
    """
    preparation, line = make("--dry-run", *arguments).stdout.replace("\\\n", " ").strip().splitlines()
    assert preparation == "scripts/setup"
    environment, *words = shlex.split(line)[1:]
    assert environment == "scripts/environment.sh;", line
    if words[0] == WAREHOUSE_OF_THE_DAGS:
        return _program(*words[1:], typed=typed, VIRUS_WAREHOUSE=_warehouse_of_the_dags())
    if words[0] != "python":
        return _program(*words, typed=typed)
    del words[0]
    stdout, stderr = io.StringIO(), io.StringIO()
    with _given(words, typed), contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = _exit_code(words)
    return subprocess.CompletedProcess(words, code, stdout.getvalue(), stderr.getvalue())


def _program(name: str, *arguments: str, typed: str, **environment: str) -> subprocess.CompletedProcess[str]:
    assert name == "virus-warehouse"
    return command(*arguments, typed=typed, **environment)


def _warehouse_of_the_dags() -> str:
    """What `scripts/connected_warehouse.py` prints, printed by this process, which has already imported Airflow."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        runpy.run_path(str(CHECKOUT / "scripts" / "connected_warehouse.py"), run_name="__main__")
    return printed.getvalue().strip()


@contextlib.contextmanager
def _given(words: list[str], typed: str) -> Iterator[None]:
    """A program's environment: its command line, its input, and a `run_dag` module that starts no other process."""
    here = types.ModuleType("run_dag")
    here.run_dags = _run_dags  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", words)
        patch.setattr(sys, "stdin", io.StringIO(typed))
        patch.syspath_prepend(CHECKOUT / "scripts")
        patch.setitem(sys.modules, "run_dag", here)
        for name, value in MANUAL_RUN.items():
            patch.setenv(name, os.environ.get(name, value))
        yield


def _exit_code(words: list[str]) -> int:
    try:
        runpy.run_path(str(CHECKOUT / words[0]), run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)  # noqa: T201 (as Python itself does)
            return 1
        return int(end.code or 0)
    return 0


def _run_dags(*dags: tuple[str, Mapping[str, object]]) -> int:
    succeeded = all(airflow_runs.run_dag(dag_id, conf=dict(conf)).state == "success" for dag_id, conf in dags)
    return 0 if succeeded else 1
