"""The saved questions: what each asks, its answer, and how that has changed; and saving one."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from virus_warehouse.data_folder import DataFolder, NoSnapshot
from virus_warehouse.pages.console.page import LIMITS, QUERIES
from virus_warehouse.pages.console.query_limiter import Busy
from virus_warehouse.pages.current_data import current_data
from virus_warehouse.pages.forms import SQL_CHARACTERS, form_fields, is_from_these_pages
from virus_warehouse.pages.host import Reader
from virus_warehouse.pages.rendering import render
from virus_warehouse.pages.snapshot import reading
from virus_warehouse.questions.changes import Asked, Rows, answer_rows, asked_questions, net_changes
from virus_warehouse.questions.question import (
    BrokenQuestion,
    Question,
    parse_question,
    remove_question,
    save_question,
    saved_questions,
)
from virus_warehouse.sandbox.runner import Console, QueryFailed
from virus_warehouse.sources import valid_part

MOST_ROWS = 100
"""Of a table on a page."""

PERIOD = timedelta(days=30)
"""Whose changes a question's page shows."""

router = APIRouter()


@dataclass(frozen=True)
class Line:
    """A question in the list.

    Attributes:
        name: its name.
        title: what it asks; empty when its file is invalid.
        asked: as it was last asked; None while it has not been.
        error: what is wrong with its file, or why it was not answered; None if nothing is.
    """

    name: str
    title: str
    asked: Asked | None
    error: str | None


@router.get("/questions")
def show_questions(request: Request) -> HTMLResponse:
    """The saved questions."""
    data = current_data()
    asked, files = _asked(data), saved_questions(data)
    lines = [
        Line(name, question.title, last := asked.get(name), last.error if last else None)
        for name, question in files.valid.items()
    ]
    lines += [Line(name, "", None, str(error)) for name, error in files.errors.items()]
    return render(request, "questions/questions.html", here="questions", lines=sorted(lines, key=lambda one: one.name))


@router.get("/questions/new")
def show_form(request: Request, sql: str = "") -> HTMLResponse:
    """The form for a question, with a query from the URL."""
    return _form(request, Question("", "", sql))


@router.post("/questions")
async def save(request: Request, reader: Reader) -> Response:
    """Save the question of the form, if its query can be run and its answer has the columns of its key."""
    if not is_from_these_pages(request):
        return Response("A page of another site sent this; it was not saved.", 403, media_type="text/plain")
    fields = await form_fields(request)
    if fields is None:
        return await run_in_threadpool(_form, request, Question("", "", ""), "The query is too long.", status_code=413)
    question = _question(fields, str(reader.get_id()))
    data = current_data()
    try:
        async with QUERIES.slot(str(reader.get_id())):
            table = await Console(data, LIMITS).table(question.sql)
        columns = [column.name for column in table.columns]
        if strangers := [name for name in question.key if name not in columns]:
            raise BrokenQuestion(f"the answer has no column {strangers[0]!r}; it has {', '.join(columns)}")
        await run_in_threadpool(save_question, data, question)
    except (BrokenQuestion, NoSnapshot) as error:
        return await run_in_threadpool(_form, request, question, str(error), status_code=400)
    except QueryFailed as failed:
        return await run_in_threadpool(_form, request, question, failed.reason, status_code=400)
    except Busy as busy:
        return await run_in_threadpool(_form, request, question, str(busy), status_code=429)
    base = request.scope.get("root_path", "")
    return RedirectResponse(f"{base}/questions/{quote(question.name)}", 303)


@router.get("/questions/{name}")
def show_question(request: Request, name: str) -> HTMLResponse:
    """A question: its answer, and what has changed in it."""
    data = current_data()
    files = saved_questions(data)
    if name not in files.valid and name not in files.errors:
        return render(request, "shared/no_page.html", here=None, path=f"questions/{name}", status_code=404)
    since = datetime.now(UTC) - PERIOD
    answer: Rows | None = None
    changes: dict[str, Rows] = {}
    asked = _asked(data).get(name)
    if asked and asked.began_at:
        with reading(data) as connection:
            answer = answer_rows(connection, name, MOST_ROWS)
            changes = net_changes(connection, name, max(since, asked.began_at), MOST_ROWS)
    return render(
        request,
        "questions/question.html",
        here="questions",
        name=name,
        question=files.valid.get(name),
        error=files.errors.get(name),
        asked=asked,
        answer=answer,
        changes=changes,
        days=PERIOD.days,
        is_own=(data.questions / f"{name}.sql").exists(),
    )


@router.post("/questions/{name}/remove")
def remove(request: Request, name: str) -> Response:
    """Remove a question that was saved here."""
    if not is_from_these_pages(request):
        return Response("A page of another site sent this; nothing was removed.", 403, media_type="text/plain")
    if not remove_question(current_data(), name):
        return render(request, "shared/no_page.html", here=None, path=f"questions/{name}", status_code=404)
    return RedirectResponse(f"{request.scope.get('root_path', '')}/questions", 303)


def _asked(data: DataFolder) -> dict[str, Asked]:
    try:
        with reading(data) as connection:
            return {question.name: question for question in asked_questions(connection)}
    except NoSnapshot:
        return {}


def _question(fields: dict[str, str], person: str) -> Question:
    """The question of a form, as its file would have it."""
    title = " ".join(fields.get("title", "").split())
    given = Question(
        name=fields.get("name", "").strip() or _name_of(title),
        title=title,
        sql=fields.get("sql", "").strip().removesuffix(";").strip(),
        key=_list(fields.get("key", "")),
        inform=_list(fields.get("inform", "")),
        when=" ".join(fields.get("when", "").split()),
        saved_by=" ".join(person.split()),
    )
    try:  # a comment at the beginning of the query would be read as part of the header
        return replace(given, sql=parse_question(given.name, given.text).sql)
    except BrokenQuestion:
        return given


def _name_of(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", title.lower()).strip("_")[:60]


def _list(text: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in text.replace("\n", ",").split(","))))


def _form(request: Request, question: Question, fault: str = "", *, status_code: int = 200) -> HTMLResponse:
    settings = valid_part().alerts
    return render(
        request,
        "questions/new.html",
        here="questions",
        question=question,
        fault=fault,
        channels=list(settings.channels) if settings else [],
        characters=SQL_CHARACTERS,
        status_code=status_code,
    )
