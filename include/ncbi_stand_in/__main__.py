"""Run the stand-in: `python -m ncbi_stand_in --port 8081 --today 2026-11-20`."""

import argparse
import contextlib
import signal
import socket
import sys
from collections.abc import Sequence
from datetime import date

import uvicorn

from ncbi_stand_in.app import BASE_PATH, StandInState, create_app
from ncbi_stand_in.connections import ExposedConnection
from ncbi_stand_in.faults import Limit
from ncbi_stand_in.records import World

DEFAULT_TODAY = date(2026, 11, 20)


class _UrlPrintingServer(uvicorn.Server):
    """A server that prints its URL as soon as it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            sys.stdout.write(f"http://{host}:{port}{BASE_PATH}\n")
            sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM. The first line on standard output is the URL."""
    options = _parser().parse_args(arguments)
    world = World(options.seed, options.records, options.epoch or options.today, options.taxa)
    state = StandInState(world, options.today)
    if options.limit_bytes is not None:
        state.limit = Limit(options.limit_bytes, options.limit_kind)
    app = create_app(state)
    config = uvicorn.Config(
        app, http=ExposedConnection, log_level=options.log_level, access_log=False, timeout_graceful_shutdown=2
    )
    # uvicorn raises the signal again after its shutdown, which would look like a failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (
        socket.create_server((options.host, options.port)) as listener,
        contextlib.suppress(KeyboardInterrupt),
    ):
        _UrlPrintingServer(config).run(sockets=[listener])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ncbi_stand_in", description="A local NCBI Datasets server with made-up virus records."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081, help="0 picks a free port (default: 8081)")
    parser.add_argument(
        "--today",
        type=date.fromisoformat,
        default=DEFAULT_TODAY,
        help="the stand-in's date (default: %(default)s)",
    )
    parser.add_argument(
        "--epoch", type=date.fromisoformat, help="the date around which records change (default: --today)"
    )
    parser.add_argument("--seed", type=int, default=1, help="a different seed gives different records (default: 1)")
    parser.add_argument("--records", type=int, default=400, help="number of records (default: 400)")
    parser.add_argument("--taxa", type=int, help="maximum number of virus taxa, most of them rare (default: few)")
    parser.add_argument("--limit-bytes", type=int, help="size above which no package arrives whole (default: none)")
    parser.add_argument(
        "--limit-kind",
        choices=("cut", "stalled"),
        default="cut",
        help="what happens to those: the connection closes, or there is no response (default: %(default)s)",
    )
    parser.add_argument("--log-level", default="warning", help="uvicorn's log level (default: warning)")
    return parser


if __name__ == "__main__":
    main()
