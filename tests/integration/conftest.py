"""A fake NCBI for each test module, and sources that follow it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.buckets import access_to, bucket_server, new_bucket
from tests.support.fake_ncbi import FakeNcbi, World
from tests.support.followed import Followed
from tests.support.lakes import FILE, LAKE, NEEDS_LAKES, catalogs
from tests.support.warehouses import copy_new_files


@pytest.fixture(scope="module")
def ncbi() -> Iterator[FakeNcbi]:
    with FakeNcbi() as server:
        yield server


@pytest.fixture(scope="session")
def catalog() -> Iterator[str]:
    """The URL of a database for the catalogs of lakes."""
    with catalogs() as url:
        yield url


@pytest.fixture(scope="session")
def bucket_url() -> Iterator[str]:
    """The URL of a server that stands in for S3."""
    with bucket_server() as url:
        yield url


@pytest.fixture
def bucket(bucket_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a bucket that the environment gives access to."""
    for name, value in access_to(bucket_url).items():
        monkeypatch.setenv(name, value)
    return new_bucket(bucket_url)


@pytest.fixture(scope="module", params=[FILE, pytest.param(LAKE, marks=[NEEDS_LAKES, pytest.mark.long])])
def kept(request: pytest.FixtureRequest) -> str:
    """Where the warehouse is kept. A run on a lake takes longer: most of them are for `make test-long`."""
    return str(request.param)


@pytest.fixture(scope="module")
def small_loads() -> Iterator[None]:
    """Settings that save time where every load is small: one thread, and new warehouse files that are copies."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIRUS_THREADS", "1")
        copy_new_files(patch)
        yield


@pytest.fixture
def followed(ncbi: FakeNcbi, tmp_path: Path) -> Followed:
    """An NCBI without records, and sources without a run."""
    ncbi.world = World()
    return Followed(ncbi, tmp_path / "data")
