"""Buckets for tests: a local server stands in for S3."""

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


@contextmanager
def bucket_server(bucket: str) -> Iterator[str]:
    """A server with an empty bucket, for any key; yields its URL."""
    url = f"http://127.0.0.1:{free_port()}"
    server = subprocess.Popen(
        [PROGRAM, "-p", url.rpartition(":")[2]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: _responds(url), 120)
        requests.put(f"{url}/{bucket}", timeout=60).raise_for_status()
        yield url
    finally:
        server.kill()
        server.wait()


def _responds(url: str) -> bool:
    try:
        return requests.get(f"{url}/moto-api/", timeout=60).ok
    except requests.ConnectionError:
        return False
