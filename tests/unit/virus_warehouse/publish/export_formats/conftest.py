"""Snapshots to export."""

from pathlib import Path

import pytest

from tests.support.snapshots import SnapshotMaker, marts_of, store_with_marts


@pytest.fixture
def snapshot(tmp_path: Path) -> SnapshotMaker:
    """Makes a snapshot of report lines."""

    def make(*lines: str) -> Path:
        folder = tmp_path / "data"
        folder.mkdir()
        store = store_with_marts(folder)
        store.load(*lines)
        return marts_of(store)

    return make
