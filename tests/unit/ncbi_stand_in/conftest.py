from collections.abc import Iterator

import pytest

from tests.support.stand_in import DEFAULT_TODAY, StandIn


@pytest.fixture(scope="module")
def shared() -> Iterator[StandIn]:
    with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
def stand_in(shared: StandIn) -> Iterator[StandIn]:
    """The shared stand-in, reset after each test."""
    yield shared
    shared.clear_faults()
    shared.set_today(DEFAULT_TODAY)
