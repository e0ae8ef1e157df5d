"""The FastAPI app of the pages, which Airflow mounts at `/virus-warehouse`."""

import logging
from collections.abc import Awaitable, Callable, Mapping

import duckdb
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import HTMLResponse

from virus_warehouse.failure import Failure
from virus_warehouse.pages import host, static_files
from virus_warehouse.pages.console import page as console
from virus_warehouse.pages.explore import page as explore
from virus_warehouse.pages.overview import page as overview
from virus_warehouse.pages.questions import page as questions
from virus_warehouse.pages.rendering import render
from virus_warehouse.pages.runs import page as runs

URL_PREFIX = "/virus-warehouse"
ROUTERS = (static_files.router, overview.router, runs.router, explore.router, console.router, questions.router)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
"""Content Security Policy: no external resources, no inline scripts."""

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

logger = logging.getLogger(__name__)


def create_app(
    user: Callable[..., host.User | Awaitable[host.User]],
    dag_states: Callable[..., Mapping[str, host.DagState]],
    scheduler: Callable[..., host.Scheduler | None] = host.scheduler,
) -> FastAPI:
    """The app with every page. All routes require a login; no API description is published.

    Args:
        user: FastAPI dependency that returns the user, and responds with 401 without a login.
        dag_states: FastAPI dependency that returns the DAGs of the sources, by source.
        scheduler: FastAPI dependency that returns the scheduler; None where there is none.
    """
    app = FastAPI(
        title="Virus warehouse", dependencies=[host.LOGGED_IN], docs_url=None, redoc_url=None, openapi_url=None
    )
    app.dependency_overrides |= {host.user: user, host.dag_states: dag_states, host.scheduler: scheduler}
    for router in ROUTERS:
        app.include_router(router)
    # Last, so that unknown paths require a login too.
    app.api_route("/{path:path}", methods=METHODS)(_no_such_page)
    app.middleware("http")(_guarded)
    app.exception_handler(HTTPException)(_http_error)
    app.exception_handler(OSError)(_failed)
    app.exception_handler(duckdb.Error)(_failed)
    app.exception_handler(Failure)(_failed)
    return app


async def _guarded(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _no_such_page(request: Request, path: str) -> HTMLResponse:
    return render(request, "shared/no_page.html", here=None, path=path, status_code=404)


async def _http_error(request: Request, error: HTTPException) -> Response:
    """A login page for browsers without a login; other errors as usual."""
    if error.status_code == 401 and "text/html" in request.headers.get("accept", ""):
        page = render(request, "shared/login.html", status_code=401)
        page.headers.update(error.headers or {})
        return page
    return await http_exception_handler(request, error)


def _failed(request: Request, error: Exception) -> HTMLResponse:
    """A page for errors caused by missing, damaged or unreadable files."""
    logger.error("%s cannot be shown", request.url.path, exc_info=error)
    return render(request, "shared/failed.html", here=None, error=str(error), status_code=500)
