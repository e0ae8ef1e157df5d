"""Vega-Lite drawn as SVG, in a process of its own: it holds a JavaScript engine, which nothing in a process could stop.

The process is this file, run as a program. It draws one chart after another, and the kernel ends it when one takes
too long: the next chart starts another.
"""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

SECONDS = 10
"""How long a chart may take. One of a thousand bars takes a tenth of one."""

NUMBERS = {"decimal": ".", "thousands": "\N{NARROW NO-BREAK SPACE}", "grouping": [3], "currency": ["", ""]}
"""How numbers are written, as everywhere on the pages."""


class NotDrawn(RuntimeError):
    """A chart could not be drawn, or not in time; says why."""


class Drawer:
    """Draws charts, one at a time, whichever thread asks.

    Args:
        seconds: how long one may take.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def svg(self, spec: Mapping[str, Any]) -> str:
        """The chart that a Vega-Lite specification describes.

        Raises:
            NotDrawn: when it takes too long, or is no chart.
        """
        with self._turn:
            process = self._running()
            asked, drawn = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
            answer = b""
            with suppress(BrokenPipeError):
                asked.write(json.dumps(spec).encode() + b"\n")
                asked.flush()
                answer = drawn.readline()
            if answer:
                return str(json.loads(answer))
            # It has closed its output, so it ends: its exit code tells why.
            process.wait()
            self._forget()
            if process.returncode == -signal.SIGALRM:
                raise NotDrawn(f"drawing took longer than {self._seconds:g} seconds: ask for a shorter period")
            raise NotDrawn("the chart could not be drawn: the log of Airflow's API server tells why")

    def close(self) -> None:
        """End the process, if there is one."""
        with self._turn:
            if self._process:
                self._process.kill()
                self._forget()

    def _forget(self) -> None:
        if self._process:
            self._process.communicate()
            self._process = None

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            command = [sys.executable, str(Path(__file__)), str(self._seconds)]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self._process


def _draw_what_is_asked(seconds: float) -> None:
    """Answer each line of standard input, a specification, with a line that holds its SVG."""
    import vl_convert

    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        # No address may be asked for anything: the data are in the chart.
        svg = vl_convert.vegalite_to_svg(line.decode(), vl_version="6.1", allowed_base_urls=[], format_locale=NUMBERS)
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.buffer.write(json.dumps(svg).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _draw_what_is_asked(float(sys.argv[1]))
