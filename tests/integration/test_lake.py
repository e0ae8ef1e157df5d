"""A warehouse in a lake: what runs leave in it is what they leave in a file."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support import postgres
from tests.support.fake_ncbi import FakeNcbi
from tests.support.followed import Followed, content
from tests.support.lakes import catalogs, new_lake
from tests.support.warehouses import opened
from virus_warehouse.warehouse.lake_storage import LakeStorage

WITHOUT_POSTGRES = postgres.unavailable()

pytestmark = [pytest.mark.slow, pytest.mark.skipif(WITHOUT_POSTGRES is not None, reason=str(WITHOUT_POSTGRES))]

NOT_COMPARED = (datetime, float, dict)
"""Times, durations and versions differ between two plays of the same history."""


@pytest.fixture(scope="module")
def catalog() -> Iterator[str]:
    with catalogs() as url:
        yield url


def rows(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    """The contents of a warehouse, with the number of a run in place of its id."""
    tables = content(file)
    numbers = {row[0]: f"run {number}" for number, row in enumerate(sorted(tables["ops.ingest_run"]))}
    with opened(file) as connection:
        tables["ops.ingest_run"] = connection.execute(
            "SELECT * EXCLUDE (request_url, package_path) FROM ops.ingest_run WHERE status = 'success'"
        ).fetchall()

    def compared(row: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(numbers.get(str(value), value) for value in row if not isinstance(value, NOT_COMPARED))

    return {name: sorted(map(compared, found), key=repr) for name, found in tables.items()}


def test_a_history_is_the_same_in_a_lake_and_in_a_file(catalog, tmp_path):
    contents = []
    for name, storage in (("file", None), ("lake", LakeStorage(new_lake(catalog, tmp_path)))):
        with FakeNcbi() as ncbi:
            followed = Followed(ncbi, tmp_path / name, storage)
            followed.run_everything()
        copy = tmp_path / f"{name}.duckdb"
        with followed.warehouse.unchanging() as copy_to:
            copy_to(copy)
        contents.append(rows(copy))
    assert contents[0] == contents[1]
