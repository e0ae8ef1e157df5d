"""Processes that send requests to NCBI as fast as they may, forked from a server that has imported everything.

Each has its own environment, and with it a place where it shares NCBI's limit.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import pytest

from virus_warehouse.ncbi.client import DatasetsClient
from virus_warehouse.ncbi.errors import DatasetsUnavailable
from virus_warehouse.ncbi.pace.shared import shared_pace
from virus_warehouse.ncbi.pace.store import Store

DEADLINE = 120.0
"""Seconds to wait for what takes a few on an idle machine."""


class Call(NamedTuple):
    """One request of a process, with times of the monotonic clock.

    Attributes:
        asked: before it waited for its turn.
        answered: when it had the response, or was refused.
        succeeded: whether NCBI responded as it should.
    """

    asked: float
    answered: float
    succeeded: bool


def _in_environment(environment: Mapping[str, str], work: Callable[..., None], pipe: Connection, *args: Any) -> None:
    os.environ.update(environment)  # the fork server has the environment of the test that started it
    work(pipe, *args)


def _send_requests(pipe: Connection, number: int) -> None:
    calls = []
    with DatasetsClient.from_environment() as client:
        pipe.send("ready")
        pipe.recv()
        for _ in range(number):
            asked = time.monotonic()
            try:
                client.version()
                calls.append(Call(asked, time.monotonic(), True))
            except DatasetsUnavailable:
                calls.append(Call(asked, time.monotonic(), False))
    pipe.send(calls)


def _take_turns(pipe: Connection, number: int) -> None:
    """Take turns and never send."""
    pace = shared_pace(os.environ["NCBI_DATASETS_URL"], None)
    for _ in range(number):
        pace.wait(DEADLINE)
    pipe.send("there")
    pipe.recv()


def _hold_lock(pipe: Connection, make_store: Callable[[], Store]) -> None:
    """Stop in the middle of a change."""

    def stop(*_: object) -> None:
        pipe.send("there")
        pipe.recv()

    make_store().change(stop)


class PoliteProcesses:
    """Starts the processes."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
            forkserver.ensure_running()

    @contextmanager
    def started(
        self, environment: Mapping[str, str], work: Callable[..., None], *args: Any
    ) -> Iterator[tuple[Any, Connection]]:
        """A process that does the work, and the pipe to it; it is killed at the end of the block."""
        mine, its = self._context.Pipe()
        process = self._context.Process(target=_in_environment, args=(environment, work, its, *args))
        process.start()
        its.close()
        try:
            yield process, mine
        finally:
            process.kill()
            process.join()
            mine.close()

    def send_requests(self, environments: list[Mapping[str, str]], number: int) -> list[list[Call]]:
        """The calls of a process for each environment, all of which begin at the same time."""
        with ExitStack() as stack:
            pipes = [
                stack.enter_context(self.started(environment, _send_requests, number))[1]
                for environment in environments
            ]
            for pipe in pipes:
                assert received(pipe) == "ready"
            for pipe in pipes:
                pipe.send("go")
            return [received(pipe) for pipe in pipes]

    def kill_one_that_has_taken_turns(self, environment: Mapping[str, str], number: int) -> None:
        """Kill a process that has taken turns, and has not had the responses."""
        self._kill_when_there(environment, _take_turns, number)

    def kill_one_that_holds_the_lock(self, make_store: Callable[[], Store]) -> None:
        """Kill a process that is changing the state."""
        self._kill_when_there({}, _hold_lock, make_store)

    def _kill_when_there(self, environment: Mapping[str, str], work: Callable[..., None], *args: Any) -> None:
        with self.started(environment, work, *args) as (process, pipe):
            assert received(pipe) == "there"
            process.kill()
            process.join(DEADLINE)
            assert process.exitcode == -9


def received(pipe: Connection) -> Any:
    """What a process sends next."""
    assert pipe.poll(DEADLINE), "the process did not respond"
    return pipe.recv()
