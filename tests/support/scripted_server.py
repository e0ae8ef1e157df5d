"""An HTTP server that sends exactly the responses of a test, faults included."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.local_server import LocalServer, Quiet, SiteServer


@dataclass(frozen=True)
class Answer:
    """One scripted answer.

    Attributes:
        status: HTTP status.
        headers: sent in addition to those for the framing of the body.
        body: the bytes, or pieces of them that are sent one after another.
        chunked: whether the body is sent in chunks without a length, as NCBI does.
        cut_after: bytes of the body after which the connection is closed; None sends it all.
        stall_seconds: duration of one pause of the server.
        stall_after: bytes of the body after which it pauses; None: before the response.
        pause_seconds: pause after every piece of the body.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Sequence[bytes] = b""
    chunked: bool = True
    cut_after: int | None = None
    stall_seconds: float = 0.0
    stall_after: int | None = None
    pause_seconds: float = 0.0

    @property
    def pieces(self) -> Sequence[bytes]:
        return [self.body] if isinstance(self.body, bytes) else self.body


@dataclass(frozen=True)
class HeldBody(Sequence[bytes]):
    """A body whose last piece is sent when a test releases it.

    Attributes:
        first: the pieces that are sent at once.
        last: the piece that is delayed.
        let_go: set by the test; without it, the piece is sent a minute after the others.
    """

    first: Sequence[bytes]
    last: bytes
    let_go: threading.Event

    def __len__(self) -> int:
        return len(self.first) + 1

    def __getitem__(self, index: Any) -> Any:
        if index == len(self.first):
            self.let_go.wait(60)
        return [*self.first, self.last][index]


@dataclass(frozen=True)
class ReceivedRequest:
    """A request of a client. Header names are lower-case; `at` is when it arrived, by the monotonic clock."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    at: float


class _Server(SiteServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing: tests include clients that disconnect."""


class _Handler(Quiet, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        script = self.server.site
        answer = script.next_answer(
            ReceivedRequest(
                method=self.command,
                path=parts.path,
                query=parse_qsl(parts.query, keep_blank_values=True),
                headers={name.lower(): value for name, value in self.headers.items()},
                at=time.monotonic(),
            )
        )
        if answer.stall_after is None:
            script.stopping.wait(answer.stall_seconds)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(sum(map(len, answer.pieces))))
        self.end_headers()
        sent = 0
        for piece in _split(answer.pieces, {answer.cut_after, answer.stall_after}):
            if sent == answer.stall_after:
                script.stopping.wait(answer.stall_seconds)
            if sent == answer.cut_after:
                break
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece) if answer.chunked else piece)
            self.wfile.flush()
            sent += len(piece)
            script.stopping.wait(answer.pause_seconds)
        if sent == answer.stall_after:
            script.stopping.wait(answer.stall_seconds)
        if answer.cut_after is not None:
            self.close_connection = True
        elif answer.chunked:
            self.wfile.write(b"0\r\n\r\n")


class ScriptedServer(LocalServer):
    """Sends its responses in order, one per request, and then repeats the last one.

    Used as a context manager. `requests` holds what was received so far.
    """

    handler = _Handler
    server = _Server

    def __init__(self, *answers: Answer) -> None:
        super().__init__()
        self._answers = list(answers)
        self._lock = threading.Lock()
        self.requests: list[ReceivedRequest] = []
        self.stopping = threading.Event()

    def next_answer(self, request: ReceivedRequest) -> Answer:
        with self._lock:
            self.requests.append(request)
            return self._answers[min(len(self.requests), len(self._answers)) - 1]

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        super().__exit__()


def _split(pieces: Iterable[bytes], marks: set[int | None]) -> Iterator[bytes]:
    """The same bytes, with a piece ending at each mark."""
    start = 0
    for piece in pieces:
        inside = sorted(mark - start for mark in marks if mark is not None and start < mark < start + len(piece))
        for begin, end in zip([0, *inside], [*inside, len(piece)], strict=True):
            if begin < end:
                yield piece[begin:end]
        start += len(piece)
