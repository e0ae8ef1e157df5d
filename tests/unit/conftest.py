"""Shared fixtures of the unit tests."""

from collections.abc import Iterator

import pytest

from virus_warehouse.pages.explore import charts
from virus_warehouse.pages.explore.drawing import Drawer


@pytest.fixture(scope="session")
def slow_drawer() -> Iterator[None]:
    """A chart drawer with a long timeout, for busy machines; it is stopped after the tests."""
    drawer = Drawer(240)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charts, "_DRAWER", drawer)
        yield
    drawer.close()
