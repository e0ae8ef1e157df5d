"""A new PostgreSQL server for a test, from Debian's package; it is removed at the end of the `with` block.

with postgres() as url:
    sqlalchemy.create_engine(url)
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


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A server with an empty database on a free port of 127.0.0.1; yields its SQLAlchemy URL."""
    programs = _programs()
    assert programs is not None, unavailable()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    identity = {"user": _server_user(), "extra_groups": []} if os.geteuid() == 0 else {}
    password, port = secrets.token_hex(16), free_port()
    try:
        _make_cluster(programs, folder, password, identity)
        command = [programs / "postgres", "-D", folder / "data", "-p", str(port)]
        for setting in ("listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", *QUICK):
            command += ["-c", setting]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                command, cwd=folder, stdout=log, stderr=log, start_new_session=True, umask=0o077, **identity
            )
        try:
            _wait_until_ready(programs, folder, server, port)
            yield f"postgresql+psycopg2://{USER}:{password}@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)  # fast shutdown: clients are cut off
            try:
                server.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
