"""A server that does not work for a while, as on a suspended machine: connections stay open, and nothing responds."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psutil


@contextmanager
def paused(url: str) -> Iterator[None]:
    """Pause the server of this machine that listens at a URL, while the `with` block lasts."""
    port = urlsplit(url).port
    [server] = {
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid
    }
    process = psutil.Process(server)
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)
