"""Ports for servers that a test starts."""

import os
import random
import socket

FIRST, EACH = 20_000, 1_000
"""Below those that the system gives to clients, so that none is taken between its choice here and its use; and a range
for each worker of pytest's."""


def free_port() -> int:
    """A free port of 127.0.0.1 that was not returned before."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = FIRST + worker % 10 * EACH
    while True:
        port = random.randrange(first, first + EACH)
        if port in _given:
            continue
        _given.add(port)
        try:
            with socket.create_server(("127.0.0.1", port)):
                return port
        except OSError:
            continue


_given: set[int] = set()
