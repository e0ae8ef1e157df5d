"""SQL on the snapshot: an editor, the answer as a table or a file, the cookbook's queries, and what the tables hold."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from time import monotonic
from typing import Any, TypeVar, cast, get_args
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from virus_warehouse import cookbook
from virus_warehouse.data_folder import DataFolder
from virus_warehouse.pages.console.confinement import landlock_version
from virus_warehouse.pages.console.query_limiter import Busy, QueryLimiter
from virus_warehouse.pages.console.runner import STOPPED, Console, File, FileForm, QueryFailed, QueryLimits, Table
from virus_warehouse.pages.host import Reader
from virus_warehouse.pages.rendering import render
from virus_warehouse.pages.snapshot import Edition, NoSnapshot, edition, reading
from virus_warehouse.publish.dictionary import Entry, entries

LIMITS = QueryLimits()
QUERIES = QueryLimiter(2)
"""Of each of the API server's processes."""
FILES = QueryLimiter(8, each=2)
"""Files that wait to be sent: they take room on the disk while somebody's slow line takes its time."""

SEND_SECONDS = 600
SQL_CHARACTERS = 100_000
_BODY_BYTES = 12 * SQL_CHARACTERS
"""Of a form: a character takes up to four bytes, and each of them three in a form."""
_FIELDS = 8
_CHUNK = 1 << 16
_EXCERPT = 100
_MEDIA_TYPES: dict[FileForm, str] = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}

router = APIRouter()
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Fault:
    """Why a query gave no answer, for people.

    Attributes:
        kind: of error.
        message: what is wrong.
        line: of the text, from 1; None when the fault has no place.
        column: in characters, from 1.
        excerpt: of that line.
        caret: characters of the excerpt before the fault.
    """

    kind: str
    message: str
    line: int | None = None
    column: int | None = None
    excerpt: str = ""
    caret: int = 0


@dataclass(frozen=True)
class Outcome:
    """What became of a query.

    Attributes:
        table: its answer, or None.
        fault: what was wrong, or None.
        seconds: from the click to the answer.
    """

    table: Table | None = None
    fault: Fault | None = None
    seconds: float = 0


@router.get("/console")
def show_console(request: Request, sql: str = "", recipe: str = "") -> HTMLResponse:
    """The editor, with a query of the URL's or of the cookbook's in it. It is not run: a link must not do that."""
    chosen = next((one for one in cookbook.recipes() if one.name == recipe), None)
    return _page(request, sql or (chosen.sql if chosen else ""), recipe=chosen)


@router.post("/console")
async def run_query(request: Request, reader: Reader) -> Response:
    """The answer to the form's `sql`: in the page, or as a file when its `form` says `csv` or `parquet`.

    A client that hangs up ends its query.
    """
    if not _is_from_these_pages(request):
        return Response("A page of another site sent this query; it was not run.", 403, media_type="text/plain")
    fields = await _fields(request)
    if fields is None:
        fault = Fault("Refused", f"a query has up to {SQL_CHARACTERS:,} characters".replace(",", " "))
        return await run_in_threadpool(_page, request, "", Outcome(fault=fault), status_code=413)
    sql, form = fields.get("sql", ""), fields.get("form", "table")
    console = Console(DataFolder.from_environment(), LIMITS)
    started = monotonic()
    try:
        if form in get_args(FileForm):
            return await _download(request, console, sql, cast(FileForm, form), str(reader.get_id()))
        table = await _unless_gone(request, _within_limit(str(reader.get_id()), console.table(sql)))
        outcome, status_code = Outcome(table=table), 200
    except _Gone:
        return Response(status_code=499)
    except Busy as busy:
        outcome, status_code = Outcome(fault=Fault("Busy", str(busy))), 429
    except NoSnapshot:
        outcome, status_code = Outcome(), 404
    except QueryFailed as failed:
        outcome, status_code = Outcome(fault=_fault(failed, sql)), 400
    outcome = replace(outcome, seconds=monotonic() - started)
    return await run_in_threadpool(_page, request, sql, outcome, status_code=status_code)


class _Gone(Exception):
    """Whoever asked does not wait for the answer any more."""


class _Download(StreamingResponse):
    """A file that is gone when it has been sent, or cannot be."""

    def __init__(self, file: File, form: FileForm, held: AsyncExitStack) -> None:
        size = file.seek(0, 2)
        file.seek(0)
        name = f"virus-{datetime.now(UTC):%Y%m%d-%H%M%S}.{form}"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(size)}
        super().__init__(iter(lambda: file.read(_CHUNK), b""), headers=headers, media_type=_MEDIA_TYPES[form])
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held, asyncio.timeout(SEND_SECONDS):
            await super().__call__(scope, receive, send)


async def _download(request: Request, console: Console, sql: str, form: FileForm, person: str) -> Response:
    async with AsyncExitStack() as held:
        await held.enter_async_context(FILES.turn(person))
        file = held.enter_context(await _unless_gone(request, _within_limit(person, console.file(sql, form))))
        return _Download(file, form, held.pop_all())


async def _within_limit(person: str, query: Coroutine[Any, Any, Answer]) -> Answer:
    try:
        async with QUERIES.turn(person):
            return await query
    finally:
        query.close()


async def _unless_gone(request: Request, query: Coroutine[Any, Any, Answer]) -> Answer:
    """What a query answers, which is cancelled when the client hangs up."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    answer, hung_up = asyncio.create_task(query), asyncio.create_task(gone())
    try:
        await asyncio.wait({answer, hung_up}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise _Gone
        return answer.result()
    finally:
        answer.cancel()
        hung_up.cancel()


def _is_from_these_pages(request: Request) -> bool:
    """Whether one of our pages sent a form, or a program did that is no browser."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    # Browsers leave that header away before plain HTTP. A form's origin they always tell.
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


async def _fields(request: Request) -> dict[str, str] | None:
    """The fields of a form; None when it is larger than any query may be, or none of ours."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_BYTES:
            return None
    try:
        given = parse_qs(body.decode(errors="replace"), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        return None
    fields = {name: values[-1] for name, values in given.items()}
    # Forms end lines as the network does.
    fields["sql"] = fields.get("sql", "").replace("\r\n", "\n")
    return fields if len(fields["sql"]) <= SQL_CHARACTERS else None


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
    return render(
        request,
        "console/console.html",
        here="console",
        sql=sql,
        outcome=outcome,
        recipe=recipe,
        chapters=[(topic, list(some)) for topic, some in cookbook.chapters()],
        tables=_tables(DataFolder.from_environment()),
        limits=LIMITS,
        characters=SQL_CHARACTERS,
        stopped=STOPPED,
        is_confined=landlock_version() > 0,
        status_code=status_code,
    )


def _tables(data: DataFolder) -> Sequence[Entry] | None:
    """What the snapshot holds; None when nothing has been published yet."""
    try:
        return _described(data, edition(data))
    except NoSnapshot:
        return None


@lru_cache(maxsize=1)
def _described(data: DataFolder, _edition: Edition) -> Sequence[Entry]:
    """The same, asked once for each snapshot that is published."""
    with reading(data) as connection:
        return list(entries(connection))
