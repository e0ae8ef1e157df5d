"""HTTP answers in NCBI's form."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ncbi_stand_in.connections import reset_connection

ERROR_NAMES = {400: "Bad Request", 404: "Not Found"}
HELP = "(For more help, see the NCBI Datasets Documentation at https://www.ncbi.nlm.nih.gov/datasets/docs/)"


def error_response(status: int, message: str) -> Response:
    """NCBI's error body, as captured in issue #347: not the `rpcStatus` its specification names."""
    body = {"error": ERROR_NAMES[status], "code": status, "message": f"{message}. {HELP}"}
    return JSONResponse(body, status)


def invalid_argument(reason: str) -> Response:
    """The 400 the gateway gives for a parameter it cannot read."""
    return error_response(400, f"Invalid argument provided: '{reason}'")


def download_response(chunks: Iterable[bytes], filename: str) -> Response:
    """A package on its way: chunked, with no length and no ETag (contract notes, section 1)."""
    return StreamingResponse(chunks, media_type="application/zip", headers=download_headers(filename))


def download_headers(filename: str) -> dict[str, str]:
    """The headers that name the file; a name must not smuggle in anything but itself."""
    safe = "".join(letter for letter in filename if letter.isprintable() and letter not in '";\\')
    name = safe.encode("ascii", "ignore").decode() or "ncbi_dataset.zip"
    return {"Content-Disposition": f"attachment; filename={name}"}


class CutResponse(Response):
    """A package whose connection closes before the body is complete."""

    def __init__(self, body: bytes, filename: str) -> None:
        super().__init__(body, media_type="application/zip", headers=download_headers(filename))
        # Without a length the body is chunked, and the missing last chunk is what a client can notice.
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the body and return without ever saying that it is over: the server then hangs up."""
        await self.send_part(send, self.body)

    async def send_part(self, send: Send, part: bytes | memoryview) -> None:
        """Send the head of the answer and a part of its body, of which more is to come."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": part, "more_body": True})


class ResetResponse(CutResponse):
    """A package whose connection is reset before the body is complete; without any body, before it answers at all."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the body, and break the connection."""
        if self.body:
            await self.send_part(send, self.body)
        reset_connection(scope)


class StalledResponse(CutResponse):
    """A package that stops to arrive, on a connection that stays; without any body, no answer at all."""

    def __init__(self, body: bytes, filename: str, seconds: float) -> None:
        super().__init__(body, filename)
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the body, and wait for the client to give up."""
        if self.body:
            await self.send_part(send, self.body)
        await _hung_up(receive, self._seconds)


class DrippingResponse(CutResponse):
    """A package that arrives whole, but a byte at a time."""

    def __init__(self, body: bytes, filename: str, seconds: float) -> None:
        super().__init__(body, filename)
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send a byte and wait, until all are sent or the client has given up."""
        await self.send_part(send, b"")
        for byte in bytes(self.body):
            await send({"type": "http.response.body", "body": bytes([byte]), "more_body": True})
            if await _hung_up(receive, self._seconds):
                return
        await send({"type": "http.response.body", "body": b""})


async def _hung_up(receive: Receive, seconds: float) -> bool:
    """Wait that long for the client to hang up; whether it did."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
            return True
    return False
