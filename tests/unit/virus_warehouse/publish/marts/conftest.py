"""What the tests of the marts share."""

from pathlib import Path

import pytest

from tests.support.snapshots import shelf_with_marts
from tests.support.warehouses import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return shelf_with_marts(tmp_path)
