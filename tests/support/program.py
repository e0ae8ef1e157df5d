"""The program `virus-warehouse` in a process of its own, without the second of processor that its imports take.

A server that has imported the program and opened nothing forks once for each command. The fork has its own arguments,
environment, folder, standard streams and process id, and ends as the program does, with an exit code or as another
program. Tests that need the installed program itself start `PROGRAM`.
"""

import atexit
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

PROGRAM = Path(sys.executable).with_name("virus-warehouse")
AS_INSTALLED = Path(__file__).with_name("as_installed")
"""A folder for PYTHONPATH: hides the tests' own packages."""
SECONDS = 120
"""After which a command is ended by SIGALRM."""
STREAMS = ("input", "output", "errors")


def command(*arguments: str, typed: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `virus-warehouse` with these arguments, with `typed` on its standard input.

    Args:
        arguments: the arguments.
        typed: the standard input; empty by default.
        environment: variables beside those of this process.
    """
    with tempfile.TemporaryDirectory(prefix="program-") as folder:
        files = {name: Path(folder, name) for name in STREAMS}
        for file in files.values():
            file.write_text(typed or "" if file is files["input"] else "", encoding="utf-8")
        asked = {
            "arguments": arguments,
            "environment": {**os.environ, **environment},
            "folder": str(Path.cwd()),
            "streams": [str(file) for file in files.values()],
        }
        code = _code(_server(os.getpid()), asked)
        output, errors = (files[name].read_text(encoding="utf-8") for name in STREAMS[1:])
        return subprocess.CompletedProcess([str(PROGRAM), *arguments], code, output, errors)


@cache
def _server(process: int) -> "subprocess.Popen[str]":
    """The server of this process, which ends with it: then its standard input is closed."""
    places = [str(AS_INSTALLED), *filter(None, sys.path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(places)}
    server = subprocess.Popen(
        [sys.executable, "-P", __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    atexit.register(server.communicate)
    return server


def _code(server: "subprocess.Popen[str]", asked: Mapping[str, Any]) -> int:
    assert server.stdin
    assert server.stdout
    print(json.dumps(asked), file=server.stdin, flush=True)
    return int(server.stdout.readline())


def _serve() -> None:
    from virus_warehouse.cli import app

    importlib.import_module("numpy")  # DuckDB does so when it is asked something
    answers = os.fdopen(os.dup(1), "w")
    questions = os.fdopen(os.dup(0))
    while text := questions.readline():
        child = os.fork()
        if child == 0:
            _become(json.loads(text))
            _end(_exit_code(app.main))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


def _exit_code(main: Callable[[], None]) -> int:
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)  # noqa: T201 (as Python itself does)
            return 1
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """End at once: DuckDB would wait for its threads, which a fork does not have."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _become(asked: Mapping[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["folder"])
    for number, (path, flags) in enumerate(
        zip(asked["streams"], (os.O_RDONLY, os.O_WRONLY | os.O_APPEND, os.O_WRONLY | os.O_APPEND), strict=True)
    ):
        os.dup2(os.open(path, flags), number)
    signal.alarm(SECONDS)
    sys.argv = [str(PROGRAM), *asked["arguments"]]


if __name__ == "__main__":
    _serve()
