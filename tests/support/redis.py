"""A new Redis server for a test, from Debian's package; it is removed at the end of the `with` block.

with redis("a password", "--appendonly", "yes") as port:
    Celery(broker=f"redis://:a password@127.0.0.1:{port}/0")
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.ports import free_port
from tests.support.waiting import until

START_SECONDS = 60


def unavailable() -> str | None:
    """The reason why no server can be started here, or None."""
    if shutil.which("redis-server"):
        return None
    return "Redis is not installed; on Debian, as root, scripts/install_services does it"


@contextmanager
def redis(password: str, *options: str) -> Iterator[int]:
    """An empty server on a free port of 127.0.0.1; yields the port.

    Args:
        password: its password.
        options: further options of `redis-server`.
    """
    folder, port = Path(tempfile.mkdtemp(prefix="redis-")), free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--requirepass", password]
    try:
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen([*command, *options], cwd=folder, stdout=log, stderr=log, start_new_session=True)
        try:
            until(lambda: _responds(port, password) or server.poll() is not None, START_SECONDS)
            assert server.poll() is None, (folder / "log").read_text(errors="replace")
            yield port
        finally:
            server.kill()
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _responds(port: int, password: str) -> bool:
    command = ["redis-cli", "-e", "-p", str(port), "ping"]
    environment = os.environ | {"REDISCLI_AUTH": password}
    return subprocess.run(command, env=environment, capture_output=True).returncode == 0
