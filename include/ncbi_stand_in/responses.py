"""HTTP answers in NCBI's form."""

from collections.abc import Iterable

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

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
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
