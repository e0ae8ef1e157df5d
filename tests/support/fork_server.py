"""Processes forked from a server that has imported the product and opened nothing: starting one costs almost nothing.

Python has one such server in a process, and it imports at its start only. So every test gets it here.
"""

import multiprocessing
import os
import sys
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext

import pytest

IMPORTED = [
    "tests.support.killed_process",
    "tests.support.killed_maintenance",
    "tests.support.killed_in_parts",
    "tests.support.workers",
]
"""What the processes of the tests run."""


def fork_server() -> ForkServerContext:
    """The context of `multiprocessing` that starts the processes."""
    return _of(os.getpid())


@cache
def _of(process: int) -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        forkserver.ensure_running()
    return context
