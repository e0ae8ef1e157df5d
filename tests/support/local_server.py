"""HTTP servers of tests: each answers in threads of its own, on a free port."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self


class SiteServer(ThreadingHTTPServer):
    """The server behind a `LocalServer`, its `site`."""

    daemon_threads = True
    site: Any


class Quiet:
    """For a handler: it logs no requests, and its `server.site` is the `LocalServer`."""

    server: SiteServer

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


class LocalServer:
    """An HTTP server. Used as a context manager."""

    handler: ClassVar[type[BaseHTTPRequestHandler]]
    """What answers the requests."""

    server: ClassVar[type[SiteServer]] = SiteServer

    def __init__(self) -> None:
        self._server = self.server(("127.0.0.1", 0), self.handler)
        self._server.site = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
