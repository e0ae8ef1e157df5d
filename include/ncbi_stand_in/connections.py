"""The server's connections, each within reach of its requests, so that a fault can break it."""

import asyncio
import socket
import struct
from typing import cast

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

# on, 0 seconds: closing resets the connection instead of ending it.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ReachableConnection(H11Protocol):
    """uvicorn's connection, put into the state of each of its requests."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by the event loop."""
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


def reset_connection(scope: Scope) -> None:
    """Break the request's connection at once, as a machine does that goes down."""
    transport = cast(asyncio.Transport, scope["state"]["transport"])
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
