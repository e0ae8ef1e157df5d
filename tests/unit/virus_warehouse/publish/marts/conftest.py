"""What the tests of the marts share."""

from pathlib import Path

import pytest

from tests.support.warehouses import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)
