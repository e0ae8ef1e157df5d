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
from ncbi_stand_in.connections import ReachableConnection
from ncbi_stand_in.records import World

DEFAULT_TODAY = date(2026, 11, 20)


class _AnnouncingServer(uvicorn.Server):
    """A server that says where it listens as soon as it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            sys.stdout.write(f"http://{host}:{port}{BASE_PATH}\n")
            sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGINT or SIGTERM; the first line on standard output is the URL."""
    options = _parser().parse_args(arguments)
    world = World(options.seed, options.records, options.epoch or options.today, options.taxa)
    app = create_app(StandInState(world, options.today))
    config = uvicorn.Config(
        app, http=ReachableConnection, log_level=options.log_level, access_log=False, timeout_graceful_shutdown=2
    )
    # uvicorn raises the signal again once it has shut down: being stopped is how a server ends well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (
        socket.create_server((options.host, options.port)) as listener,
        contextlib.suppress(KeyboardInterrupt),
    ):
        _AnnouncingServer(config).run(sockets=[listener])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ncbi_stand_in", description="A local NCBI Datasets server with made-up virus records."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081, help="0 picks a free one (default: 8081)")
    parser.add_argument(
        "--today",
        type=date.fromisoformat,
        default=DEFAULT_TODAY,
        help="the stand-in's date (default: %(default)s)",
    )
    parser.add_argument(
        "--epoch", type=date.fromisoformat, help="the date the records' lives turn around (default: --today)"
    )
    parser.add_argument("--seed", type=int, default=1, help="another seed is another world (default: 1)")
    parser.add_argument("--records", type=int, default=400, help="records in the world (default: 400)")
    parser.add_argument("--taxa", type=int, help="at most so many virus taxa, most of them rare (default: few)")
    parser.add_argument("--log-level", default="warning", help="uvicorn's log level (default: warning)")
    return parser


if __name__ == "__main__":
    main()
