"""A snapshot stores which records several sources hold; its view shows the same as the warehouse's."""

from pathlib import Path

import pytest

from tests.support.snapshots import DISTINCT_RECORDS, distinct_by_the_warehouses_view, snapshot_of
from tests.support.warehouses import DENGUE, MPOX, Store, line, query
from virus_warehouse.warehouse import shares

pytestmark = pytest.mark.slow  # each test makes a candidate

FLU = MPOX.model_copy(update={"name": "flu"})
"""Not followed."""


@pytest.fixture(scope="module")
def overlapping(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three sources, each the one with the latest state of some record; only to be copied."""
    store = Store(tmp_path_factory.mktemp("overlapping"))
    store.load(*(line(f"PX{number}.1") for number in range(8)), line("PX9.2"), line("PX8.1", None))
    store.load(line("PX1.2"), line("PX2.1", "2025-06-01"), line("PX3.1"), line("PX9.1"), line("QX1.1"), source=DENGUE)
    store.load(line("PX1.3"), line("PX8.1"), line("RX1.1"), source=FLU)
    return store


@pytest.mark.parametrize("at_once", [1_000_000, 1])
def test_view_shows_what_the_warehouses_view_shows(
    overlapping: Store, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "ACCESSIONS_AT_ONCE", at_once)
    snapshot = snapshot_of(overlapping.copy_to(tmp_path))
    shared = query(snapshot, "FROM ops.shared_record ORDER BY ALL")
    both = ["dengue", "mpox"]
    assert shared == [("PX1", both, "dengue"), ("PX2", both, "dengue"), ("PX3", both, "dengue"), ("PX9", both, "mpox")]
    shown = query(snapshot, DISTINCT_RECORDS)
    assert len(shown) == 11
    assert shown == distinct_by_the_warehouses_view(snapshot, tmp_path)


def test_without_shared_records_every_record_is_shown(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.load(line("PX1.1"), line("PX2.1"))
    snapshot = snapshot_of(store)
    assert query(snapshot, "FROM ops.shared_record") == []
    assert query(snapshot, "SELECT accession, sources FROM virus_genome_distinct ORDER BY ALL") == [
        ("PX1", ["mpox"]),
        ("PX2", ["mpox"]),
    ]
