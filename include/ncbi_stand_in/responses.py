"""HTTP responses in NCBI's form."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ncbi_stand_in.connections import reset_connection

ERROR_NAMES = {400: "Bad Request", 404: "Not Found"}
HELP = "(For more help, see the NCBI Datasets Documentation at https://www.ncbi.nlm.nih.gov/datasets/docs/)"


def error_response(status: int, message: str) -> Response:
    """NCBI's error body as captured in issue #347. It is not the `rpcStatus` of the specification."""
    body = {"error": ERROR_NAMES[status], "code": status, "message": f"{message}. {HELP}"}
    return JSONResponse(body, status)


def invalid_argument(reason: str) -> Response:
    """The gateway's 400 for a parameter that it cannot parse."""
    return error_response(400, f"Invalid argument provided: '{reason}'")


def download_response(chunks: Iterable[bytes], filename: str) -> Response:
    """A package as a chunked response, without length and ETag (contract notes, section 1)."""
    return StreamingResponse(chunks, media_type="application/zip", headers=download_headers(filename))


def download_headers(filename: str) -> dict[str, str]:
    """The headers with the file name, from which characters that could inject other headers are removed."""
    safe = "".join(letter for letter in filename if letter.isprintable() and letter not in '";\\')
    name = safe.encode("ascii", "ignore").decode() or "ncbi_dataset.zip"
    return {"Content-Disposition": f"attachment; filename={name}"}


class CutResponse(Response):
    """A package whose connection closes before the body is complete."""

    def __init__(self, body: bytes, filename: str) -> None:
        super().__init__(body, media_type="application/zip", headers=download_headers(filename))
        # Without a length the body is chunked, and a client can only notice that the last chunk is missing.
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the body and return without ending it, which makes the server close the connection."""
        await self.send_part(send, self.body)

    async def send_part(self, send: Send, part: bytes | memoryview) -> None:
        """Send the status line, the headers and a part of the body, to be continued."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": part, "more_body": True})


class ResetResponse(CutResponse):
    """A package whose connection is reset mid-body, or before the response if there is no body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the body and reset the connection."""
        if self.body:
            await self.send_part(send, self.body)
        reset_connection(scope)


class StalledResponse(CutResponse):
    """A package that stops mid-body while the connection stays open. Without a body, there is no response at all."""

    def __init__(self, body: bytes, filename: str, seconds: float) -> None:
        super().__init__(body, filename)
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the body and wait for the client to give up."""
        if self.body:
            await self.send_part(send, self.body)
        await _client_hung_up(receive, self._seconds)


class DrippingResponse(CutResponse):
    """A complete package that is sent byte by byte."""

    def __init__(self, body: bytes, filename: str, seconds: float) -> None:
        super().__init__(body, filename)
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a byte and pause, until all are sent or the client has given up."""
        await self.send_part(send, b"")
        for byte in bytes(self.body):
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
            if await _client_hung_up(receive, self._seconds):
                return
        await send({"type": "http.response.body", "body": b""})


async def _client_hung_up(receive: Receive, seconds: float) -> bool:
    """Wait for the client to close the connection, and return whether it did."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
            return True
    return False
