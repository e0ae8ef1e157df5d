"""Middleware for every request: it records the request and adds NCBI's headers to the response."""

import time
from collections import deque
from dataclasses import dataclass
from itertools import count

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DATASETS_VERSION = "18.39.0"


@dataclass(frozen=True)
class RecordedRequest:
    """A request as received.

    Attributes:
        method: such as GET.
        path: without the query.
        query: decoded pairs, in their original order.
        headers: by their names in lower case.
        at: when it arrived, in seconds of a clock that is never set: for differences.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    at: float
    body: str = ""


class DatasetsMiddleware:
    """ASGI middleware. It passes bodies through unchanged, so that a truncated body stays truncated."""

    def __init__(self, app: ASGIApp, requests: deque[RecordedRequest]) -> None:
        self._app = app
        self._requests = requests
        self._numbers = count(0x57A4D1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record the request, unless it is a control call, and add the headers to its response."""
        if scope["type"] != "http" or scope["path"].startswith("/control/"):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        body = await request.body() if request.method == "POST" else b""
        self._requests.append(
            RecordedRequest(
                request.method,
                request.url.path,
                request.query_params.multi_items(),
                dict(request.headers),
                time.monotonic(),
                body.decode(errors="replace"),
            )
        )
        unread = [{"type": "http.request", "body": body, "more_body": False}] if request.method == "POST" else []

        async def receive_again() -> Message:
            return unread.pop() if unread else await receive()

        has_key = "api-key" in request.headers or "api_key" in request.query_params
        # NCBI's documented limits: 5 requests a second, 10 with an API key.
        limit = 10 if has_key else 5
        # A request ID in NCBI's form: 24 hexadecimal digits, a dot and a number.
        phid = f"{next(self._numbers):024X}.1"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Ncbi-Phid"] = phid
                headers["X-Datasets-Version"] = DATASETS_VERSION
                headers["X-Ratelimit-Limit"] = str(limit)
                headers["X-Ratelimit-Remaining"] = str(limit - 1)
            await send(message)

        await self._app(scope, receive_again, send_with_headers)
