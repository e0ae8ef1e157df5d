"""The NCBI Datasets stand-in, run in this process for a test or a script.

with StandIn(today=date(2026, 11, 20)) as stand_in:
    requests.get(f"{stand_in.url}/virus/taxon/10244/genome/download")
"""

import socket
import threading
import time
from datetime import date
from types import TracebackType
from typing import Any, Self

import uvicorn

from ncbi_stand_in.app import BASE_PATH, StandInState, create_app
from ncbi_stand_in.connections import ExposedConnection
from ncbi_stand_in.faults import Fault, Limit
from ncbi_stand_in.middleware import RecordedRequest
from ncbi_stand_in.records import World

DEFAULT_TODAY = date(2026, 11, 20)
START_SECONDS = 10


class StandIn:
    """A stand-in that listens on a free port of 127.0.0.1 while the `with` block lasts.

    `url` is its base URL, `requests` has the requests received so far, oldest first.
    """

    def __init__(
        self, *, today: date = DEFAULT_TODAY, epoch: date | None = None, seed: int = 1, records: int = 400
    ) -> None:
        self._state = StandInState(World(seed, records, epoch or today), today)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}{BASE_PATH}"
        # Faults interrupt responses on purpose: uvicorn need not report them.
        config = uvicorn.Config(
            create_app(self._state), http=ExposedConnection, log_level="critical", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started:
            if time.monotonic() > deadline or not self._thread.is_alive():
                raise RuntimeError("the stand-in did not start")
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    @property
    def control_url(self) -> str:
        """The URL of the control calls."""
        return self.url.removesuffix(BASE_PATH) + "/control"

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests received so far: method, path, query pairs, headers, body."""
        return list(self._state.requests)

    @property
    def world(self) -> World:
        """The served world, for comparison."""
        return self._state.world

    def set_today(self, today: date) -> None:
        """Move its clock."""
        self._state.today = today

    def fault(self, kind: str, times: int = 1, **details: Any) -> None:
        """Let the next `times` downloads fail; kinds and their details are in `ncbi_stand_in.faults`."""
        self._state.queue_fault(Fault(kind, **details), times)

    def limit(self, size: int, kind: str = "cut", seconds: float = 60.0) -> None:
        """Deliver no larger package than this in one piece, until `clear_faults`."""
        self._state.limit = Limit(size, kind, seconds)

    def withhold(self, *accessions: str) -> None:
        """List these records but put them in no package, until `clear_faults`."""
        self._state.withheld = frozenset(accessions)

    def clear_faults(self) -> None:
        """Remove the pending faults, the limit and what is withheld."""
        self._state.faults.clear()
        self._state.limit, self._state.withheld = None, frozenset()
