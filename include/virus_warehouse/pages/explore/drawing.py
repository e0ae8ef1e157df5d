"""Vega-Lite charts rendered as SVG in a separate process, because its JavaScript engine cannot be interrupted.

The process is this file, run as a program. It draws one chart after another, and the kernel kills it when one takes
too long; the next chart starts a new one.
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
"""Time limit for a chart. One of a thousand bars takes a tenth of a second."""

NUMBERS = {"decimal": ".", "thousands": "\N{NARROW NO-BREAK SPACE}", "grouping": [3], "currency": ["", ""]}
"""Number format, as everywhere on the pages."""


class NotDrawn(RuntimeError):
    """A chart could not be drawn, or not in time; says why."""


class Drawer:
    """Draws charts, one at a time; thread-safe.

    Args:
        seconds: time limit for a chart.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def svg(self, spec: Mapping[str, Any]) -> str:
        """The SVG of a Vega-Lite specification.

        Raises:
            NotDrawn: when it takes too long, or is invalid.
        """
        with self._lock:
            process = self._running()
            asked, drawn = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
            answer = b""
            with suppress(BrokenPipeError):
                asked.write(json.dumps(spec).encode() + b"\n")
                asked.flush()
                answer = drawn.readline()
            if answer:
                return str(json.loads(answer))
            # It has closed its output, so it is ending; its exit code shows why.
            process.wait()
            self._forget()
            if process.returncode == -signal.SIGALRM:
                raise NotDrawn(f"drawing took longer than {self._seconds:g} seconds: choose a shorter period")
            raise NotDrawn("the chart could not be drawn: see the log of Airflow's API server")

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
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
    """Answer each line of standard input, a specification, with a line with its SVG."""
    import vl_convert

    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        # No network access: the data are in the chart.
        svg = vl_convert.vegalite_to_svg(line.decode(), vl_version="6.1", allowed_base_urls=[], format_locale=NUMBERS)
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.buffer.write(json.dumps(svg).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _draw_what_is_asked(float(sys.argv[1]))
