"""The server's connections, which its requests can access, so that a fault can break them."""

import asyncio
import socket
import struct
from typing import cast

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

# SO_LINGER on, with 0 seconds: closing the socket resets the connection.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class ExposedConnection(H11Protocol):
    """uvicorn's connection, which is stored in the state of each of its requests."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Called by the event loop."""
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)


def reset_connection(scope: Scope) -> None:
    """Reset the request's connection at once, as a crashing machine would."""
    transport = cast(asyncio.Transport, scope["state"]["transport"])
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
