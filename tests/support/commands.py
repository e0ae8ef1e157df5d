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

CHECKOUT = Path(__file__).resolve().parents[2]


def make(*arguments: str, typed: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `make`, with `typed` on its standard input."""
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(
        command, cwd=CHECKOUT, env=os.environ | environment, input=typed, capture_output=True, text=True, check=False
    )


def make_here(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run in this process the script that `make` would run after its preparations.

    Its DAG runs in this process too, which has already imported Airflow: this takes a third of the time. The tests
    that use `make` check that a command starts, and that its DAG runs by Airflow's own command.
    """
    preparation, line = make("--dry-run", *arguments).stdout.replace("\\\n", " ").strip().splitlines()
    assert preparation == "scripts/setup"
    environment, python, *words = shlex.split(line)[1:]
    assert environment == "scripts/environment.sh;", line
    if python != "python":
        return make(*arguments, typed=typed)  # the command virus-warehouse, which starts no Airflow
    stdout, stderr = io.StringIO(), io.StringIO()
    with _given(words, typed), contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = _exit_code(words)
    return subprocess.CompletedProcess(words, code, stdout.getvalue(), stderr.getvalue())


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
