"""Buckets for tests: a local server stands in for S3, in an environment of its own (`scripts/setup_bucket`)."""

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support.ports import free_port
from tests.support.waiting import until

PROGRAM = Path(__file__).resolve().parents[2] / ".venv-bucket/bin/moto_server"


def unavailable() -> str | None:
    """The reason why no server can be started here, or None."""
    return None if PROGRAM.exists() else "scripts/setup_bucket has not installed a server"


NEEDS_BUCKETS = pytest.mark.skipif(unavailable() is not None, reason=str(unavailable()))

SECRET = "the-secret-of-the-bucket"


@contextmanager
def bucket_server() -> Iterator[str]:
    """A server without buckets, for any key; yields its URL."""
    url = f"http://127.0.0.1:{free_port()}"
    server = subprocess.Popen(
        [PROGRAM, "-p", url.rpartition(":")[2]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: _responds(url), 120)
        yield url
    finally:
        server.kill()
        server.wait()


def new_bucket(url: str, name: str | None = None) -> str:
    """Make an empty bucket on a server; returns its name.

    Args:
        url: of the server.
        name: of the bucket; any by default.
    """
    name = name or f"viruses-{secrets.token_hex(4)}"
    requests.put(f"{url}/{name}", timeout=60).raise_for_status()
    return name


def access_to(url: str) -> dict[str, str]:
    """The settings that give access to the buckets of a server."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }


def _responds(url: str) -> bool:
    try:
        return requests.get(f"{url}/moto-api/", timeout=60).ok
    except requests.ConnectionError:
        return False
