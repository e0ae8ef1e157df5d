"""The parent of the query processes: starts them, reads their results, and ends them."""

import asyncio
import contextlib
import json
import logging
import math
import os
import signal
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import BaseModel, ValidationError

from virus_warehouse.data_folder import DataFolder, NoSnapshot
from virus_warehouse.sequences.molecule import GENOME, MOLECULES

SANDBOX = Path(__file__).with_name("program.py")
_CHUNK = 1 << 16
_ERROR_BYTES = 1 << 16
_KEPT_IN_MEMORY = 1 << 22
_NUMBERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL"}

REFUSED = "Refused"
"""The kind of error of what is not run, or whose answer is not used."""

REPLACED = "Replaced"
"""The kind of error of a query whose snapshot was replaced before its process could open it."""

_REPLACEMENTS = 3
"""So often such a query is asked again, of the newer snapshot."""

STOPPED = "Stopped"
"""The kind of error of a query that reached a limit."""

logger = logging.getLogger(__name__)

FileForm = Literal["csv", "parquet", "fasta"]
File = tempfile.SpooledTemporaryFile[bytes]


@dataclass(frozen=True)
class QueryLimits:
    """The limits for one query.

    Attributes:
        seconds: from its start until its complete result.
        memory: of DuckDB, in its notation. There is no disk to spill to.
        address_space_bytes: of the whole process.
        rows: of a table.
        cells: of a table.
        cell_characters: of a value.
        table_bytes: of a table in transfer.
        file_bytes: of a file.
    """

    seconds: float = 30
    memory: str = "512MB"
    address_space_bytes: int = 1_200_000_000
    rows: int = 1000
    cells: int = 50_000
    cell_characters: int = 500
    table_bytes: int = 8_000_000
    file_bytes: int = 200_000_000


class Column(BaseModel, frozen=True):
    """A column of a result: its name, and its DuckDB type."""

    name: str
    type: str

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers, to be right-aligned."""
        return self.type.partition("(")[0].removeprefix("U") in _NUMBERS


class Table(BaseModel, frozen=True):
    """A result for display.

    Attributes:
        columns: of the query.
        rows: values as DuckDB formats them; None is NULL.
        more: whether there are more rows than shown.
    """

    columns: list[Column]
    rows: list[list[str | None]]
    more: bool


class FastaNotes(BaseModel, frozen=True):
    """What a FASTA file has.

    Attributes:
        written: the number of sequences.
        missing: the number of selected records without a sequence.
        named: the first of them.
    """

    written: int
    missing: int
    named: list[str]


class QueryFailed(Exception):
    """A query failed; says why, and in which line and column (from 1), if the error has a position.

    Attributes:
        kind: DuckDB's kind of error, `Refused`, or `Stopped` when a limit was reached.
        line: None when the error has no position.
        column: in characters.
    """

    def __init__(self, kind: str, message: str, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.kind, self.line, self.column = kind, line, column

    @property
    def reason(self) -> str:
        """Its kind and message, in a line of text."""
        return f"{self.kind}: {self}"


class _Failure(BaseModel):
    kind: str
    message: str
    line: int | None = None
    column: int | None = None


class Console:
    """Queries on the published snapshot, each in a process of its own.

    When a call ends, also by cancellation, its process has ended.

    Args:
        data: the data folder; files are kept in its temporary folder, without a name.
        limits: of each query.
        sandbox: the program that runs a query, and its arguments.
        snapshot: another file than the published snapshot.
    """

    def __init__(
        self,
        data: DataFolder,
        limits: QueryLimits | None = None,
        sandbox: Sequence[str | Path] = (SANDBOX,),
        *,
        snapshot: Path | None = None,
    ) -> None:
        self.data = data
        self._snapshot = snapshot or data.snapshot
        self.limits = limits or QueryLimits()
        self._sandbox = sandbox

    async def table(self, sql: str) -> Table:
        """The first rows of a query's result.

        Raises:
            NoSnapshot: when nothing has been published yet.
            QueryFailed: when it is not a query, is invalid or reaches a limit.
        """
        output, _ = await self._run(sql, "table", self.limits.table_bytes)
        with output:
            try:
                return Table.model_validate_json(output.read())
            except ValidationError as error:
                raise QueryFailed(STOPPED, "the result cannot be displayed") from error

    async def file(self, sql: str, form: Literal["csv", "parquet"]) -> File:
        """A query's complete result as an unnamed file, open at its beginning; closing it deletes it.

        Raises:
            NoSnapshot: as above.
            QueryFailed: as above.
        """
        output, _ = await self._run(sql, form, self.limits.file_bytes)
        return output

    async def fasta(self, sql: str, molecule: str = GENOME.name) -> tuple[File, FastaNotes]:
        """The sequences of the records that a query selects, as an unnamed file like that of `file`.

        Args:
            sql: a query with a column `accession` or `accession_version`.
            molecule: genome, cds or protein.

        Raises:
            NoSnapshot: as above.
            QueryFailed: as above, and when the query has no such column, or no record a sequence.
        """
        if molecule not in (names := [one.name for one in MOLECULES]):
            raise QueryFailed(REFUSED, f"the molecule is {molecule!r}; it can be {', '.join(names)}")
        output, notes = await self._run(sql, "fasta", self.limits.file_bytes, molecule)
        try:
            return output, FastaNotes.model_validate_json(notes)
        except ValidationError as error:
            output.close()
            raise QueryFailed(STOPPED, "the file cannot be read") from error

    async def _run(self, sql: str, form: str, most_bytes: int, molecule: str = "") -> tuple[File, bytes]:
        """The standard output of a query's process, and its standard error."""
        for _ in range(_REPLACEMENTS):
            try:
                return await self._run_once(sql, form, most_bytes, molecule)
            except QueryFailed as failed:
                if failed.kind != REPLACED:
                    raise
        return await self._run_once(sql, form, most_bytes, molecule)

    async def _run_once(self, sql: str, form: str, most_bytes: int, molecule: str) -> tuple[File, bytes]:
        try:
            snapshot = os.open(self._snapshot, os.O_RDONLY)
        except FileNotFoundError as error:
            raise NoSnapshot(self.data) from error
        # Our own pipe: uvloop's are sockets, which DuckDB cannot open as a file.
        answer, answer_end = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                *self._sandbox,
                stdin=asyncio.subprocess.PIPE,
                stdout=answer_end,
                stderr=asyncio.subprocess.PIPE,
                pass_fds=(snapshot,),
                cwd="/",
                # numpy, where it is installed, would otherwise start threads.
                env={"OPENBLAS_NUM_THREADS": "1", "PYTHONUTF8": "1"},
            )
        except BaseException:
            os.close(answer)
            raise
        finally:
            os.close(snapshot)
            os.close(answer_end)
        output = File(_KEPT_IN_MEMORY, dir=str(self.data.temporary))
        request = {**self._request(sql, form, snapshot, most_bytes), "molecule": molecule}
        try:
            async with asyncio.timeout(self.limits.seconds), _reading(answer) as stream:
                notes = await _ask(process, request, stream, output)
            output.seek(0)
        except TimeoutError as error:
            output.close()
            raise QueryFailed(
                STOPPED,
                f"stopped after {self.limits.seconds:g} seconds: narrow the query, or use "
                f"`virus-warehouse {'fasta' if form == 'fasta' else 'sql'}`",
            ) from error
        except BaseException:
            output.close()
            raise
        finally:
            await _end(process)
        return output, notes

    def _request(self, sql: str, form: str, snapshot: int, most_bytes: int) -> dict[str, Any]:
        command = "fasta" if form == "fasta" else "export"
        return {
            "server": os.getpid(),
            "sql": sql,
            "form": form,
            "descriptor": snapshot,
            "sequences": str(self.data.published_sequences),
            "cpu_seconds": math.ceil(self.limits.seconds) + 1,
            "memory": self.limits.memory,
            "address_space_bytes": self.limits.address_space_bytes,
            "rows": self.limits.rows,
            "cells": self.limits.cells,
            "cell_characters": self.limits.cell_characters,
            "bytes": most_bytes,
            "too_large": f"the result is larger than {most_bytes / 1e6:g} MB: narrow the query, or use "
            f"`virus-warehouse {command}`",
        }


@asynccontextmanager
async def _reading(pipe: int) -> AsyncIterator[asyncio.StreamReader]:
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(pipe, "rb", buffering=0)
    )
    try:
        yield stream
    finally:
        transport.close()
        # It is closed in the loop's next iteration, which may be the last one.
        await asyncio.sleep(0)


async def _ask(process: Process, request: dict[str, Any], answer: asyncio.StreamReader, output: File) -> bytes:
    """Send the request and store the output, until the process has ended; returns its standard error."""
    stdin, stderr = cast(asyncio.StreamWriter, process.stdin), cast(asyncio.StreamReader, process.stderr)
    # A process that ends before it has read its request reports why itself.
    with contextlib.suppress(ConnectionError):
        stdin.write(json.dumps(request).encode())
        await stdin.drain()
    stdin.close()
    size = 0
    while chunk := await answer.read(_CHUNK):
        size += len(chunk)
        if size > request["bytes"]:
            raise QueryFailed(STOPPED, request["too_large"])
        # In a thread: a busy disk would block the whole server.
        await asyncio.to_thread(output.write, chunk)
    error = await stderr.read(_ERROR_BYTES)
    code = await process.wait()
    if code:
        raise _failure(error, code)
    return error


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    # Not only wait: unread pipes would stay open.
    await process.communicate()


def _failure(output: bytes, code: int) -> QueryFailed:
    try:
        failure = _Failure.model_validate_json(output)
    except ValidationError:
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        logger.warning("the process of a query ended (%s) with the output %r", how, output)
        return QueryFailed(STOPPED, f"its process ended ({how}), probably because it exceeded its memory limit")
    return QueryFailed(failure.kind, failure.message, failure.line, failure.column)
