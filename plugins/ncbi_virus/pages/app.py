"""The FastAPI app that Airflow mounts at `/virus-warehouse`."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response

from ncbi_virus.pages import assets, explore, overview, runs
from ncbi_virus.pages.auth import LOGGED_IN

URL_PREFIX = "/virus-warehouse"
ROUTERS = (assets.router, overview.router, runs.router, explore.router)
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
"""Content Security Policy: nothing from elsewhere, no script of the data's."""


def create_app() -> FastAPI:
    """The app with every page. A login stands before each of its routes; it has no description that anyone may read."""
    app = FastAPI(title="Virus warehouse", dependencies=[LOGGED_IN], docs_url=None, redoc_url=None, openapi_url=None)
    for router in ROUTERS:
        app.include_router(router)
    app.middleware("http")(_guarded)
    return app


async def _guarded(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    return response
