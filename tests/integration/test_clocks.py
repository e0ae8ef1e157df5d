"""A clock that ran ahead once: what follows is loaded, judged and withdrawn as if it had not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.support.followed import Followed
from tests.support.warehouses import query
from virus_warehouse.warehouse.gates import GateError


@pytest.fixture(params=[timedelta(days=2), timedelta(days=4000)], ids=["two days", "eleven years"])
def ahead(request: pytest.FixtureRequest) -> datetime:
    return datetime.now(UTC) + request.param


@pytest.fixture
def loaded(followed: Followed, ahead: datetime) -> Iterator[Followed]:
    """Thirty records, loaded by a process whose clock ran ahead."""
    for number in range(30):
        followed.show(f"PX{number}", number % 3)
    with time_machine.travel(ahead):
        followed.run()
    return followed


def test_a_later_package_is_newer_and_the_clock_is_told_of(
    loaded: Followed, ahead: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    loaded.show("PX1", 3, length=2)
    assert loaded.run().counts["revised"] == 1
    assert "a clock ran ahead then, or is behind now" in caplog.text
    assert f"{ahead:%Y-%m-%d}" in caplog.text


def test_a_full_load_is_judged(loaded: Followed) -> None:
    for number in range(5, 30):
        loaded.ncbi.world.records.pop(f"PX{number}")
    with pytest.raises(GateError, match="lacks 25 of the 30"):
        loaded.run(mode="full")


def test_censuses_conclude(loaded: Followed) -> None:
    loaded.ncbi.world.records.pop("PX1")
    loaded.run(mode="census")
    assert query(loaded.data.warehouse, "SELECT status, count(*) FROM virus_genome GROUP BY ALL ORDER BY ALL") == [
        ("live", 29),
        ("missing", 1),
    ]
    loaded.run(mode="census")
    ended = query(loaded.data.warehouse, "SELECT accession, ended_by FROM virus_genome_history")
    assert ended == [("PX1", "withdrawal")]


def test_a_package_of_a_future_day_serves_no_window(loaded: Followed) -> None:
    today = datetime.now(UTC).date()
    asked = len(loaded.ncbi.requests)
    loaded.run(mode="window", since=today - timedelta(days=1), until=today)
    assert len(loaded.ncbi.requests) == asked + 1
