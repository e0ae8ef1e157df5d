"""What some unit tests share."""

from collections.abc import Iterator

import pytest

from virus_warehouse.pages.explore import charts
from virus_warehouse.pages.explore.drawing import Drawer


@pytest.fixture(scope="session")
def patient_drawer() -> Iterator[None]:
    """Charts may take longer than people would wait, as on a busy machine; what draws them ends with the tests."""
    drawer = Drawer(240)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(charts, "_DRAWER", drawer)
        yield
    drawer.close()
