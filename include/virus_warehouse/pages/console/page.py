"""SQL on the snapshot: an editor, results as a table or file, the cookbook's queries, and the data dictionary."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from time import monotonic
from typing import Any, TypeVar, cast, get_args
from urllib.parse import quote

import duckdb
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from virus_warehouse import cookbook
from virus_warehouse.data_folder import DataFolder, NoSnapshot
from virus_warehouse.pages.console.query_limiter import Busy, QueryLimiter
from virus_warehouse.pages.current_data import current_data
from virus_warehouse.pages.forms import SQL_CHARACTERS, form_fields, is_from_these_pages
from virus_warehouse.pages.host import Reader
from virus_warehouse.pages.rendering import render
from virus_warehouse.pages.snapshot import Edition, edition, reading
from virus_warehouse.publish.dictionary import Entry, entries
from virus_warehouse.sandbox.confinement import landlock_version
from virus_warehouse.sandbox.runner import (
    STOPPED,
    Console,
    FastaNotes,
    File,
    FileForm,
    QueryFailed,
    QueryLimits,
    Table,
)
from virus_warehouse.sequences.molecule import GENOME, MOLECULES

LIMITS = QueryLimits()
QUERIES = QueryLimiter(2)
"""Per process of the API server."""
FILES = QueryLimiter(8, each=2)
"""Files waiting to be sent, which take disk space while a slow client downloads them."""

SEND_SECONDS = 600
_CHUNK = 1 << 16
_EXCERPT = 100
_MEDIA_TYPES: dict[FileForm, str] = {
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "fasta": "text/x-fasta; charset=utf-8",
}

router = APIRouter()
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Fault:
    """An error of a query, for display.

    Attributes:
        kind: of error.
        message: what is wrong.
        line: of the text, from 1; None when the error has no position.
        column: in characters, from 1.
        excerpt: of that line.
        caret: characters of the excerpt before the error.
    """

    kind: str
    message: str
    line: int | None = None
    column: int | None = None
    excerpt: str = ""
    caret: int = 0


@dataclass(frozen=True)
class Outcome:
    """The outcome of a query.

    Attributes:
        table: its result, or None.
        fault: its error, or None.
        seconds: from request to result.
    """

    table: Table | None = None
    fault: Fault | None = None
    seconds: float = 0


@router.get("/console")
def show_console(request: Request, sql: str = "", recipe: str = "") -> HTMLResponse:
    """The editor, with a query from the URL or the cookbook. It is not run: following a link must not run SQL."""
    chosen = next((one for one in cookbook.recipes() if one.name == recipe), None)
    return _page(request, sql or (chosen.sql if chosen else ""), recipe=chosen)


@router.post("/console")
async def run_query(request: Request, reader: Reader) -> Response:
    """The result of the form's `sql`: in the page, or as a file when its `form` is `csv`, `parquet` or `fasta`.

    A FASTA file has the sequences of the form's `molecule`; the headers of the response name records without one.

    Disconnecting cancels the query.
    """
    if not is_from_these_pages(request):
        return Response("A page of another site sent this query; it was not run.", 403, media_type="text/plain")
    fields = await form_fields(request)
    if fields is None:
        fault = Fault("Refused", f"a query has up to {SQL_CHARACTERS:,} characters".replace(",", " "))
        return await run_in_threadpool(_page, request, "", Outcome(fault=fault), status_code=413)
    sql, form = fields.get("sql", ""), fields.get("form", "table")
    console = Console(current_data(), LIMITS)
    started = monotonic()
    try:
        if form in get_args(FileForm):
            molecule = fields.get("molecule", GENOME.name)
            return await _download(request, console, sql, cast(FileForm, form), molecule, str(reader.get_id()))
        table = await _until_disconnect(request, _within_limit(str(reader.get_id()), console.table(sql)))
        outcome, status_code = Outcome(table=table), 200
    except _ClientDisconnected:
        return Response(status_code=499)
    except Busy as busy:
        outcome, status_code = Outcome(fault=Fault("Busy", str(busy))), 429
    except NoSnapshot:
        outcome, status_code = Outcome(), 404
    except QueryFailed as failed:
        outcome, status_code = Outcome(fault=_fault(failed, sql)), 400
    outcome = replace(outcome, seconds=monotonic() - started)
    return await run_in_threadpool(_page, request, sql, outcome, status_code=status_code)


class _ClientDisconnected(Exception):
    """The client has disconnected and no longer waits for the result."""


class _Download(StreamingResponse):
    """A file that is deleted when it has been sent or sending fails."""

    def __init__(self, file: File, form: FileForm, notes: FastaNotes | None, held: AsyncExitStack) -> None:
        size = file.seek(0, 2)
        file.seek(0)
        name = f"virus-{datetime.now(UTC):%Y%m%d-%H%M%S}.{form}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
        if notes is not None:
            headers |= {
                "Sequences-Written": str(notes.written),
                "Records-Without-Sequence": str(notes.missing),
                "Records-Without-Sequence-Named": ",".join(quote(name, safe="") for name in notes.named),
            }
        super().__init__(iter(lambda: file.read(_CHUNK), b""), headers=headers, media_type=_MEDIA_TYPES[form])
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held, asyncio.timeout(SEND_SECONDS):
            await super().__call__(scope, receive, send)


async def _download(
    request: Request, console: Console, sql: str, form: FileForm, molecule: str, person: str
) -> Response:
    notes = None
    async with AsyncExitStack() as held:
        await held.enter_async_context(FILES.slot(person))
        if form == "fasta":
            query = _within_limit(person, console.fasta(sql, molecule))
            file, notes = await _until_disconnect(request, query)
        else:
            file = await _until_disconnect(request, _within_limit(person, console.file(sql, form)))
        held.enter_context(file)
        return _Download(file, form, notes, held.pop_all())


async def _within_limit(person: str, query: Coroutine[Any, Any, Answer]) -> Answer:
    try:
        async with QUERIES.slot(person):
            return await query
    finally:
        query.close()


async def _until_disconnect(request: Request, query: Coroutine[Any, Any, Answer]) -> Answer:
    """The result of a query, which is cancelled when the client disconnects."""

    async def disconnected() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    answer, hung_up = asyncio.create_task(query), asyncio.create_task(disconnected())
    try:
        await asyncio.wait({answer, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise _ClientDisconnected
        return answer.result()
    finally:
        answer.cancel()
        hung_up.cancel()


def _fault(failed: QueryFailed, sql: str) -> Fault:
    if failed.line is None or failed.column is None:
        return Fault(failed.kind, str(failed))
    before = failed.column - 1
    begin = max(0, before - _EXCERPT // 2)
    line = [*sql.split("\n"), ""][failed.line - 1]
    return Fault(
        failed.kind, str(failed), failed.line, failed.column, line[begin : begin + _EXCERPT], min(before, _EXCERPT // 2)
    )


def _page(
    request: Request,
    sql: str,
    outcome: Outcome | None = None,
    *,
    recipe: cookbook.Recipe | None = None,
    status_code: int = 200,
) -> HTMLResponse:
    data = current_data()
    return render(
        request,
        "console/console.html",
        here="console",
        sql=sql,
        outcome=outcome,
        recipe=recipe,
        chapters=[(topic, list(some)) for topic, some in cookbook.chapters()],
        tables=_tables(data),
        molecules=_molecules(data) if outcome and outcome.table and _names_records(outcome.table) else [],
        limits=LIMITS,
        characters=SQL_CHARACTERS,
        stopped=STOPPED,
        is_confined=landlock_version() > 0,
        status_code=status_code,
    )


def _tables(data: DataFolder) -> Sequence[Entry] | None:
    """The tables of the snapshot; None when nothing has been published yet."""
    try:
        return _described(data, edition(data))
    except NoSnapshot:
        return None


def _names_records(table: Table) -> bool:
    """Whether the result can be taken as FASTA."""
    return any(column.name in ("accession", "accession_version") for column in table.columns)


def _molecules(data: DataFolder) -> Sequence[str]:
    """The kinds of sequence that the snapshot has."""
    try:
        return _molecules_held(data, edition(data))
    except NoSnapshot:
        return []


@lru_cache(maxsize=1)
def _molecules_held(data: DataFolder, _edition: Edition) -> Sequence[str]:
    """The same, cached per snapshot."""
    with reading(data) as connection:
        try:
            rows = connection.execute("SELECT DISTINCT molecule FROM ops.sequence WHERE valid_to IS NULL").fetchall()
        except duckdb.CatalogException:  # an earlier version's snapshot has none
            return []
    held = {molecule for (molecule,) in rows}
    return [molecule.name for molecule in MOLECULES if molecule.name in held]


@lru_cache(maxsize=1)
def _described(data: DataFolder, _edition: Edition) -> Sequence[Entry]:
    """The same, cached per snapshot."""
    with reading(data) as connection:
        return list(entries(connection))
