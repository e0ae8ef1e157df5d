"""A server that stands in for S3, in an environment of its own (`scripts/setup_bucket`)."""

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

NEEDS_BUCKETS = pytest.mark.skipif(not PROGRAM.exists(), reason="scripts/setup_bucket has not installed a server")

SECRET = "the-secret-of-the-bucket"


@contextmanager
def bucket_server() -> Iterator[str]:
    """The URL of a server without buckets."""
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


def new_bucket(url: str) -> str:
    """The name of a bucket that is made on a server."""
    name = f"viruses-{secrets.token_hex(4)}"
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
