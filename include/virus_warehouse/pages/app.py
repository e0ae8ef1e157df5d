"""The FastAPI app of the pages, which Airflow mounts at `/virus-warehouse`."""

import logging
from collections.abc import Awaitable, Callable, Mapping

import duckdb
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.responses import HTMLResponse

from virus_warehouse.pages import host, static_files
from virus_warehouse.pages.console import page as console
from virus_warehouse.pages.explore import page as explore
from virus_warehouse.pages.overview import page as overview
from virus_warehouse.pages.rendering import render
from virus_warehouse.pages.runs import page as runs

URL_PREFIX = "/virus-warehouse"
ROUTERS = (static_files.router, overview.router, runs.router, explore.router, console.router)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
"""Content Security Policy: nothing from elsewhere, no script of the data's."""

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

logger = logging.getLogger(__name__)


def create_app(
    user: Callable[..., host.User | Awaitable[host.User]], dag_states: Callable[..., Mapping[str, host.DagState]]
) -> FastAPI:
    """The app with every page. A login stands before each of its routes; it has no description that anyone may read.

    Args:
        user: FastAPI dependency that gives who asks, and refuses with 401 whoever is not logged in.
        dag_states: FastAPI dependency that gives the DAGs of the sources, by source.
    """
    app = FastAPI(
        title="Virus warehouse", dependencies=[host.LOGGED_IN], docs_url=None, redoc_url=None, openapi_url=None
    )
    app.dependency_overrides |= {host.user: user, host.dag_states: dag_states}
    for router in ROUTERS:
        app.include_router(router)
    # Last, so that the anonymous are told the same of paths that are none.
    app.api_route("/{path:path}", methods=METHODS)(_no_such_page)
    app.middleware("http")(_guarded)
    app.exception_handler(HTTPException)(_told)
    app.exception_handler(OSError)(_failed)
    app.exception_handler(duckdb.Error)(_failed)
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


async def _told(request: Request, error: HTTPException) -> Response:
    """An error as a person reads it, where a browser asks for a page without a login."""
    if error.status_code == 401 and "text/html" in request.headers.get("accept", ""):
        page = render(request, "shared/login.html", status_code=401)
        page.headers.update(error.headers or {})
        return page
    return await http_exception_handler(request, error)


def _failed(request: Request, error: Exception) -> HTMLResponse:
    """What keeps the page from being shown: files that are gone, damaged, or none of ours to read."""
    logger.error("%s cannot be shown", request.url.path, exc_info=error)
    return render(request, "shared/failed.html", here=None, error=str(error), status_code=500)
