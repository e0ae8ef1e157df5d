"""Shared fixtures of the mart tests."""

from pathlib import Path

import pytest

from tests.support.snapshots import store_with_marts
from tests.support.warehouses import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_with_marts(tmp_path)
