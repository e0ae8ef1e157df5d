"""A static web server for a folder, with ranges, as nginx has them; a test can make it misbehave."""

import os
import re
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from tests.support.local_server import LocalServer, Quiet


class _Handler(Quiet, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        site, wanted = self.server.site, self.headers.get("Range")
        site.requests.append((self.command, self.path, wanted))
        path = site.folder / unquote(urlsplit(self.path).path).lstrip("/")
        site.before_answer(self.path)
        if site.status or not path.is_file():
            self.send_response(site.status or 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        with path.open("rb") as file:  # one file, whatever is published meanwhile
            self._send(file, wanted if site.has_ranges else None, with_body=with_body)

    def _send(self, file: BinaryIO, wanted: str | None, *, with_body: bool) -> None:
        site, status = self.server.site, os.fstat(file.fileno())
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "")
        first = int(found[1]) if found else 0
        last = min(int(found[2]), status.st_size - 1) if found and found[2] else status.st_size - 1
        self.send_response(206 if found else 200)
        if site.has_ranges:
            self.send_header("Accept-Ranges", "bytes")
        if found:
            self.send_header("Content-Range", f"bytes {first}-{last}/{status.st_size}")
        if site.endless:
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(last + 1 - first))
        self.send_header("ETag", f'"{status.st_mtime_ns:x}-{status.st_ino:x}-{status.st_size:x}"')
        self.send_header("Last-Modified", self.date_time_string(int(status.st_mtime)))
        self.end_headers()
        if not with_body:
            return
        left = last + 1 - first
        if site.cut_after is not None and site.cut_after < left:
            left = site.cut_after
            self.close_connection = True
        file.seek(first)
        while chunk := file.read(min(left, 1 << 16)):
            self.wfile.write(chunk)
            left -= len(chunk)
        while site.endless:
            self.wfile.write(bytes(1 << 20))


class WebServer(LocalServer):
    """Serves the files of a folder. Used as a context manager.

    Args:
        folder: the folder.
        has_ranges: whether it answers ranges; else it sends the whole file, as `python -m http.server` does.
    """

    handler = _Handler

    def __init__(self, folder: Path, *, has_ranges: bool = True) -> None:
        super().__init__()
        self.folder = folder
        self.has_ranges = has_ranges
        self.cut_after: int | None = None
        """Bytes of a file after which the connection is closed."""
        self.status: int | None = None
        """The status of every answer."""
        self.endless = False
        """Whether files are followed by zeros for ever, without a length."""
        self.before_answer: Callable[[str], None] = lambda _: None
        """Called with each path that is asked for."""
        self.requests: list[tuple[str, str, str | None]] = []
        """Method, path with query, and range of every request."""
