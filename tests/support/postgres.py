"""A new PostgreSQL server for a test, from Debian's package; it is removed at the end of the `with` block.

with postgres() as url:
    sqlalchemy.create_engine(url)

with postgres_server() as server:
    server.stop()
    server.start()
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.ports import free_port

START_SECONDS = 120
USER = "airflow"
# The data are deleted after the test: no need to wait for the disk.
QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def unavailable() -> str | None:
    """The reason why no server can be started here, or None."""
    if _programs() is None:
        return "PostgreSQL is not installed; on Debian, as root, scripts/install_services does it"
    if os.geteuid() == 0 and _server_user() is None:
        return "PostgreSQL refuses to run as root, and there is no user 'postgres' to run it as"
    return None


class Server:
    """A server with an empty database on a port of 127.0.0.1.

    Args:
        programs: the folder of PostgreSQL's programs.
        folder: where its cluster, its socket and its log are.
        identity: of the user that runs it, as `Popen` takes it.
    """

    def __init__(self, programs: Path, folder: Path, identity: dict) -> None:
        self._programs, self._folder, self._identity = programs, folder, identity
        self._password, self._port = secrets.token_hex(16), free_port()
        self._process: subprocess.Popen | None = None
        _make_cluster(programs, folder, self._password, identity)

    @property
    def url(self) -> str:
        """Its SQLAlchemy URL."""
        return f"postgresql+psycopg2://{USER}:{self._password}@127.0.0.1:{self._port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it responds."""
        command = [self._programs / "postgres", "-D", self._folder / "data", "-p", str(self._port)]
        for setting in ("listen_addresses=127.0.0.1", f"unix_socket_directories={self._folder}", *QUICK):
            command += ["-c", setting]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self._folder, stdout=log, stderr=log, start_new_session=True, umask=0o077, **self._identity
            )
        _wait_until_ready(self._programs, self._folder, self._process, self._port)

    def stop(self) -> None:
        """Stop it if it runs: clients are cut off."""
        server, self._process = self._process, None
        if server is None:
            return
        server.send_signal(signal.SIGINT)  # fast shutdown
        try:
            server.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


@contextlib.contextmanager
def postgres_server() -> Iterator[Server]:
    """A server that runs, and that the block can stop and start."""
    programs = _programs()
    assert programs is not None, unavailable()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    identity = {"user": _server_user(), "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        server = Server(programs, folder, identity)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A server with an empty database; yields its SQLAlchemy URL."""
    with postgres_server() as server:
        yield server.url


def _make_cluster(programs: Path, folder: Path, password: str, identity: dict) -> None:
    password_file = folder / "password"
    password_file.write_text(password, encoding="utf-8")
    if identity:
        for path in (folder, password_file):
            shutil.chown(path, identity["user"])
    command = [programs / "initdb", "-D", folder / "data", "--username", USER, "--pwfile", password_file]
    command += ["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, **identity)
    assert done.returncode == 0, done.stdout + done.stderr


def _wait_until_ready(programs: Path, folder: Path, server: subprocess.Popen, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    question = [programs / "pg_isready", "--quiet", "--host", "127.0.0.1", "--port", str(port)]
    while subprocess.run(question).returncode != 0:
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{(folder / 'log').read_text(errors='replace')}")
        time.sleep(0.1)


def _programs() -> Path | None:
    """The folder of the newest installed server. Debian has one folder per version, outside PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = debian[-1] if debian else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _server_user() -> str | None:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None
