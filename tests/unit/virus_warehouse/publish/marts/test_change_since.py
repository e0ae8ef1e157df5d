"""Changes after a moment: past records plus changes equal the current records."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.snapshots import marts_of, store_with_marts
from tests.support.warehouses import FIRST_COMMIT, MPOX, Store, line, query
from virus_warehouse.ncbi.request import VirusGenomeRequest
from virus_warehouse.sources import Source

pytestmark = pytest.mark.slow  # six loads

HUMAN_MPOX = Source(name="mpox", request=VirusGenomeRequest(taxon="10244", host="human"))


def committed(number: float) -> datetime:
    return FIRST_COMMIT + timedelta(hours=number)


def changes(
    snapshot: Path, since: datetime, columns: str = "accession_version, change, run_id"
) -> list[tuple[Any, ...]]:
    return query(
        snapshot,
        f"SELECT {columns} FROM mart.change_since('{since.isoformat()}') ORDER BY changed_at, accession, change",
    )


@pytest.fixture(scope="module")
def changed_snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """PX1 is revised twice, PX2 is withdrawn and comes back, PX3 is new, PX4 is filtered out, PX5 only re-dated."""
    store = store_with_marts(tmp_path_factory.mktemp("changed_snapshot"))
    second = "2025-05-02"
    store.load(line("PX1.1"), line("PX2.1"), line("PX5.1"))
    store.load(line("PX1.2", second), line("PX5.1", second), mode="incremental")
    store.load(line("PX1.2", second), line("PX4.1"), line("PX5.1", second), is_census=True)
    store.load(line("PX1.2", second), line("PX4.1"), line("PX5.1", second), is_census=True)
    store.load(line("PX1.2", "2025-05-03", length=7), line("PX2.1"), line("PX3.1"), mode="incremental")
    store.load(
        line("PX1.2", "2025-05-03", length=7),
        line("PX2.1"),
        line("PX3.1"),
        line("PX5.1", second),
        source=HUMAN_MPOX,
        filter_changed=True,
    )
    return marts_of(store)


def test_every_change_is_listed_once_with_its_run(changed_snapshot: Path) -> None:
    assert changes(changed_snapshot, committed(1)) == [
        ("PX1.2", "revised", "run-2"),
        ("PX4.1", "new", "run-3"),
        ("PX2.1", "withdrawn", "run-4"),
        ("PX1.2", "revised", "run-5"),
        ("PX2.1", "reinstated", "run-5"),
        ("PX3.1", "new", "run-5"),
        ("PX4.1", "filtered", "run-6"),
    ]


def test_moment_itself_is_excluded(changed_snapshot: Path) -> None:
    assert changes(changed_snapshot, committed(5)) == [("PX4.1", "filtered", "run-6")]
    assert len(changes(changed_snapshot, committed(4.999))) == 4
    assert changes(changed_snapshot, committed(6)) == []


def test_first_load_is_marked(changed_snapshot: Path) -> None:
    news = changes(changed_snapshot, committed(0), "run_id, is_first_load")
    assert {run_id for run_id, is_first_load in news if is_first_load} == {"run-1", "run-6"}
    assert len([run_id for run_id, _ in news if run_id == "run-1"]) == 3


@pytest.mark.parametrize("number", [0, 1, 2, 3, 4, 5, 6])
def test_past_records_plus_changes_equal_current_records(changed_snapshot: Path, number: int) -> None:
    as_of = f"virus_genome_as_of('{committed(number).isoformat()}')"
    then = dict(query(changed_snapshot, f"SELECT accession, accession_version FROM {as_of}"))
    for accession, version, change in changes(
        changed_snapshot, committed(number), "accession, accession_version, change"
    ):
        if change in ("withdrawn", "filtered"):
            assert then.pop(accession) == version
        else:
            assert (accession in then) == (change == "revised")
            then[accession] = version
    assert then == dict(query(changed_snapshot, "SELECT accession, accession_version FROM virus_genome"))


def test_virus_and_country_are_included(store: Store) -> None:
    store.load(line("PX1.1", location={"geographicLocation": "Ghana: Accra"}), source=MPOX)
    assert changes(marts_of(store), committed(0), "source, accession, virus_name, country, changed_at") == [
        ("mpox", "PX1", "Monkeypox virus", "Ghana", committed(1))
    ]
